//! Errors of the look at a file.

use std::path::{Path, PathBuf};

use tal_core::{FileError, Usage};
use tal_data::{AnnotationError, FeatureError, ResultsError};
use tal_pth::PthError;
use tal_runs::RunsError;
use tal_video::VideoError;

/// A file that cannot be read, or is of no kind that is known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is of another kind, or of none.
    #[error("{}: {reason}", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// What it looks like, and the command that reads such files.
        reason: String,
    },
    /// Features are damaged.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// Annotations have a mistake.
    #[error(transparent)]
    Annotations(#[from] AnnotationError),
    /// Detections have a mistake.
    #[error(transparent)]
    Detections(#[from] ResultsError),
    /// A file of PyTorch or pickle is damaged.
    #[error(transparent)]
    Tensors(#[from] PthError),
    /// The description of a film has a mistake.
    #[error(transparent)]
    Film(#[from] VideoError),
    /// A run folder or a checkpoint is damaged.
    #[error(transparent)]
    Run(#[from] RunsError),
}

impl InspectError {
    pub(crate) fn unknown(path: &Path, reason: impl Into<String>) -> Self {
        Self::Unknown {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }
}

impl Usage for InspectError {
    fn is_usage(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }
}
