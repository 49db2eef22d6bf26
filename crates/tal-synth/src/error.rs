//! Errors of synthetic corpora.

use std::path::PathBuf;

use tal_core::atomic::FolderError;
use tal_core::{ClassMapError, Usage};

use tal_data::AnnotationError;
use tal_data::FeatureError;
use tal_video::VideoError;

/// Reason why a synthetic corpus cannot be generated or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SynthError {
    /// A value of the configuration is out of range.
    #[error("{field} is {value}; expected {expected}")]
    Config {
        /// The field of [`super::SynthConfig`].
        field: &'static str,
        /// Its value.
        value: String,
        /// Allowed values.
        expected: String,
    },
    /// A class does not occur in a subset.
    #[error(
        "no action of class {class:?} in the subset {subset:?} of {num_recordings} recordings; generate more or longer \
         recordings, or fewer classes"
    )]
    ClassMissing {
        /// The class.
        class: String,
        /// The subset.
        subset: &'static str,
        /// How many recordings it has.
        num_recordings: usize,
    },
    /// The classes have no consistent names.
    #[error(transparent)]
    Classes(#[from] ClassMapError),
    /// A file is there already.
    #[error("{} is there already; choose another folder, nothing is overwritten", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The output folder is not empty or cannot be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A film cannot be written.
    #[error(transparent)]
    Film(#[from] VideoError),
    /// The work was stopped.
    #[error("stopped; nothing was written")]
    Stopped,
    /// The annotations cannot be written.
    #[error(transparent)]
    Annotations(#[from] AnnotationError),
    /// Features cannot be written.
    #[error(transparent)]
    Features(#[from] FeatureError),
}

impl Usage for SynthError {
    fn is_usage(&self) -> bool {
        !matches!(
            self,
            SynthError::Folder(FolderError::Write { .. })
                | SynthError::Annotations(_)
                | SynthError::Features(_)
                | SynthError::Film(_)
                | SynthError::Stopped
        )
    }
}
