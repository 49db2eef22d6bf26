//! Why a folder of frame labels cannot be used.

use std::path::PathBuf;

use crate::source::SourceError;
use tal_data::{AnnotationError, FeatureError};

/// Why a folder of frame labels and features cannot be read or converted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameLabelError {
    /// A file or folder is missing or unreadable.
    #[error("cannot read {}: {source}; expected groundTruth/, features/, splits/ and mapping.txt in the folder", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file or folder cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The output folder has something in it.
    #[error("the output folder {} is not empty; choose another one, nothing is overwritten", path.display())]
    NotEmpty {
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
    /// The frame rate is no frame rate.
    #[error("{fps} frames per second; expected a number above 0")]
    Fps {
        /// The rate.
        fps: f64,
    },
    /// Labels and features do not belong together.
    #[error(
        "{}: array of shape {shape:?} for {num_labels} labelled frames; expected (channels, frames) with about as many \
         frames as labels",
        path.display()
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
