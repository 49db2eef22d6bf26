//! Feature files: one folder, one file per recording, several formats behind [`FeatureStore`].

mod array;
pub mod csv;
mod error;
#[cfg(feature = "hdf5")]
pub mod hdf5;
pub mod inertial;
mod key;
#[cfg(not(feature = "hdf5"))]
mod no_hdf5;
pub mod npy;
pub mod npz;
pub mod safetensors;
mod source;
mod store;
pub mod tensors;
mod value;

#[cfg(not(feature = "hdf5"))]
use no_hdf5 as hdf5;
use tal_core::TimeGrid;

pub use array::FeatureArray;
pub use error::FeatureError;
pub use key::RecordingKey;
pub(crate) use store::checked;
pub use store::{FeatureStore, open};

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
