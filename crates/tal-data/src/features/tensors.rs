//! Tensors and arrays out of a file of `torch.save` or `pickle`.

use super::FeatureError;
use super::error::names;
use super::npy::Array;
use std::path::Path;

use tal_pth::{PthFile, TensorRef, Value};

/// Reads the tensors or arrays `keys` of a dictionary in a file of `torch.save` or `pickle`; without keys, the one that the
/// file consists of. No code of the file is run.
///
/// # Errors
/// Those of [`PthFile::open`]; a key that is missing (the error lists those that are there); values that are not floating
/// point numbers.
pub fn read(path: &Path, keys: &[String]) -> Result<Vec<Array>, FeatureError> {
    arrays(&PthFile::open(path)?, keys)
}

/// [`read`] of a file's content; errors name `path`.
///
/// # Errors
/// Those of [`read`], except for those of the file system.
pub fn parse(bytes: Vec<u8>, path: &Path, keys: &[String]) -> Result<Vec<Array>, FeatureError> {
    arrays(&PthFile::from_bytes(path, bytes)?, keys)
}

fn arrays(file: &PthFile, keys: &[String]) -> Result<Vec<Array>, FeatureError> {
    let malformed =
        |reason: String| FeatureError::malformed(file.path(), "PyTorch or pickle", reason);
    if keys.is_empty() {
        let tensor = match file.root() {
            Value::Tensor(tensor) => tensor,
            Value::Dict(_) => {
                return Err(FeatureError::AmbiguousKey {
                    path: file.path().to_owned(),
                    present: present(file.root()),
                });
            }
            other => {
                return Err(malformed(format!(
                    "it holds {}; expected a tensor, an array, or a dictionary of them",
                    other.describe()
                )));
            }
        };
        return Ok(vec![array(file, tensor)?]);
    }
    keys.iter()
        .map(|key| match file.root() {
            Value::Dict(_) => match file.root().get(key) {
                Some(Value::Tensor(tensor)) => array(file, tensor),
                Some(other) => Err(malformed(format!(
                    "{key:?} is {}; expected a tensor or an array",
                    other.describe()
                ))),
                None => Err(FeatureError::MissingKey {
                    path: file.path().to_owned(),
                    key: key.clone(),
                    present: present(file.root()),
                }),
            },
            other => Err(malformed(format!(
                "it holds {}, so that there is no {key:?}; leave out features.format.keys",
                other.describe()
            ))),
        })
        .collect()
}

fn present(root: &Value) -> String {
    names(root.named_tensors().map(|(name, _)| name.to_owned()))
}

fn array(file: &PthFile, tensor: &TensorRef) -> Result<Array, FeatureError> {
    let tensor = file.tensor(tensor)?;
    let data = tensor.as_f32().map_err(|error| FeatureError::ValueType {
        path: file.path().to_owned(),
        found: format!("{:?}", error.found),
    })?;
    Ok(Array {
        shape: tensor.shape,
        data,
    })
}
