//! Tensors and arrays out of a file of `torch.save` or `pickle`.

use super::FeatureError;
use super::error::names;
use super::npy::Array;
use tal_pth::{PthFile, TensorRef, Value};

/// The tensors `keys` of a dictionary, or, without keys, the tensor that the file is.
pub(super) fn arrays(file: &PthFile, keys: &[String]) -> Result<Vec<Array>, FeatureError> {
    let malformed = |reason: String| FeatureError::Malformed {
        path: file.path().to_owned(),
        format: "PyTorch or pickle",
        reason,
    };
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
