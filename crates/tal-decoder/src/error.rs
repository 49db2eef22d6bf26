//! Errors of constructors.

use tal_core::config::FieldErrors;
use thiserror::Error;

/// Reasons why something cannot be built.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum DecoderError {
    /// Values of the configuration are out of range.
    #[error(transparent)]
    Config(#[from] FieldErrors),
    /// A size is zero.
    #[error("the number of {0} is 0, must be at least 1")]
    ZeroSize(&'static str),
    /// A class without examples is not one of the classes.
    #[error("class {class} is listed as empty, must be below the number of classes, {num_classes}")]
    EmptyClass {
        /// Id of the class.
        class: u32,
        /// Number of classes.
        num_classes: usize,
    },
    /// An answer on a level does not fit the other answers.
    #[error(
        "{answer} of level {level} has the shape {}, must have {}",
        tal_core::shape_text(found),
        tal_core::shape_text(expected)
    )]
    Answer {
        /// Name of the answer.
        answer: &'static str,
        /// Level, 0 is the finest.
        level: usize,
        /// Its shape; empty if the level lacks the answer.
        found: Vec<i64>,
        /// The shape that fits; empty if level 0 lacks the answer.
        expected: Vec<i64>,
    },
}

impl DecoderError {
    /// Checks that a pyramid has channels, and that there are classes.
    pub(crate) fn check_sizes(dim: usize, num_classes: usize) -> Result<(), Self> {
        for (name, size) in [("channels", dim), ("classes", num_classes)] {
            if size == 0 {
                return Err(DecoderError::ZeroSize(name));
            }
        }
        Ok(())
    }
}
