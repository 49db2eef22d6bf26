//! Why a folder of SBHAR text files cannot be used.

use std::path::PathBuf;

use tal_data::{AnnotationError, FeatureError};

/// Why a folder of SBHAR text files cannot be read or converted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SbharError {
    /// A file or folder is missing or unreadable.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A folder cannot be made.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The folder holds no signals.
    #[error("{}: no signals; expected files named acc_expXX_userYY.txt", path.display())]
    NoSignals {
        /// The folder.
        path: PathBuf,
    },
    /// A line holds something else.
    #[error("{}: line {line}: {found:?}; expected {expected}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Its content.
        found: String,
        /// What would be right.
        expected: String,
    },
    /// Accelerometer and gyroscope do not have the same number of samples.
    #[error("{}: {gyroscope} samples, but the accelerometer has {accelerometer}", path.display())]
    Lengths {
        /// The gyroscope's file.
        path: PathBuf,
        /// Samples of the accelerometer.
        accelerometer: usize,
        /// Samples of the gyroscope.
        gyroscope: usize,
    },
    /// The class names are not unique.
    #[error("{}: {source}", path.display())]
    Classes {
        /// The file.
        path: PathBuf,
        /// Which.
        source: tal_core::ClassMapError,
    },
    /// The converted annotations cannot be written.
    #[error(transparent)]
    Annotation(#[from] AnnotationError),
    /// A converted signal cannot be written.
    #[error(transparent)]
    Feature(#[from] FeatureError),
}
