//! Reasons why no configuration can be suggested.

use std::path::PathBuf;

use tal_core::{FileError, Usage, shape_text};
use tal_data::{AnnotationError, FeatureError};

/// Why no configuration can be suggested.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SuggestionError {
    /// The annotations cannot be read.
    #[error(transparent)]
    Annotations(#[from] AnnotationError),
    /// A feature file cannot be read.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// The folder cannot be listed.
    #[error(transparent)]
    File(#[from] FileError),
    /// A subset is missing.
    #[error(
        "{}: no {role} subset, only {present}; `tal data split` makes one, or write the configuration by hand",
        path.display()
    )]
    Subset {
        /// The annotation file.
        path: PathBuf,
        /// `training` or `test`.
        role: &'static str,
        /// The subsets that are there.
        present: String,
    },
    /// There is nothing to learn from.
    #[error("{}: the subset {subset} has no action", path.display())]
    NoActions {
        /// The annotation file.
        path: PathBuf,
        /// The subset.
        subset: String,
    },
    /// No file belongs to a recording.
    #[error(
        "{}: no feature file of a training recording such as {example:?}{}; expected its id followed by .npy, .csv, \
         .safetensors, .pt or .pkl",
        folder.display(),
        other.as_ref().map(|name| format!(", only {name:?}")).unwrap_or_default()
    )]
    NoFeatures {
        /// The folder.
        folder: PathBuf,
        /// Id of a recording.
        example: String,
        /// A file with another ending.
        other: Option<String>,
    },
    /// A file does not hold one matrix.
    #[error("{}: holds an array of {}; expected one matrix, time × channels", path.display(), shape_text(shape))]
    Shape {
        /// The file.
        path: PathBuf,
        /// The shape of its array.
        shape: Vec<usize>,
    },
    /// Files have different numbers of channels.
    #[error(
        "{}: the array of {} has no axis in common with those of the other recordings; all must have the same number of \
         channels",
        path.display(),
        shape_text(shape)
    )]
    Channels {
        /// The first file.
        path: PathBuf,
        /// The shape of its array.
        shape: Vec<usize>,
    },
    /// Nothing says how features lie in time.
    #[error(
        "{}: no training recording with features has a \"duration\", so nothing says how features lie in time; add durations \
         (seconds)",
        path.display()
    )]
    NoDurations {
        /// The annotation file.
        path: PathBuf,
    },
}

impl Usage for SuggestionError {
    fn is_usage(&self) -> bool {
        true
    }
}
