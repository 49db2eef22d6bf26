//! Errors of files of class scores.

use std::path::PathBuf;

use crate::JsonError;

/// Reason why a file of class scores cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClassScoresFileError {
    /// The file is missing or unreadable.
    #[error("cannot read class scores from {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The file is not JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A value is out of range.
    #[error("{}: {place}{message}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// Recording and position, with a colon at the end; empty for the file as a whole.
        place: String,
        /// Fault, and right content.
        message: String,
    },
}
