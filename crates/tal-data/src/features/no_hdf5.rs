//! HDF5 files in a build without the feature `hdf5`: none can be opened.

use std::path::Path;

use super::FeatureError;
use super::npy::Array;

/// An opened file; it cannot exist.
pub(super) enum File {}

impl File {
    pub(super) fn open(path: &Path) -> Result<Self, FeatureError> {
        Err(FeatureError::WithoutHdf5 {
            path: path.to_owned(),
        })
    }

    pub(super) fn has(&self, _: &str) -> bool {
        match *self {}
    }

    pub(super) fn read(&self, _: Option<&str>, _: &Path) -> Result<Array, FeatureError> {
        match *self {}
    }
}

pub(super) fn read(path: &Path, key: Option<&str>) -> Result<Array, FeatureError> {
    File::open(path)?.read(key, path)
}
