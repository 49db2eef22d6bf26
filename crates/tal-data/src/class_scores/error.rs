//! Errors of files of class scores.

use std::path::PathBuf;

use tal_core::FileError;

use crate::JsonError;

/// Reason why a file of class scores cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClassScoresFileError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
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
