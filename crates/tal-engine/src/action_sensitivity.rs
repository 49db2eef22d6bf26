//! Action sensitivity learning beside the network: its variables are not those of a [`crate::Model`], since detectors and
//! their checkpoints do not need them.

use std::path::Path;

use tal_core::config::Config;
use tal_core::nn::named_variables;
use tal_core::weights::NamedTensors;
use tal_decoder::{Sensitivity, SensitivityLosses};
use tch::nn::VarStore;
use tch::{Device, Tensor};

use crate::checkpoint::Checkpoint;
use crate::error::EngineError;
use crate::metrics::SensitivityMetrics;
use crate::model::load_strict;

pub use tal_decoder::sensitivity::{LearnedGaussians, LearnedSensitivity};

/// Prefix of its weights in the checkpoint of a run and for the optimiser.
pub const SENSITIVITY: &str = "sensitivity";

/// Action sensitivity learning of a run, and its variables.
pub(crate) struct RunSensitivity {
    variables: VarStore,
    pub(crate) module: Sensitivity,
}

impl RunSensitivity {
    /// Fresh weights; `None` if the configuration has no `loss.sensitivity`.
    pub(crate) fn new(config: &Config, device: Device) -> Option<Self> {
        let sensitivity = config.loss.sensitivity.as_ref()?;
        let variables = VarStore::new(device);
        let (dim, num_classes) = (config.encoder.dim, config.dataset.num_classes);
        Some(Self {
            module: Sensitivity::new(&variables.root(), dim, num_classes, sensitivity),
            variables,
        })
    }

    /// All variables under their names in the checkpoint of a run.
    pub(crate) fn variables(&self) -> NamedTensors {
        let variables = named_variables(&self.variables).into_iter();
        variables
            .map(|(name, value)| (format!("{SENSITIVITY}.{name}"), value))
            .collect()
    }

    /// Takes over the weights of the checkpoint of a run; `path` names its file in errors.
    pub(crate) fn load(&self, checkpoint: &Checkpoint, path: &Path) -> Result<(), EngineError> {
        let weights = checkpoint.section(SENSITIVITY);
        load_strict(named_variables(&self.variables), &weights, path)?;
        Ok(())
    }

    /// Figures of a step. `with_classes` adds μ and σ of each class.
    pub(crate) fn metrics(
        &self,
        losses: &SensitivityLosses,
        with_classes: bool,
    ) -> SensitivityMetrics {
        let number = |loss: &Option<Tensor>| loss.as_ref().map(|loss| loss.double_value(&[]));
        let learned = with_classes.then(|| self.module.learned());
        SensitivityMetrics {
            cls_weight: number(&losses.mean_cls),
            reg_weight: number(&losses.mean_reg),
            quality_loss: number(&losses.quality),
            contrastive_loss: number(&losses.contrastive),
            classes: learned.filter(|learned| !learned.is_empty()),
        }
    }
}

/// The sensitivity of each class that the run of a checkpoint has learned: which moments of an action matter. `path` names
/// the file in errors.
///
/// # Errors
/// If the checkpoint holds no state of a run, the run has no `loss.sensitivity` or no `class_level` in it, or the tensors do not
/// fit the configuration.
pub fn learned(checkpoint: &Checkpoint, path: &Path) -> Result<LearnedSensitivity, EngineError> {
    let refuse = |reason: &str| EngineError::Checkpoint {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    let config = &checkpoint.manifest.config;
    let Some(sensitivity) = &config.loss.sensitivity else {
        return Err(refuse(
            "was trained without loss.sensitivity, so that it has learned no sensitivity; \
             train with --overlay configs/sensitivity/asl.yaml",
        ));
    };
    if sensitivity.class_level.is_none() {
        return Err(refuse(
            "was trained with loss.sensitivity.class_level: null, so that nothing is learned per class",
        ));
    }
    if checkpoint.section(SENSITIVITY).is_empty() {
        return Err(refuse(
            "holds the weights of a detector only; its sensitivity is in last.safetensors of its run folder",
        ));
    }
    let Some(run) = RunSensitivity::new(config, Device::Cpu) else {
        return Ok(LearnedSensitivity::default());
    };
    run.load(checkpoint, path)?;
    Ok(run.module.learned())
}
