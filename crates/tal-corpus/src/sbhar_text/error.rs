//! Errors of folders of SBHAR text files.

use std::path::PathBuf;

use tal_core::atomic::FolderError;
use tal_data::{AnnotationError, FeatureError, TextFileError};

/// Reason why a folder of SBHAR text files cannot be read or converted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SbharError {
    /// A file or folder is missing or unreadable, or a line is wrong.
    #[error(transparent)]
    Text(#[from] TextFileError),
    /// The output folder is not empty or cannot be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The folder holds no signals.
    #[error("{}: no signals; expected files named acc_expXX_userYY.txt", path.display())]
    NoSignals {
        /// The folder.
        path: PathBuf,
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
