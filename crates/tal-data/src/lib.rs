#![doc = include_str!("../README.md")]

pub mod annotations;
mod augmentation;
mod bounded;
mod cache;
pub mod class_scores;
pub mod clicks;
mod dataset;
mod encoding;
mod error;
pub mod features;
#[cfg(feature = "hdf5")]
pub mod hdf5;
#[cfg(not(feature = "hdf5"))]
#[path = "no_hdf5.rs"]
pub mod hdf5;
pub mod json;
mod line_ends;
mod loader;
pub mod order;
mod pipeline;
pub mod results;
pub mod rng;
mod sample;
mod table;
pub mod text;
mod truncation;
mod weak;

// Features.
pub use dataset::{Features, FoundRecording, find_recordings, read_features, resize};
pub use features::array::FeatureArray;
pub use features::store::FeatureStore;

// Data sets.
pub use augmentation::{SignalWindows, rescaled};
pub use dataset::{ANY_CLASS, Dataset, Timing, check_inertial_grid};
pub use sample::{SampleKey, TrainingSample};
pub use truncation::{Window, choose_window};

// Data sets for weak supervision.
pub use weak::{
    WeakDataset, WeakOptions, WeakSample, all_classes, annotated_classes, clicked_snippets,
    covered_seconds, resampled_snippets, weak_class_names,
};

// Loading.
pub use loader::{Batch, Loader, LoaderConfig, Position, SampleSource};
pub use pipeline::Pipeline;

// Tables.
pub use table::Table;

// Errors.
pub use annotations::error::AnnotationError;
pub use class_scores::error::ClassScoresFileError;
pub use clicks::error::ClickError;
pub use error::DataError;
pub use features::error::FeatureError;
pub use json::JsonError;
pub use results::error::ResultsError;
pub use text::TextFileError;
pub use weak::error::WeakError;
