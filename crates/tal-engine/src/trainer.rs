//! The mechanism of training: one step, and everything that a step changes as state that can be saved.

use std::path::Path;

use tal_backtal::BackTalCriterion;
use tal_core::ClassMap;
use tal_core::config::{Config, Weights};
use tal_core::nn::PrecisionScope;
use tal_decoder::{ActionSensitivityInput, Criterion, CriterionState};
use tch::{Device, Tensor};

use crate::backtal::WeakBatch;
use crate::batch::{PaddedBatch, TrainingBatch};
use crate::checkpoint::{Checkpoint, FORMAT, Manifest, RunState, code_version, prefix};
use crate::error::EngineError;
use crate::metrics::{BackTalMetrics, StepMetrics};
use crate::model::{Model, load_strict};
use crate::optimizer::{AdamW, Ema, NamedTensors};
use crate::profile::{Phase, Stopwatch};
use crate::schedule::Schedule;
use crate::action_sensitivity::{RunSensitivity, SENSITIVITY};

/// The prefix of the optimiser's state in a checkpoint.
pub(crate) const OPTIMIZER: &str = "optimizer";

/// A network in training.
///
/// A step does: gradients to zero, forward, backward, clip, optimiser, schedule, moving average. Its random numbers (noise,
/// stochastic depth) come from a stream that (seed, step) names, so that a step gives the same result whether or not the
/// program was restarted before it: on the CPU to the last bit, on CUDA to rounding, since some of LibTorch's backward passes
/// sum in no fixed order there. Weights and noise come from the generator of the device, so that a seed means other numbers on
/// CUDA than on the CPU. The generator behind it is LibTorch's, one per process: two trainers that run at the
/// same time in one process disturb each other's reproducibility (not their correctness).
pub struct Trainer {
    config: Config,
    classes: ClassMap,
    model: Model,
    parameters: NamedTensors,
    sensitivity: Option<RunSensitivity>,
    optimizer: AdamW,
    ema: Ema,
    criterion: Criterion,
    backtal: Option<BackTalCriterion>,
    schedule: Schedule,
    steps_per_epoch: u64,
    step: u64,
    stopwatch: Stopwatch,
}

impl Trainer {
    /// A network with fresh weights, drawn from `train.seed`.
    ///
    /// # Errors
    /// Where the network cannot be built.
    pub fn new(
        config: &Config,
        classes: &ClassMap,
        steps_per_epoch: usize,
        device: Device,
    ) -> Result<Self, EngineError> {
        tch::manual_seed(config.train.seed as i64);
        let empty = classes.unnamed_below(config.dataset.num_classes);
        let model = Model::new(config, &empty, device)?;
        let parameters = model.parameters();
        // After the network, whose weights are the same with and without.
        let sensitivity = RunSensitivity::new(config, device)?;
        let mut trained = shallow_copies(&parameters);
        for (name, value) in sensitivity.iter().flat_map(RunSensitivity::parameters) {
            trained.insert(format!("{SENSITIVITY}.{name}"), value);
        }
        Ok(Self {
            optimizer: AdamW::new(&trained, &config.train),
            ema: Ema::new(&parameters, &config.train.ema),
            criterion: Criterion::new(&config.loss),
            backtal: config.backtal.as_ref().map(BackTalCriterion::new),
            schedule: Schedule::new(&config.train, steps_per_epoch),
            config: config.clone(),
            classes: classes.clone(),
            parameters,
            sensitivity,
            model,
            steps_per_epoch: steps_per_epoch as u64,
            step: 0,
            stopwatch: Stopwatch::off(),
        })
    }

    /// Steps done.
    pub fn num_steps(&self) -> u64 {
        self.step
    }

    /// The network.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// What measures the phases of the steps; off until another one is put in its place.
    pub fn stopwatch(&mut self) -> &mut Stopwatch {
        &mut self.stopwatch
    }

    /// One step on `batch`, which belongs to `epoch` (from 0). Noise is added to the batch.
    ///
    /// # Errors
    /// Where the loss or a gradient is not a finite number; the weights then stay as they were.
    ///
    /// # Panics
    /// Where the network is BackTAL.
    pub fn step(
        &mut self,
        batch: &mut TrainingBatch,
        epoch: u64,
    ) -> Result<StepMetrics, EngineError> {
        let _precision = PrecisionScope::new(self.config.train.precision, self.model.device());
        let step = self.begin(&mut batch.input);
        let pyramid = self
            .model
            .pyramid(&batch.input.features, &batch.input.lens, true);
        self.stopwatch.lap(Phase::Encoder);
        let output = self.model.pyramid_network().decoder.forward(&pyramid);
        self.stopwatch.lap(Phase::Decoder);
        let sensitivity = self.sensitivity.as_ref().map(|run| ActionSensitivityInput {
            module: &run.module,
            pyramid: &pyramid,
            actions: &batch.actions,
        });
        let losses = self.criterion.forward_with(
            &output,
            &batch.points,
            &batch.targets,
            sensitivity.as_ref(),
        );
        let Update {
            rate,
            loss,
            grad_norm,
        } = self.descend(&losses.total, &batch.ids)?;
        let ends_epoch = self.step.is_multiple_of(self.steps_per_epoch);
        let sensitivity = self
            .sensitivity
            .as_ref()
            .zip(losses.action_sensitivity.as_ref());
        Ok(StepMetrics {
            epoch: epoch + 1,
            step,
            rate,
            loss,
            cls_loss: losses.cls.double_value(&[]),
            reg_loss: losses.reg.double_value(&[]),
            grad_norm,
            num_positives: losses.num_positives as u64,
            normalizer: self.criterion.state().normalizer,
            backtal: None,
            sensitivity: sensitivity.map(|(run, losses)| Box::new(run.metrics(losses, ends_epoch))),
        })
    }

    /// [`Trainer::step`] for BackTAL.
    ///
    /// # Errors
    /// As [`Trainer::step`].
    ///
    /// # Panics
    /// Where the network is not BackTAL.
    pub fn step_weak(
        &mut self,
        batch: &mut WeakBatch,
        epoch: u64,
    ) -> Result<StepMetrics, EngineError> {
        let _precision = PrecisionScope::new(self.config.train.precision, self.model.device());
        let step = self.begin(&mut batch.input);
        let (Some(network), Some(criterion)) = (self.model.backtal(), &self.backtal) else {
            panic!("the network learns from segments, not from labels and clicks");
        };
        let output = network.forward_both(&batch.input.features, true);
        self.stopwatch.lap(Phase::Network);
        let losses = criterion.forward(&output, &batch.targets);
        drop(output);
        let Update {
            rate,
            loss,
            grad_norm,
        } = self.descend(&losses.total, &batch.ids)?;
        let terms = BackTalMetrics::from(&losses);
        Ok(StepMetrics {
            epoch: epoch + 1,
            step,
            rate,
            loss,
            cls_loss: terms.base_loss + terms.supp_loss,
            reg_loss: 0.0,
            grad_norm,
            num_positives: batch.num_clicks() as u64,
            normalizer: self.criterion.state().normalizer,
            backtal: Some(terms),
            sensitivity: None,
        })
    }

    /// Everything of a step before the network: its random numbers, of which the input gets its noise. The step's number.
    fn begin(&mut self, input: &mut PaddedBatch) -> u64 {
        tch::manual_seed(step_seed(self.config.train.seed, self.step));
        input.add_noise(self.config.train.input_noise);
        self.stopwatch.lap(Phase::Batch);
        self.step
    }

    /// Everything of a step behind the loss of the recordings `ids`.
    fn descend(&mut self, total: &Tensor, ids: &[String]) -> Result<Update, EngineError> {
        let step = self.step;
        let not_finite = |what, value: f64| EngineError::NotFinite {
            what,
            value,
            step,
            recordings: ids.join(", "),
        };
        let loss = total.double_value(&[]);
        if !loss.is_finite() {
            return Err(not_finite("the loss", loss));
        }
        self.stopwatch.lap(Phase::Loss);
        self.optimizer.zero_grad();
        total.backward();
        self.stopwatch.lap(Phase::Backward);
        let norm = match self.config.train.clip_grad_l2norm {
            Some(max_norm) => self.optimizer.clip_grad_norm(max_norm),
            None => self.optimizer.grad_norm(),
        };
        let grad_norm = norm.double_value(&[]);
        if !grad_norm.is_finite() {
            return Err(not_finite("the gradient", grad_norm));
        }
        let rate = self.schedule.rate(step);
        self.optimizer.step(rate);
        self.stopwatch.lap(Phase::Optimizer);
        self.ema.update(&self.parameters, step);
        self.stopwatch.lap(Phase::Average);
        self.stopwatch.end_step();
        self.step += 1;
        Ok(Update {
            rate,
            loss,
            grad_norm,
        })
    }

    /// The current weights of a kind.
    pub fn weights(&self, kind: Weights) -> &NamedTensors {
        match kind {
            Weights::Ema => self.ema.average(),
            Weights::Raw => &self.parameters,
        }
    }

    /// State of the loss normaliser.
    pub fn criterion_state(&self) -> CriterionState {
        self.criterion.state()
    }

    /// Everything needed to go on, as a checkpoint.
    pub fn checkpoint(&self, run: RunState) -> Checkpoint {
        let mut checkpoint = self.empty_checkpoint(Some(run));
        for kind in [Weights::Raw, Weights::Ema] {
            checkpoint.insert_section(prefix(kind), self.weights(kind));
        }
        if let Some(sensitivity) = &self.sensitivity {
            checkpoint.insert_section(SENSITIVITY, &sensitivity.parameters());
        }
        checkpoint.insert_section(OPTIMIZER, &self.optimizer.state());
        checkpoint
    }

    /// The weights that `train.checkpoint.weights` names, without the state of the run.
    pub fn detector_checkpoint(&self) -> Checkpoint {
        let mut checkpoint = self.empty_checkpoint(None);
        let kind = self.config.train.checkpoint.weights;
        checkpoint.insert_section(prefix(kind), self.weights(kind));
        checkpoint
    }

    fn empty_checkpoint(&self, run: Option<RunState>) -> Checkpoint {
        Checkpoint {
            manifest: Manifest {
                format: FORMAT,
                code: code_version(),
                config: self.config.clone(),
                classes: self.classes.clone(),
                weights: self.config.train.checkpoint.weights,
                run,
                origin: None,
            },
            tensors: NamedTensors::new(),
        }
    }

    /// Takes over a state that [`Trainer::checkpoint`] gave; `path` names its file in errors.
    ///
    /// # Errors
    /// Where it is not the state of a run, or of another network, or of classes with other names.
    pub fn restore(
        &mut self,
        checkpoint: &Checkpoint,
        path: &Path,
    ) -> Result<RunState, EngineError> {
        let refuse = |reason: String| EngineError::Checkpoint {
            path: path.to_owned(),
            reason,
        };
        let run = checkpoint.manifest.run.clone().ok_or_else(|| {
            refuse("holds weights only; a run continues from its last.safetensors".to_owned())
        })?;
        if let Some((id, before, now)) = checkpoint.manifest.classes.conflict(&self.classes) {
            return Err(refuse(format!(
                "was trained with {before:?} as class {id}, the annotations have {now:?} there now; put back the annotation \
                 file that the run began with"
            )));
        }
        self.model
            .load(&checkpoint.section(prefix(Weights::Raw)), path)?;
        let average = checkpoint.section(prefix(Weights::Ema));
        let variables = shallow_copies(self.ema.average());
        load_strict(variables, &average, path)?;
        if let Some(sensitivity) = &self.sensitivity {
            sensitivity.load(checkpoint, path)?;
        }
        self.optimizer
            .load_state(&checkpoint.section(OPTIMIZER))
            .map_err(|name| {
                refuse(format!(
                    "lacks {OPTIMIZER}.{name}, or it has another shape; the state of the optimiser is incomplete"
                ))
            })?;
        self.criterion.load_state(run.criterion);
        self.step = run.step;
        Ok(run)
    }
}

/// What a step did to the weights.
struct Update {
    rate: f64,
    loss: f64,
    grad_norm: f64,
}

fn shallow_copies(tensors: &NamedTensors) -> NamedTensors {
    tensors
        .iter()
        .map(|(name, tensor)| (name.clone(), tensor.shallow_clone()))
        .collect()
}

/// The seed of a step's random numbers (SplitMix64 of seed and step).
fn step_seed(seed: u64, step: u64) -> i64 {
    let mut z = seed.wrapping_add((step + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z ^ (z >> 31)) as i64
}
