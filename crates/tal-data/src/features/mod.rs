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

/// The features of one recording and their grid in time: the input of a detector.
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
    /// Grid of the features in time, down-sampling included.
    pub grid: TimeGrid,
    /// Duration of the recording; `None` if it is not known.
    pub duration: Option<f64>,
}

impl Features {
    /// The end of the last window: where the recording ends, as far as its features tell.
    ///
    /// # Units
    /// Seconds.
    pub fn end(&self) -> f64 {
        let grid = &self.grid;
        let last = (self.array.len().max(1) - 1) as f32 * grid.feat_stride;
        f64::from((last + grid.num_frames.max(grid.feat_stride)) / grid.fps)
    }
}
