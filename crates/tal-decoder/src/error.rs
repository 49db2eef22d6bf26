//! What can be wrong with what a decoder is built from.

use thiserror::Error;

/// A decoder that cannot be built.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum DecoderError {
    /// A size is zero.
    #[error("{name} of the decoder is 0, at least 1 is needed")]
    ZeroSize {
        /// What the size is called.
        name: &'static str,
    },
    /// A kernel has no middle.
    #[error("decoder.{field} is {value}, a kernel must be odd")]
    EvenKernel {
        /// Field of the configuration.
        field: &'static str,
        /// Its value.
        value: usize,
    },
    /// The levels of the pyramid and their responsibilities differ in number.
    #[error("decoder.regression_range has {ranges} ranges, the pyramid has {num_levels} levels")]
    Levels {
        /// Number of ranges.
        ranges: usize,
        /// Number of levels.
        num_levels: usize,
    },
    /// The prior probability is no probability.
    #[error("decoder.head.cls_prior_prob is {value}, between 0 and 1 is needed")]
    Prior {
        /// Its value.
        value: f64,
    },
    /// A class without examples is not one of the classes.
    #[error("class {class} is listed as empty, but there are only {num_classes} classes")]
    EmptyClass {
        /// The id.
        class: u32,
        /// Number of classes.
        num_classes: usize,
    },
}
