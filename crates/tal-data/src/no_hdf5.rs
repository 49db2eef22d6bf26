//! HDF5 files in a build without the feature `hdf5`: none can be opened.

use std::path::Path;

use crate::FeatureError;
use crate::features::npy::Array;

/// An opened file; it cannot exist.
pub enum File {}

impl File {
    pub(crate) fn open(path: &Path) -> Result<Self, FeatureError> {
        Err(FeatureError::WithoutHdf5(path.to_owned()))
    }

    pub(crate) fn has(&self, _: &str) -> bool {
        match *self {}
    }

    pub(crate) fn names(&self, _: &Path) -> Result<Vec<String>, FeatureError> {
        match *self {}
    }

    pub(crate) fn read(&self, _: Option<&str>, _: &Path) -> Result<Array, FeatureError> {
        match *self {}
    }
}

pub(crate) fn read(path: &Path, key: Option<&str>) -> Result<Array, FeatureError> {
    File::open(path)?.read(key, path)
}
