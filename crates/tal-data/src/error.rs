//! Errors of data sets.

use std::path::PathBuf;

use tal_core::quoted_list;

use crate::{AnnotationError, ClickError, FeatureError, WeakError};

/// Reason why a data set cannot be opened or a recording not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The annotations.
    #[error(transparent)]
    Annotation(#[from] AnnotationError),
    /// The features.
    #[error(transparent)]
    Feature(#[from] FeatureError),
    /// The background clicks.
    #[error(transparent)]
    Clicks(#[from] ClickError),
    /// Recordings for weak supervision.
    #[error(transparent)]
    Weak(#[from] WeakError),
    /// No recording belongs to the wanted subsets.
    #[error("{}: no recording in {}; the file has the subsets {}", path.display(), quoted_list(wanted), quoted_list(present))]
    EmptySubset {
        /// The annotation file.
        path: PathBuf,
        /// The subsets that were asked for.
        wanted: Vec<String>,
        /// The subsets of the file.
        present: Vec<String>,
    },
    /// A feature file for all recordings holds none.
    #[error(
        "{}: no array whose name begins with dataset.features.prefix {prefix:?}; the file holds {}",
        path.display(), quoted_list(names)
    )]
    NoRecordings {
        /// The file.
        path: PathBuf,
        /// The prefix.
        prefix: String,
        /// The names in the file.
        names: Vec<String>,
    },
    /// A feature file holds several recordings, and one is wanted.
    #[error("{}: one recording is wanted, but the file holds {}", path.display(), quoted_list(ids))]
    SeveralRecordings {
        /// The file.
        path: PathBuf,
        /// The recordings.
        ids: Vec<String>,
    },
    /// Feature files are missing.
    #[error(
        "{} of {total} recordings have no feature file, first {} (recording {:?}); \
         check features.dir, prefix and suffix, or set skip_missing_features",
        ids.len(), path.display(), ids[0]
    )]
    MissingFeatures {
        /// Path at which the first was looked for.
        path: PathBuf,
        /// The recordings, at least one.
        ids: Vec<String>,
        /// Recordings of the subset.
        total: usize,
    },
    /// Nothing says how many frames a second has.
    #[error(
        "recording {0:?} has no frame rate; set dataset.fps, or \"fps\" in the annotation file"
    )]
    MissingFps(String),
    /// Nothing says how long a recording of features of fixed length is.
    #[error(
        "recording {0:?} has no duration, and without dataset.feat_stride nothing else says how its features lie in \
         time; give \"duration\" (seconds) in the annotation file, or set dataset.feat_stride"
    )]
    MissingDuration(String),
    /// The windows of a raw signal are not the grid of the features.
    #[error(
        "dataset.{field} is {found}, but features are cut with {expected}; \
         expected feat_stride = stride and num_frames = window"
    )]
    InertialGrid {
        /// `feat_stride` or `num_frames`.
        field: &'static str,
        /// Its value, in samples.
        found: String,
        /// Stride or window of the format, in samples.
        expected: usize,
    },
    /// There are fewer recordings than a batch takes.
    #[error(
        "a batch of {batch_size} cannot be filled from {num_recordings} recordings; expected a batch size of 1 to {num_recordings}"
    )]
    BatchSize {
        /// Recordings per batch.
        batch_size: usize,
        /// Recordings of the data set.
        num_recordings: usize,
    },
    /// A start position lies behind the end of its epoch.
    #[error("cannot start at batch {batch}; an epoch has {num_batches}")]
    StartPosition {
        /// The batch that was asked for.
        batch: usize,
        /// Batches of an epoch.
        num_batches: usize,
    },
    /// Loading panicked.
    #[error("loading {job} panicked: {message}")]
    Panicked {
        /// The item that was being loaded.
        job: String,
        /// The panic's message.
        message: String,
    },
    /// A background thread could not be started.
    #[error("cannot start a loading thread: {0}")]
    Thread(#[source] std::io::Error),
}
