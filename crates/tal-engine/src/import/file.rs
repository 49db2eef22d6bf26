//! A released checkpoint file and its sections.

use std::collections::BTreeMap;
use std::path::Path;

use tal_core::config::{Config, Weights};
use tal_core::weights::{KeyMap, LoadReport, NamedTensors, WeightsError, load_strict};
use tal_core::{ClassMap, excerpt};
use tal_pth::{DType, PthFile, TensorRef, Value};
use tch::{Device, Kind, Tensor};

use super::report::{Contents, is_state};
use crate::checkpoint::{Checkpoint, prefix};
use crate::error::EngineError;
use crate::opened;

/// A checkpoint file of the released code.
#[derive(Debug)]
pub struct ReleasedCheckpoint {
    pub(super) file: PthFile,
}

/// Weights of a released file under our names.
pub(super) struct Section {
    pub(super) tensors: NamedTensors,
    /// The released name of each.
    pub(super) released: BTreeMap<String, String>,
    pub(super) report: LoadReport,
}

impl ReleasedCheckpoint {
    /// Opens a file; the values of its tensors are read when they are asked for.
    ///
    /// # Errors
    /// If the file cannot be read or holds anything but plain data.
    pub fn open(path: &Path) -> Result<Self, EngineError> {
        let file = PthFile::open(path)?;
        Ok(Self { file })
    }

    /// Contents of the file.
    pub fn contents(&self) -> Contents {
        Contents::of(self.file.root())
    }

    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    pub(super) fn refuse(&self, reason: impl Into<String>) -> EngineError {
        EngineError::checkpoint(self.path(), reason)
    }

    /// The weights for the network that `config` describes: `kind` chooses between their moving average
    /// (`state_dict_ema`), which the released evaluation uses, and the trained weights (`state_dict`). Files of BackTAL, and bare
    /// dictionaries of tensors, have trained weights only, which are taken whatever `kind` is.
    ///
    /// # Errors
    /// If the file lacks the weights or they do not fit: all missing, unexpected and mismatched names are listed. If they
    /// would fit but belong to another network: BackTAL with similarities per tap.
    pub fn weights(
        &self,
        config: &Config,
        classes: &ClassMap,
        kind: Weights,
    ) -> Result<(Checkpoint, LoadReport), EngineError> {
        let model = opened::open(config, Device::Cpu)?;
        let kind = model.released_weights(kind);
        let kind = kind.map_err(|reason| self.refuse(reason))?;
        let (place, kind) = self.place(kind)?;
        let section = self.section(model.parameters(), place)?;
        let origin = format!("{} of {}", place.name(), self.path().display());
        let mut checkpoint = Checkpoint::empty(config, classes, kind, None, Some(origin));
        checkpoint.insert_section(prefix(kind), &section.tensors);
        Ok((checkpoint, section.report))
    }

    /// Place of the weights of a kind, and the kind that they are: a bare dictionary of tensors is taken for trained weights.
    pub(super) fn place(&self, kind: Weights) -> Result<(Place, Weights), EngineError> {
        let root = self.file.root();
        let has = |key: &str| root.get(key).is_some_and(|value| value.as_dict().is_some());
        let trained = TRAINED.into_iter().find(|key| has(key));
        match (kind, trained) {
            (Weights::Ema, _) if has(AVERAGED) => Ok((Place::Key(AVERAGED), Weights::Ema)),
            (Weights::Raw, Some(key)) => Ok((Place::Key(key), Weights::Raw)),
            (Weights::Ema, Some(key)) => Err(self.refuse(format!(
                "has no moving average of the weights ({AVERAGED}), only the trained ones ({key}); add --raw to import those"
            ))),
            (Weights::Raw, None) if has(AVERAGED) => Err(self.refuse(format!(
                "has no trained weights ({}), only their moving average ({AVERAGED}); leave out --raw to import that",
                TRAINED[0]
            ))),
            _ if is_state(root) => Ok((Place::Root, Weights::Raw)),
            _ => Err(self.refuse(format!(
                "holds no weights: neither {AVERAGED}, nor {}, nor tensors by their names, but {}",
                TRAINED.join(", "),
                excerpt(&root.describe())
            ))),
        }
    }

    /// Reads the weights at a place, which must be those of `variables`.
    pub(super) fn section(
        &self,
        variables: NamedTensors,
        place: Place,
    ) -> Result<Section, EngineError> {
        let key = place.name();
        let state = match place {
            Place::Key(key) => self.file.require(&[key])?,
            Place::Root => self.file.root(),
        };
        let Value::Dict(entries) = state else {
            let found = state.describe();
            return Err(self.refuse(format!("{key} is {found}, must be a dict of tensors")));
        };
        let mismatch = |source: WeightsError| EngineError::ReleasedWeights {
            path: self.path().to_owned(),
            section: key,
            source: Box::new(source),
        };
        let map = released_name_map();
        let mut tensors = NamedTensors::new();
        let mut released = BTreeMap::new();
        for (name, value) in entries {
            let (Value::Str(name), Value::Tensor(reference)) = (name, value) else {
                let (name, found) = (name.as_str().unwrap_or("a key"), value.describe());
                return Err(self.refuse(format!("{key}: {name} is {found}, must be a tensor")));
            };
            // Once for every wrapper that trained in parallel.
            let name = name.trim_start_matches("module.");
            // A name that no rule knows stays, so that it is reported as unexpected.
            let ours = map.map(name).unwrap_or_else(|| name.to_owned());
            if let Some(first) = released.insert(ours.clone(), name.to_owned()) {
                return Err(mismatch(WeightsError::DuplicateName {
                    name: ours,
                    first,
                    second: name.to_owned(),
                }));
            }
            tensors.insert(ours, self.tensor(name, reference)?);
        }
        // Loading into a network is the check.
        let report = load_strict(variables, &tensors).map_err(|error| {
            mismatch(match error {
                WeightsError::NotFinite { name, count, total } => WeightsError::NotFinite {
                    name: released.get(&name).cloned().unwrap_or(name),
                    count,
                    total,
                },
                other => other,
            })
        })?;
        Ok(Section {
            tensors,
            released,
            report,
        })
    }

    pub(super) fn tensor(&self, name: &str, reference: &TensorRef) -> Result<Tensor, EngineError> {
        let data = self.file.tensor(reference)?;
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
        Tensor::f_from_data_size(&data.data, &shape, kind)
            .map_err(|error| self.refuse(format!("tensor {name}: {error}")))
    }
}

/// The key of averaged weights.
pub(super) const AVERAGED: &str = "state_dict_ema";
/// Keys of trained weights: that of the released code, and those of others.
pub(super) const TRAINED: [&str; 4] = ["state_dict", "model_state_dict", "model", "net"];

/// Place of weights in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Under a key.
    Key(&'static str),
    /// The file itself is a dictionary of tensors.
    Root,
}

impl Place {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Key(key) => key,
            Self::Root => "the dictionary",
        }
    }
}

/// Translation of the names of the released codes of CLTDR-GMG, TriDet, ActionFormer, TemporalMaxer and BackTAL (without the
/// prefix `module.`) to ours.
pub fn released_name_map() -> KeyMap {
    tal_encoder::released_key_map()
        .and(tal_decoder::released_key_map())
        .and(tal_backtal::released_key_map())
}

/// Reads the weights of a released checkpoint (`.pth.tar`) for the network that `config` describes, see
/// [`ReleasedCheckpoint::weights`].
///
/// # Errors
/// As [`ReleasedCheckpoint::open`] and [`ReleasedCheckpoint::weights`].
pub fn import_released(
    path: &Path,
    config: &Config,
    classes: &ClassMap,
    kind: Weights,
) -> Result<Checkpoint, EngineError> {
    let (checkpoint, _) = ReleasedCheckpoint::open(path)?.weights(config, classes, kind)?;
    Ok(checkpoint)
}
