//! Files of named tensors that are data only.

use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors};

use super::FeatureError;
use super::error::{names, unreadable};
use super::npy::Array;
use super::value::ValueType;

/// Reads the tensor `key`, or the only one.
///
/// # Errors
/// A file that is unreadable, damaged or truncated; no tensor of the name (the error lists those present), or several
/// and no name; values that are not floating point numbers.
pub fn read(path: &Path, key: Option<&str>) -> Result<Array, FeatureError> {
    parse(&std::fs::read(path).map_err(unreadable(path))?, path, key)
}

/// [`read`] of a file's content; errors name `path`.
///
/// # Errors
/// Those of [`read`], except for those of the file system.
pub fn parse(bytes: &[u8], path: &Path, key: Option<&str>) -> Result<Array, FeatureError> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| {
        let reason = format!("{error}; the file may be truncated, fetch it again");
        FeatureError::malformed(path, "safetensors", reason)
    })?;
    let present = || names(file.names().into_iter().map(str::to_owned));
    let key = match (key, file.names().as_slice()) {
        (Some(key), _) => key,
        (None, [only]) => only,
        (None, _) => {
            return Err(FeatureError::AmbiguousKey {
                path: path.to_owned(),
                present: present(),
            });
        }
    };
    let tensor = file.tensor(key).map_err(|_| FeatureError::MissingKey {
        path: path.to_owned(),
        key: key.to_owned(),
        present: present(),
    })?;
    let value = match tensor.dtype() {
        Dtype::F16 => ValueType::F16,
        Dtype::BF16 => ValueType::BF16,
        Dtype::F32 => ValueType::F32,
        Dtype::F64 => ValueType::F64,
        other => {
            return Err(FeatureError::ValueType {
                path: path.to_owned(),
                found: format!("{other:?}"),
            });
        }
    };
    Ok(Array {
        shape: tensor.shape().to_vec(),
        data: value.decode(tensor.data(), false),
    })
}
