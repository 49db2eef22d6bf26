//! Action sensitivity learning beside the network: its variables live here and not in [`crate::Model`], so that detectors
//! and their checkpoints stay what they are.

use std::path::Path;

use tal_core::config::Config;
use tal_core::nn::named_variables;
use tal_decoder::{Sensitivity, SensitivityLosses};
use tch::nn::VarStore;
use tch::{Device, Tensor};

use crate::checkpoint::Checkpoint;
use crate::error::EngineError;
use crate::metrics::SensitivityMetrics;
use crate::model::load_strict;
use crate::optimizer::NamedTensors;

pub use tal_decoder::sensitivity::{LearnedGaussians, LearnedSensitivity};

/// The prefix of the sensitivity's weights in the checkpoint of a run, and of its parameters' names for the optimiser.
pub const SENSITIVITY: &str = "sensitivity";

/// The sensitivity of a run and its variables.
pub(crate) struct RunSensitivity {
    variables: VarStore,
    pub(crate) module: Sensitivity,
}

impl RunSensitivity {
    /// Fresh weights; none where the configuration has no `loss.action_sensitivity`.
    pub(crate) fn new(config: &Config, device: Device) -> Option<Self> {
        let sensitivity = config.loss.action_sensitivity.as_ref()?;
        let variables = VarStore::new(device);
        let (dim, num_classes) = (config.encoder.dim, config.dataset.num_classes);
        Some(Self {
            module: Sensitivity::new(&variables.root(), dim, num_classes, sensitivity),
            variables,
        })
    }

    /// All variables by name, without prefix.
    pub(crate) fn parameters(&self) -> NamedTensors {
        named_variables(&self.variables)
    }

    /// Takes over the weights of a run's checkpoint; `path` names its file in errors.
    pub(crate) fn load(&self, checkpoint: &Checkpoint, path: &Path) -> Result<(), EngineError> {
        load_strict(self.parameters(), &checkpoint.section(SENSITIVITY), path)
    }

    /// What a step did. `with_classes` adds what is learned per class.
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

/// What the run of a checkpoint has learned per class about which moments of an action matter. `path` names its file in
/// errors.
///
/// # Errors
/// Where the checkpoint holds nothing of the kind: no run's state, a run without `loss.action_sensitivity` or without its
/// `class_level`, or tensors that do not fit the configuration.
pub fn learned(checkpoint: &Checkpoint, path: &Path) -> Result<LearnedSensitivity, EngineError> {
    let refuse = |reason: &str| EngineError::Checkpoint {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    let config = &checkpoint.manifest.config;
    let Some(sensitivity) = &config.loss.action_sensitivity else {
        return Err(refuse(
            "was trained without loss.action_sensitivity, so that it has learned no sensitivity; \
             train with --overlay configs/action_sensitivity/asl.yaml",
        ));
    };
    if sensitivity.class_level.is_none() {
        return Err(refuse(
            "was trained with loss.action_sensitivity.class_level: null, so that nothing is learned per class",
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
