//! Why a file of class scores cannot be used.

use std::path::PathBuf;

use crate::JsonError;

/// Why a file of class scores cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClassScoresFileError {
    /// The file is missing or unreadable.
    #[error("cannot read class scores from {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A value makes no sense.
    #[error("{}: {place}{message}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// Recording and position, with a colon at the end; empty for the file as a whole.
        place: String,
        /// What is wrong and what would be right.
        message: String,
    },
}
