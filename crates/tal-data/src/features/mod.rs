//! Feature files: one folder, one file per recording, several formats behind [`FeatureStore`](crate::FeatureStore).

pub(crate) mod array;
pub mod csv;
pub(crate) mod error;
pub mod inertial;
mod key;
pub mod npy;
mod npy_rows;
pub mod npz;
pub mod safetensors;
mod source;
pub(crate) mod store;
pub mod tensors;
pub(crate) mod value;

pub use key::{RecordingKey, SUBSET};
pub use npy_rows::{RowPrecision, RowWriter};
pub use store::{open, read_file};

use crate::{FeatureArray, FeatureError};
