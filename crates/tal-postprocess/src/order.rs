//! Order of numbers from high to low.

use std::cmp::Ordering;

/// Order of numbers from high to low; a number that cannot be compared equals all others.
pub(crate) fn descending<F: PartialOrd>(a: F, b: F) -> Ordering {
    b.partial_cmp(&a).unwrap_or(Ordering::Equal)
}
