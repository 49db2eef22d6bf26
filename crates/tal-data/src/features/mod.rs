//! Feature files: one folder, one file per recording, several formats behind [`FeatureStore`].

pub(crate) mod array;
pub mod csv;
pub(crate) mod error;
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
pub(crate) mod store;
pub mod tensors;
mod value;

#[cfg(not(feature = "hdf5"))]
use no_hdf5 as hdf5;

pub use key::RecordingKey;
pub use store::open;

use crate::{FeatureArray, FeatureError};
