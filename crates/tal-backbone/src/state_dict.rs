//! Named weights, and the files that hold them.

use std::path::Path;

use tal_core::weights::{NamedTensors, read_safetensors};
use tal_pth::{PthFile, Value};
use tch::Tensor;

use crate::check::COUNTER;
use crate::error::BackboneError;

/// Keys under which checkpoints keep their weights.
const WRAPPERS: [&str; 3] = ["model", "module", "state_dict"];

/// The named weights of a network, and where they come from.
#[derive(Debug)]
pub struct StateDict {
    pub(crate) origin: String,
    pub(crate) tensors: NamedTensors,
}

impl StateDict {
    /// Weights in memory; `origin` names them in messages. A prefix `module.` that all names have is dropped, however often it
    /// is repeated.
    pub fn new(origin: impl Into<String>, tensors: NamedTensors) -> Self {
        const PREFIX: &str = "module.";
        let mut tensors = tensors;
        while !tensors.is_empty() && tensors.keys().all(|name| name.starts_with(PREFIX)) {
            let stripped = tensors.into_iter();
            tensors = stripped
                .map(|(name, tensor)| (name[PREFIX.len()..].to_owned(), tensor))
                .collect();
        }
        Self {
            origin: origin.into(),
            tensors,
        }
    }

    /// The tensors by name.
    pub fn tensors(&self) -> &NamedTensors {
        &self.tensors
    }

    /// Reads a safetensors file, or a file of `torch.save`: a dict of tensors, alone or below `model`, `module` or
    /// `state_dict`. No code of the file runs.
    ///
    /// # Errors
    /// If the file cannot be read, or holds something other than tensors of floating-point numbers.
    pub fn open(path: &Path) -> Result<Self, BackboneError> {
        let origin = path.display().to_string();
        if path.extension().is_some_and(|end| end == "safetensors") {
            let (tensors, _) = read_safetensors(path)?;
            return Ok(Self::new(origin, tensors));
        }
        let file = PthFile::open(path)?;
        let no_weights = |found: String| BackboneError::NoWeights {
            origin: origin.clone(),
            found,
            wanted: "a dict of tensors, alone or below `model`, `module` or `state_dict`",
        };
        let weights = unwrap(file.root());
        let Some(entries) = weights.as_dict().filter(|entries| !entries.is_empty()) else {
            return Err(no_weights(weights.describe()));
        };
        if weights.named_tensors().next().is_none() {
            return Err(no_weights(weights.describe()));
        }
        let mut tensors = NamedTensors::new();
        for (key, value) in entries {
            let (Some(name), Some(reference)) = (key.as_str(), value.as_tensor()) else {
                let key = key.as_str().map_or_else(|| key.describe(), str::to_owned);
                return Err(no_weights(format!("`{key}` is {}", value.describe())));
            };
            if name.rsplit('.').next() == Some(COUNTER) {
                continue;
            }
            let values = file.tensor(reference)?;
            let numbers = values.as_f32();
            let numbers = numbers.map_err(|error| no_weights(format!("`{name}`: {error}")))?;
            let shape: Vec<i64> = values.shape.iter().map(|size| *size as i64).collect();
            let tensor = Tensor::f_from_slice(&numbers)?.f_reshape(shape)?;
            tensors.insert(name.to_owned(), tensor);
        }
        Ok(Self::new(origin, tensors))
    }
}

/// The innermost dict below the keys that wrap weights.
fn unwrap(root: &Value) -> &Value {
    let mut value = root;
    while let Some(inner) = WRAPPERS
        .iter()
        .filter_map(|key| value.get(key))
        .find(|inner| inner.as_dict().is_some())
    {
        value = inner;
    }
    value
}
