//! Errors about run folders.

use std::path::{Path, PathBuf};

use tal_core::{FileError, Usage};

/// An error about runs or their files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunsError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file is not what its name says.
    #[error("{}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The fault, and what would be right.
        reason: String,
    },
    /// A condition on runs cannot be understood.
    #[error("{text:?}: {reason}")]
    Condition {
        /// The condition.
        text: String,
        /// The fault, and what would be right.
        reason: String,
    },
}

impl RunsError {
    pub(crate) fn malformed(path: &Path, reason: impl Into<String>) -> Self {
        Self::Malformed {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }
}

impl Usage for RunsError {
    fn is_usage(&self) -> bool {
        matches!(self, Self::Condition { .. })
    }
}
