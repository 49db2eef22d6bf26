//! What can be wrong with an encoder's shape.

/// What can be wrong with an encoder's shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncoderError {
    /// A size that no encoder can have.
    #[error("the encoder's {what} is {value}, it must be {allowed}")]
    Size {
        /// Which size.
        what: &'static str,
        /// What it is.
        value: String,
        /// What it can be.
        allowed: &'static str,
    },
    /// A list of sizes per level that is too short.
    #[error("the encoder's {what} says nothing about level {level}")]
    Level {
        /// Which list.
        what: &'static str,
        /// The level.
        level: usize,
    },
}

/// An error with `what` unless `ok`.
pub(crate) fn require(
    ok: bool,
    what: &'static str,
    value: impl ToString,
    allowed: &'static str,
) -> Result<(), EncoderError> {
    if ok {
        Ok(())
    } else {
        Err(EncoderError::Size {
            what,
            value: value.to_string(),
            allowed,
        })
    }
}
