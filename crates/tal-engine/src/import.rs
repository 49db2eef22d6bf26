//! Checkpoints of the released PyTorch code.

use std::path::Path;

use tal_core::ClassMap;
use tal_core::config::{Config, Weights};
use tal_core::weights::KeyMap;
use tal_data::pth::{DType, PthFile, TensorRef};
use tch::{Device, Kind, Tensor};

use crate::checkpoint::{Checkpoint, FORMAT, Manifest, code_version, prefix};
use crate::error::EngineError;
use crate::model::Model;
use crate::optimizer::NamedTensors;

/// Names of the released code (with or without the prefix `module.`) to ours.
pub fn released_name_map() -> KeyMap {
    tal_encoder::released_key_map().and(tal_decoder::released_key_map())
}

/// Reads the weights of a released checkpoint (`.pth.tar`) for the network that `config` describes. `kind` chooses between
/// their moving average (`state_dict_ema`), which the released evaluation uses, and the trained weights (`state_dict`).
///
/// Nothing in the file is run; anything else than plain data and tensors in it is an error.
///
/// # Errors
/// Where the file cannot be read, lacks the weights, or they do not fit: all missing, unexpected and mismatched names are
/// listed.
pub fn import_released(
    path: &Path,
    config: &Config,
    classes: &ClassMap,
    kind: Weights,
) -> Result<Checkpoint, EngineError> {
    let file = PthFile::open(path)?;
    let section = match kind {
        Weights::Ema => "state_dict_ema",
        Weights::Raw => "state_dict",
    };
    let state = file.require(&[section])?;
    let mut tensors = NamedTensors::new();
    for (name, reference) in state.named_tensors() {
        let name = name.strip_prefix("module.").unwrap_or(name);
        tensors.insert(name.to_owned(), to_tensor(&file, name, reference)?);
    }
    let tensors = released_name_map()
        .rename(tensors)
        .map_err(|error| mismatch(path, error))?;
    // Loading into a fresh network is the check.
    let mut model = Model::new(config, &[], Device::Cpu)?;
    model.load(&tensors, path)?;
    let mut checkpoint = Checkpoint {
        manifest: Manifest {
            format: FORMAT,
            code: code_version(),
            config: config.clone(),
            classes: classes.clone(),
            weights: kind,
            run: None,
            origin: Some(format!("{section} of {}", path.display())),
        },
        tensors: NamedTensors::new(),
    };
    checkpoint.insert_section(prefix(kind), &tensors);
    Ok(checkpoint)
}

fn mismatch(path: &Path, error: tal_core::weights::WeightsError) -> EngineError {
    EngineError::WeightsMismatch {
        path: path.to_owned(),
        report: error.to_string(),
    }
}

fn to_tensor(file: &PthFile, name: &str, reference: &TensorRef) -> Result<Tensor, EngineError> {
    let data = file.tensor(reference)?;
    let kind = match data.dtype {
        DType::F64 => Kind::Double,
        DType::F32 => Kind::Float,
        DType::F16 => Kind::Half,
        DType::BF16 => Kind::BFloat16,
        DType::I64 => Kind::Int64,
        DType::I32 => Kind::Int,
        DType::I16 => Kind::Int16,
        DType::I8 => Kind::Int8,
        DType::U8 => Kind::Uint8,
        DType::Bool => Kind::Bool,
    };
    let shape: Vec<i64> = data.shape.iter().map(|size| *size as i64).collect();
    Tensor::f_from_data_size(&data.data, &shape, kind).map_err(|error| EngineError::Checkpoint {
        path: file.path().to_owned(),
        reason: format!("tensor {name}: {error}"),
    })
}
