//! Annotations, features, augmentation, deterministic loading and synthetic corpora for temporal action localization;
//! no LibTorch.
//!
//! ```text
//! annotation JSON ──► GroundTruth ──┐
//!                                   ├──► Dataset ──► Features        (evaluation, in file order)
//! npy, npz, raw signals ─► features ┘       └──────► TrainingSample  ──► Loader ──► Batch
//!                                                    (grid units, cut)   (order of (seed, epoch))
//! clicks + labels ───────► Dataset ──► WeakDataset ──► WeakSample ─────► Loader ──► Batch
//! ```
//!
//! Everything random is a function of (seed, epoch, recording): neither the number of threads nor their timing changes
//! a result.

pub mod annotations;
mod bounded;
mod cache;
pub mod class_scores;
pub mod clicks;
pub mod dataset;
pub mod error;
pub mod features;
pub mod json;
pub mod loader;
pub mod order;
pub mod pipeline;
pub mod results;
pub mod rng;
pub mod sample;
pub mod table;
pub mod text;
pub mod truncate;
pub mod weak;

pub use annotations::AnnotationError;
pub use class_scores::ClassScoresFileError;
pub use clicks::{ClickError, Clicks};
pub use dataset::Dataset;
pub use error::DataError;
pub use features::{FeatureArray, FeatureError, FeatureStore, Features};
pub use json::JsonError;
pub use loader::{Batch, Loader, LoaderConfig, Position, SampleSource};
pub use results::ResultsError;
pub use sample::TrainingSample;
pub use text::TextFileError;
pub use weak::{WeakDataset, WeakError, WeakOptions, WeakSample};
