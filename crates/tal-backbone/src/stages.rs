//! Intermediate results of a network.

use tch::Tensor;

/// Receiver of the intermediate results, by their released names.
pub(crate) type Visitor<'a> = dyn FnMut(&str, &Tensor) + 'a;
