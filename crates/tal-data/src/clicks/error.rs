//! Why background clicks cannot be used.

use std::path::PathBuf;

use crate::{AnnotationError, FeatureError, TableError};

/// Why background clicks cannot be read, written or simulated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClickError {
    /// The file is missing or unreadable.
    #[error("cannot read click file {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write click file {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is no JSON, or lacks a key or has one too many (with line and column).
    #[error(transparent)]
    Json(AnnotationError),
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
    /// One recording id stands twice in the file.
    #[error("{}: recording {recording:?} occurs twice; give all its clicks in one list", path.display())]
    RepeatedRecording {
        /// The file.
        path: PathBuf,
        /// The recording.
        recording: String,
    },
    /// What stands for a click is none.
    #[error("{}: recording {recording:?}: a click is {found}; expected {expected}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The recording.
        recording: String,
        /// What stands there.
        found: String,
        /// What would be right.
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
    Table(#[from] TableError),
    /// A table of clicks has none.
    #[error(
        "{}: no row is a background click; expected rows whose Tag has the word background, such as background_background",
        path.display()
    )]
    NoBackground {
        /// The file.
        path: PathBuf,
    },
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
        /// What is there.
        found: String,
        /// What would be right.
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
        /// The archive of the first recording that has one, or where that of the first recording would be.
        first: PathBuf,
    },
    /// Nothing says how long a recording is.
    #[error(
        "recording {recording:?} has no duration; give \"duration\" (seconds) in the annotation file"
    )]
    MissingDuration {
        /// The recording.
        recording: String,
    },
    /// A setting of the simulation makes no sense.
    #[error("{field} is {found}; expected {expected}")]
    Setting {
        /// The setting.
        field: &'static str,
        /// Its value.
        found: String,
        /// What would be right.
        expected: &'static str,
    },
}
