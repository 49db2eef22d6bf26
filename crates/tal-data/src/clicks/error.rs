//! Errors of background clicks.

use std::path::PathBuf;

use tal_core::FileError;

use crate::{FeatureError, JsonError, TextFileError};

/// Reason why background clicks cannot be read, written or simulated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClickError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is not JSON, lacks a key, or has an unknown one.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The file is of another version.
    #[error("{}: version {found}; expected {expected}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// The version that is read.
        expected: u64,
    },
    /// A recording id occurs twice in the file.
    #[error("{}: recording {recording:?} occurs twice; give all its clicks in one list", path.display())]
    RepeatedRecording {
        /// The file.
        path: PathBuf,
        /// The recording.
        recording: String,
    },
    /// A click is not a time.
    #[error("{}: recording {recording:?}: a click is {found}; expected {expected}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The recording.
        recording: String,
        /// Value found.
        found: String,
        /// Right content.
        expected: &'static str,
    },
    /// A click lies behind the end of its recording.
    #[error(
        "{}: recording {recording:?}: a click at {click} s, but the recording lasts {duration} s; expected 0 to {duration} s",
        path.display()
    )]
    Outside {
        /// The file.
        path: PathBuf,
        /// The recording.
        recording: String,
        /// The click in seconds.
        click: f64,
        /// The duration in seconds.
        duration: f64,
    },
    /// A table of clicks.
    #[error(transparent)]
    Table(#[from] TextFileError),
    /// A table of clicks has none.
    #[error(
        "{}: no row is a background click; expected rows whose Tag has the word background, such as background_background",
        .0.display()
    )]
    NoBackground(PathBuf),
    /// An archive of the released layout that cannot be read.
    #[error(transparent)]
    Feature(#[from] FeatureError),
    /// An array of the released layout holds something else.
    #[error("{}: array {key:?} {found}; expected {expected}", path.display())]
    Released {
        /// The file.
        path: PathBuf,
        /// Name of the array.
        key: &'static str,
        /// Content found.
        found: String,
        /// Right content.
        expected: String,
    },
    /// A folder of archives has no clicks at all.
    #[error(
        "{}: no recording has an archive with \"point_label\" there, first looked at: {}; expected the folder of the archives \
         to train on, ID.npz, or no clicks (null) to learn from labels alone",
        folder.display(),
        first.display()
    )]
    NoArchive {
        /// The folder.
        folder: PathBuf,
        /// The archive of the first recording that has one, or the place of that of the first recording.
        first: PathBuf,
    },
    /// Nothing says how long a recording is.
    #[error("recording {0:?} has no duration; give \"duration\" (seconds) in the annotation file")]
    MissingDuration(String),
    /// A setting of the simulation is out of range.
    #[error("{field} is {found}; expected {expected}")]
    Setting {
        /// The setting.
        field: &'static str,
        /// Its value.
        found: String,
        /// Right content.
        expected: &'static str,
    },
}
