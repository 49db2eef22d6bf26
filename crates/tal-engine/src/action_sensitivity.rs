//! Action sensitivity learning beside the network: its variables are not those of a [`crate::Model`], since detectors and
//! their checkpoints do not need them.

use std::path::Path;

use tal_core::config::Config;
use tal_core::nn::named_variables;
use tal_core::weights::NamedTensors;
use tal_decoder::{ActionSensitivity, ActionSensitivityLosses};
use tch::nn::VarStore;
use tch::{Device, Tensor};

use crate::checkpoint::Checkpoint;
use crate::error::{EngineError, ModelError};
use crate::metrics::ActionSensitivityMetrics;
use crate::model::load_strict;

pub use tal_decoder::{LearnedActionSensitivity, LearnedGaussians};

/// Prefix of its weights in the checkpoint of a run and for the optimiser.
pub const SENSITIVITY: &str = "sensitivity";

/// Action sensitivity learning of a run, and its variables.
pub(crate) struct RunSensitivity {
    variables: VarStore,
    pub(crate) module: ActionSensitivity,
}

impl RunSensitivity {
    /// Fresh weights; `None` if the configuration has no `loss.action_sensitivity`.
    pub(crate) fn new(config: &Config, device: Device) -> Result<Option<Self>, ModelError> {
        let Some(sensitivity) = &config.loss.action_sensitivity else {
            return Ok(None);
        };
        let variables = VarStore::new(device);
        let module = ActionSensitivity::new(
            &variables.root(),
            config.encoder.dim,
            config.dataset.num_classes,
            config.encoder.num_levels,
            sensitivity,
        )?;
        Ok(Some(Self { variables, module }))
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
        losses: &ActionSensitivityLosses,
        with_classes: bool,
    ) -> ActionSensitivityMetrics {
        let number = |loss: &Option<Tensor>| loss.as_ref().map(|loss| loss.double_value(&[]));
        let learned = with_classes.then(|| self.module.learned());
        ActionSensitivityMetrics {
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
/// If the checkpoint holds no state of a run, the run has no `loss.action_sensitivity` or no `class_level` in it, or the
/// tensors do not fit the configuration.
pub fn learned(
    checkpoint: &Checkpoint,
    path: &Path,
) -> Result<LearnedActionSensitivity, EngineError> {
    let refuse = |reason: &str| EngineError::checkpoint(path, reason);
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
    let Some(run) = RunSensitivity::new(config, Device::Cpu)? else {
        return Ok(LearnedActionSensitivity::default());
    };
    run.load(checkpoint, path)?;
    Ok(run.module.learned())
}
