//! Files of named tensors that are data only.

use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use tal_core::atomic::write_atomic;

use super::FeatureError;
use super::error::names;
use super::npy::Array;
use super::value::{FloatType, to_le_bytes};

/// Reads the tensor `key`, or the only one.
///
/// # Errors
/// A file that is unreadable, damaged or truncated; no tensor of the name (the error lists those present), or several
/// and no name; values that are no floating point numbers.
pub fn read(path: &Path, key: Option<&str>) -> Result<Array, FeatureError> {
    let bytes = std::fs::read(path).map_err(|source| FeatureError::Read {
        path: path.to_owned(),
        source,
    })?;
    parse(&bytes, path, key)
}

/// [`read`] of a file's content; `path` is only named in errors.
///
/// # Errors
/// As [`read`], except for those of the file system.
pub fn parse(bytes: &[u8], path: &Path, key: Option<&str>) -> Result<Array, FeatureError> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| FeatureError::Malformed {
        path: path.to_owned(),
        format: "safetensors",
        reason: format!("{error}; the file may be truncated, fetch it again"),
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
        Dtype::F16 => FloatType::F16,
        Dtype::BF16 => FloatType::Bf16,
        Dtype::F32 => FloatType::F32,
        Dtype::F64 => FloatType::F64,
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

/// Writes one tensor of single-precision values; an existing file is replaced at once.
///
/// # Errors
/// Where the file cannot be written.
///
/// # Panics
/// Where `data` does not hold as many values as `shape` says.
pub fn write(path: &Path, key: &str, data: &[f32], shape: &[usize]) -> Result<(), FeatureError> {
    let values = to_le_bytes(data);
    let tensor = TensorView::new(Dtype::F32, shape.to_vec(), &values).unwrap_or_else(|error| {
        panic!("{} values of shape {shape:?}: {error}", data.len());
    });
    safetensors::serialize([(key, tensor)], None)
        .map_err(std::io::Error::other)
        .and_then(|bytes| write_atomic(path, |out| out.write_all(&bytes)))
        .map_err(|source| FeatureError::Write {
            path: path.to_owned(),
            source,
        })
}
