//! Errors of cutting recordings into clips.

use std::path::PathBuf;

use tal_core::Usage;
use tal_core::atomic::FolderError;
use tal_data::{AnnotationError, ClickError, DataError, FeatureError};

/// Reason why recordings cannot be cut into clips.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClipError {
    /// A setting is out of range.
    #[error("{field} is {found}; expected {expected}")]
    Setting {
        /// The setting.
        field: &'static str,
        /// Its value.
        found: String,
        /// Right content.
        expected: String,
    },
    /// The data set cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The annotations cannot be read or written.
    #[error(transparent)]
    Annotations(#[from] AnnotationError),
    /// Features cannot be read or written.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// The clicks that are cut along.
    #[error(transparent)]
    Clicks(#[from] ClickError),
    /// A raw signal of which only a part is used, or that is one of several.
    #[error("raw signals are cut without features.columns and features.append; leave both out")]
    PartOfSignal,
    /// Nothing would be written.
    #[error(
        "no clip holds enough of an action, so none would be kept; lower the least share, or keep clips without actions \
         (--min-share, --keep-empty)"
    )]
    NoClips,
    /// Nothing says when in a recording its classes happen.
    #[error(
        "{}: recording {recording:?} has \"labels\", but no annotated action: which of its clips they belong to is not known; \
         expected annotations with segments, or another subset for the recording",
        path.display()
    )]
    LabelsAlone {
        /// The annotation file.
        path: PathBuf,
        /// The recording.
        recording: String,
    },
    /// A recording is itself a clip.
    #[error(
        "{}: recording {recording:?} is a clip with \"cut_off\", remainders of actions that cutting again would lose; cut the \
         recordings that the clips are from",
        path.display()
    )]
    Clip {
        /// The annotation file.
        path: PathBuf,
        /// The recording.
        recording: String,
    },
    /// The output folder is not empty or cannot be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

impl Usage for ClipError {
    fn is_usage(&self) -> bool {
        matches!(self, ClipError::Setting { .. })
    }
}
