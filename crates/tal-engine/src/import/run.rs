//! The whole run that a released file was saved from.

use tal_core::ClassMap;
use tal_core::config::{ActionSensitivityConfig, Config, Weights};
use tal_decoder::Criterion;
use tch::Device;

use super::file::{AVERAGED, Place, ReleasedCheckpoint, TRAINED};
use super::report::RunReport;
use super::{optimizer, schedule};
use crate::checkpoint::{Checkpoint, RunState, prefix};
use crate::error::{EngineError, ModelError};
use crate::model::Model;
use crate::pyramid::Pyramid;
use crate::trainer::OPTIMIZER;

impl ReleasedCheckpoint {
    /// The run that the file was saved from, as a state that [`crate::run::train`] continues: both kinds of weights, the
    /// moments of AdamW, the place in the schedule and the epoch.
    ///
    /// Whatever a released file does not hold starts as it does if the released code resumes: the loss normaliser at
    /// `loss.normalizer.initial`, random numbers and the order of recordings anew (here from `train.seed`). The
    /// hyper-parameters are those of the configuration; the report names the ones that differ from the file's.
    /// `steps_per_epoch` follows from the training recordings; without it, it is taken from the file's schedule.
    ///
    /// # Errors
    /// As [`ReleasedCheckpoint::weights`] for both kinds; if the file has no optimiser, schedule or epoch; if the optimiser is
    /// not AdamW with the released groups, or its moments do not fit the parameters; if the configuration describes BackTAL,
    /// whose files hold weights alone.
    ///
    /// # Source
    /// The authors' public code.
    pub fn run(
        &self,
        config: &Config,
        classes: &ClassMap,
        steps_per_epoch: Option<usize>,
    ) -> Result<(Checkpoint, RunReport), EngineError> {
        if config
            .loss
            .action_sensitivity
            .as_ref()
            .is_some_and(ActionSensitivityConfig::has_variables)
        {
            return Err(self.refuse(
                "holds no sensitivity to continue with; set loss.action_sensitivity to null, or import the weights alone",
            ));
        }
        let model = Model::<Pyramid>::new(config, &[], Device::Cpu);
        let model = model.map_err(|error| match error {
            EngineError::Model(ModelError::OtherMethod) => self.refuse(
                "holds no run to continue: files of BackTAL have weights only; import those",
            ),
            error => error,
        })?;
        let ema = self.section(model.parameters(), Place::Key(AVERAGED))?;
        let raw = self.section(model.parameters(), Place::Key(TRAINED[0]))?;
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
        let origin = Some(self.path().display().to_string());
        let mut checkpoint = Checkpoint::empty(config, classes, kind, Some(run), origin);
        checkpoint.insert_section(prefix(Weights::Raw), &raw.tensors);
        checkpoint.insert_section(prefix(Weights::Ema), &ema.tensors);
        checkpoint.insert_section(OPTIMIZER, &moments.state);
        Ok((checkpoint, report))
    }
}
