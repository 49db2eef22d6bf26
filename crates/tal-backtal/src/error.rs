//! Errors of the network's constructor.

use tal_core::config::FieldErrors;
use thiserror::Error;

/// Reasons why a network cannot be built.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum BackTalError {
    /// Values of the configuration, such as the dropout probability, are out of range.
    #[error(transparent)]
    Config(#[from] FieldErrors),
    /// A size is zero.
    #[error("the number of {0} is 0, must be at least 1")]
    ZeroSize(&'static str),
}
