//! Feature files: one folder, one file per recording, several formats behind [`FeatureStore`].

mod array;
mod convert;
pub mod csv;
mod emit;
mod error;
pub mod hdf5;
pub mod inertial;
mod key;
pub mod npy;
pub mod npz;
pub mod pickle;
pub mod safetensors;
mod source;
mod store;
mod tensors;
pub mod torch;
mod value;
mod write;

use tal_core::TimeGrid;

pub use array::FeatureArray;
pub use convert::{Target, convert};
pub use error::FeatureError;
pub use key::RecordingKey;
pub use store::{FeatureStore, open};
pub use write::{write, write_all};

use std::sync::Arc;

/// The features of one recording and how they lie in time: what a detector needs.
///
/// # Shapes
/// `array` is (C, T).
///
/// # Units
/// `duration` in seconds; `grid` relates the T features to seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    /// The recording's id.
    pub id: String,
    /// The values; shared, since a cache may hold them too.
    pub array: Arc<FeatureArray>,
    /// Where the features lie in time; down-sampling is already in it.
    pub grid: TimeGrid,
    /// How long the recording is, where the annotations say so.
    pub duration: Option<f64>,
}
