//! Checkpoints of the released PyTorch code: the weights alone, or a whole run that goes on here.
//!
//! A released file (`.pth.tar`) is a dict: `state_dict` (trained weights), `state_dict_ema` (their moving average),
//! `optimizer`, `scheduler`, `epoch` (the next one), and in the best one of a run `mAP`. Nothing in it is run; anything else
//! than plain data and tensors is an error.
//!
//! TriDet, ActionFormer and TemporalMaxer write the same layout, BackTAL `state_dict` and `epoch` alone. None of them saves
//! its buffers (position table, list of points), and attention masks are made as they are needed, so every tensor of a
//! section is a parameter: one that the configured network lacks is an error, not something to pass over.

mod contents;
mod optimizer;
mod report;
mod schedule;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tal_core::ClassMap;
use tal_core::config::{ActionSensitivityConfig, AffinityLayout, Config, Weights};
use tal_core::weights::{KeyMap, LoadReport, load_strict};
use tal_decoder::criterion::Criterion;
use tal_pth::{DType, PthFile, TensorRef, Value};
use tch::{Device, Kind, Tensor};

use crate::checkpoint::{Checkpoint, FORMAT, Manifest, RunState, code_version, prefix};
use crate::error::EngineError;
use crate::model::Model;
use crate::optimizer::NamedTensors;
use crate::trainer::OPTIMIZER;

pub use contents::Contents;
pub use report::{Difference, RunReport};

/// Names of the released codes (without the prefix `module.`) of CLTDR-GMG, TriDet, ActionFormer, TemporalMaxer and BackTAL
/// to ours.
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

/// A checkpoint file of the released code.
#[derive(Debug)]
pub struct ReleasedCheckpoint {
    file: PthFile,
}

/// The weights of a section under our names, and the released name of each.
struct Section {
    tensors: NamedTensors,
    released: BTreeMap<String, String>,
    report: LoadReport,
}

impl ReleasedCheckpoint {
    /// Opens a file; the values of its tensors are read when they are asked for.
    ///
    /// # Errors
    /// Where the file cannot be read or holds something that is not plain data.
    pub fn open(path: &Path) -> Result<Self, EngineError> {
        let file = PthFile::open(path)?;
        Ok(Self { file })
    }

    /// What the file holds.
    pub fn contents(&self) -> Contents {
        Contents::of(self.file.root())
    }

    /// The weights for the network that `config` describes: `kind` chooses between their moving average
    /// (`state_dict_ema`), which the released evaluation uses, and the trained weights (`state_dict`). Files of BackTAL have
    /// trained weights only, which are taken whatever `kind` says.
    ///
    /// # Errors
    /// Where the file lacks the weights or they do not fit: all missing, unexpected and mismatched names are listed. Where
    /// they would fit but mean another network: BackTAL with similarities per tap.
    pub fn weights(
        &self,
        config: &Config,
        classes: &ClassMap,
        kind: Weights,
    ) -> Result<(Checkpoint, LoadReport), EngineError> {
        let kind = match &config.backtal {
            None => kind,
            Some(backtal) if backtal.affinity == AffinityLayout::Released => Weights::Raw,
            Some(_) => {
                return Err(self.refuse(
                    "was trained with the released layout of similarities; set backtal.affinity to released",
                ));
            }
        };
        let model = Model::new(config, &[], Device::Cpu)?;
        let section = self.section(&model, kind)?;
        let origin = format!("{} of {}", released_section(kind), self.path().display());
        let mut checkpoint = checkpoint(config, classes, kind, None, origin);
        checkpoint.insert_section(prefix(kind), &section.tensors);
        Ok((checkpoint, section.report))
    }

    /// The run that the file is a moment of, as a state that [`crate::run::train`] continues: both kinds of weights, the
    /// moments of AdamW, the place in the schedule and the epoch.
    ///
    /// What a released file does not hold starts as where the released code resumes: the loss normaliser at
    /// `loss.normalizer.initial`, random numbers and the order of recordings anew (here from `train.seed`). The
    /// configuration decides the hyper-parameters; where the file was made with others, the report says so.
    /// `steps_per_epoch` is what the training recordings give; without it, it is taken from the file's schedule.
    ///
    /// # Errors
    /// As [`ReleasedCheckpoint::weights`] for both kinds; where the file has no optimiser, schedule or epoch; where the
    /// optimiser is not AdamW with the released groups, or its moments do not fit the parameters.
    ///
    /// # Source
    /// The authors' public code.
    pub fn run(
        &self,
        config: &Config,
        classes: &ClassMap,
        steps_per_epoch: Option<usize>,
    ) -> Result<(Checkpoint, RunReport), EngineError> {
        if config.backtal.is_some() {
            return Err(self.refuse(
                "holds no run to go on with: files of BackTAL have weights only; import those",
            ));
        }
        if config
            .loss
            .action_sensitivity
            .as_ref()
            .is_some_and(ActionSensitivityConfig::has_variables)
        {
            return Err(self.refuse(
                "holds no sensitivity to go on with; set loss.action_sensitivity to null, or import the weights alone",
            ));
        }
        let model = Model::new(config, &[], Device::Cpu)?;
        let ema = self.section(&model, Weights::Ema)?;
        let raw = self.section(&model, Weights::Raw)?;
        let mut differences = Vec::new();
        let moments = optimizer::read(self, &raw, &config.train, &mut differences)?;
        let place = schedule::read(self, &config.train, steps_per_epoch, &mut differences)?;
        optimizer::compare_steps(&moments, &place, &mut differences);
        let run = RunState {
            step: place.step,
            epoch: place.epoch,
            batch: 0,
            epoch_loss: 0.0,
            criterion: Criterion::new(&config.loss).state(),
            metrics_bytes: 0,
            best: None,
        };
        let report = RunReport {
            raw: raw.report,
            ema: ema.report,
            epoch: place.epoch,
            num_epochs: config.train.num_epochs() as u64,
            step: place.step,
            steps_per_epoch: place.steps_per_epoch,
            num_moments: moments.num_read,
            without_moments: moments.without,
            normalizer: run.criterion.normalizer,
            differences,
        };
        let kind = config.train.checkpoint.weights;
        let origin = self.path().display().to_string();
        let mut checkpoint = checkpoint(config, classes, kind, Some(run), origin);
        checkpoint.insert_section(prefix(Weights::Raw), &raw.tensors);
        checkpoint.insert_section(prefix(Weights::Ema), &ema.tensors);
        checkpoint.insert_section(OPTIMIZER, &moments.state);
        Ok((checkpoint, report))
    }

    fn path(&self) -> &Path {
        self.file.path()
    }

    fn refuse(&self, reason: impl Into<String>) -> EngineError {
        EngineError::Checkpoint {
            path: PathBuf::from(self.path()),
            reason: reason.into(),
        }
    }

    /// Reads a kind of weights and compares it with the variables of `model`, which stay as they are.
    fn section(&self, model: &Model, kind: Weights) -> Result<Section, EngineError> {
        let key = released_section(kind);
        let state = self.file.require(&[key])?;
        let Value::Dict(entries) = state else {
            let found = state.describe();
            return Err(self.refuse(format!("{key} is {found}, must be a dict of tensors")));
        };
        let mismatch = |report: String| EngineError::WeightsMismatch {
            path: self.path().to_owned(),
            report: format!("{key}: {report}"),
        };
        let map = released_name_map();
        let mut tensors = NamedTensors::new();
        let mut released = BTreeMap::new();
        for (name, value) in entries {
            let (Value::Str(name), Value::Tensor(reference)) = (name, value) else {
                let (name, found) = (name.as_str().unwrap_or("a key"), value.describe());
                return Err(mismatch(format!("{name} is {found}, must be a tensor")));
            };
            let name = name.strip_prefix("module.").unwrap_or(name);
            // A name that no rule knows stays, so that it is reported as unexpected.
            let ours = map.map(name).unwrap_or_else(|| name.to_owned());
            if let Some(other) = released.insert(ours.clone(), name.to_owned()) {
                return Err(mismatch(format!(
                    "two tensors are named {ours}: {other} and {name}"
                )));
            }
            tensors.insert(ours, self.tensor(name, reference)?);
        }
        // Loading into a network is the check.
        let report = load_strict(model.parameters(), &tensors)
            .map_err(|error| mismatch(error.to_string()))?;
        Ok(Section {
            tensors,
            released,
            report,
        })
    }

    fn tensor(&self, name: &str, reference: &TensorRef) -> Result<Tensor, EngineError> {
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

fn released_section(kind: Weights) -> &'static str {
    match kind {
        Weights::Ema => "state_dict_ema",
        Weights::Raw => "state_dict",
    }
}

fn checkpoint(
    config: &Config,
    classes: &ClassMap,
    weights: Weights,
    run: Option<RunState>,
    origin: String,
) -> Checkpoint {
    Checkpoint {
        manifest: Manifest {
            format: FORMAT,
            code: code_version(),
            config: config.clone(),
            classes: classes.clone(),
            weights,
            run,
            origin: Some(origin),
        },
        tensors: NamedTensors::new(),
    }
}
