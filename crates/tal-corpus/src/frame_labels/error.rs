//! Errors of folders of frame labels.

use std::path::PathBuf;

use tal_core::atomic::FolderError;
use tal_data::{AnnotationError, FeatureError, TextFileError};

use crate::source::SourceError;

/// Reason why a folder of frame labels and features cannot be read or converted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameLabelError {
    /// A file or folder is missing or unreadable.
    #[error("cannot read {}: {source}; expected groundTruth/, features/, splits/ and mapping.txt in the folder", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The output folder is not empty or cannot be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A line is wrong.
    #[error(transparent)]
    Text(#[from] TextFileError),
    /// There is no such split.
    #[error("{}: there is no split {split}; the folder has the splits {present}", path.display())]
    NoSplit {
        /// The folder of the splits.
        path: PathBuf,
        /// The number that was asked for.
        split: usize,
        /// The numbers there are.
        present: String,
    },
    /// A class of the background is not in the mapping: this is another data set.
    #[error("{}: no class {name:?}, which should be the background; is this another data set?", path.display())]
    NoBackground {
        /// The list of classes.
        path: PathBuf,
        /// The class.
        name: String,
    },
    /// Frames can only be taken whole, from the first.
    #[error("every {every}th frame; expected at least 1")]
    Every {
        /// The number that was asked for.
        every: usize,
    },
    /// The frame rate is not above 0.
    #[error("{fps} frames per second; expected a number above 0")]
    Fps {
        /// The rate.
        fps: f64,
    },
    /// Labels and features do not belong together.
    #[error(
        "{}: array of shape {} for {num_labels} labelled frames; expected (channels, frames) with about as many \
         frames as labels",
        path.display(), tal_core::shape_text(shape)
    )]
    Lengths {
        /// The feature file.
        path: PathBuf,
        /// The array's shape.
        shape: Vec<usize>,
        /// Lines of the label file.
        num_labels: usize,
    },
    /// The list of classes.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The annotations cannot be written.
    #[error(transparent)]
    Annotation(#[from] AnnotationError),
    /// A feature file.
    #[error(transparent)]
    Feature(#[from] FeatureError),
}
