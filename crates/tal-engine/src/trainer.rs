//! Training steps, and everything that a step changes as state that can be saved.

use std::hash::{DefaultHasher, Hasher};
use std::path::Path;

use tal_core::ClassMap;
use tal_core::config::{Config, Weights};
use tal_core::nn::{BatchRowsScope, PrecisionScope};
use tal_core::weights::NamedTensors;
use tal_decoder::CriterionState;
use tch::{Device, Tensor};

use crate::checkpoint::{Checkpoint, RunState, prefix};
use crate::detector::Detector;
use crate::error::EngineError;
use crate::method::Method;
use crate::metrics::StepMetrics;
use crate::model::{Model, load_strict};
use crate::optimizer::{AdamW, Ema};
use crate::profile::{Phase, Stopwatch};
use crate::ranks::Ranks;
use crate::schedule::Schedule;
use crate::trained_on::TrainedOn;

/// The prefix of the optimiser's state in a checkpoint.
pub(crate) const OPTIMIZER: &str = "optimizer";

/// A network in training.
///
/// A step sets gradients to zero, goes forward and backward, clips, and updates weights, learning rate and moving average. Its
/// random numbers (noise, stochastic depth) come from a stream named by (seed, step). A step therefore gives the same result
/// whether or not the program was restarted before it: on the CPU to the last bit, on CUDA to rounding, since some of LibTorch's
/// backward passes sum in no fixed order there. Weights and noise come from the generator of the device, so that a seed means
/// other numbers on CUDA than on the CPU. LibTorch has one generator per process: two trainers at the same time in one process
/// disturb each other's reproducibility, not their correctness.
pub struct Trainer<M: Method> {
    classes: ClassMap,
    trained_on: TrainedOn,
    model: Model<M>,
    method: M,
    parameters: NamedTensors,
    optimizer: AdamW,
    ema: Ema,
    schedule: Schedule,
    steps_per_epoch: u64,
    step: u64,
    stopwatch: Stopwatch,
    ranks: Ranks,
    wants_stop: bool,
}

impl<M: Method> Trainer<M> {
    /// A network with fresh weights, drawn from `train.seed`.
    ///
    /// # Errors
    /// If the network cannot be built.
    pub fn new(
        config: &Config,
        classes: &ClassMap,
        steps_per_epoch: usize,
        device: Device,
    ) -> Result<Self, EngineError> {
        tch::manual_seed(config.train.seed as i64);
        let empty = classes.unnamed_below(config.dataset.num_classes);
        let model = Model::new(config, &empty, device)?;
        Self::from_model(model, classes, steps_per_epoch)
    }

    /// A network whose weights are there, such as one of [`Model::from_network`].
    ///
    /// # Errors
    /// If the configuration of the model describes another method.
    pub fn from_model(
        model: Model<M>,
        classes: &ClassMap,
        steps_per_epoch: usize,
    ) -> Result<Self, EngineError> {
        let parameters = model.parameters();
        let config = &model.config().train;
        let num_steps = steps_per_epoch * config.num_epochs();
        // After the network, whose random weights are then the same whatever the method adds.
        let method = M::new(model.config(), model.device())?;
        let mut trained = shallow_copies(&parameters);
        trained.extend(method.variables());
        Ok(Self {
            optimizer: AdamW::new(&trained, config),
            ema: Ema::new(&parameters, &config.ema).of_steps(num_steps as u64),
            schedule: Schedule::new(config, steps_per_epoch),
            classes: classes.clone(),
            trained_on: TrainedOn::default(),
            parameters,
            method,
            model,
            steps_per_epoch: steps_per_epoch as u64,
            step: 0,
            stopwatch: Stopwatch::off(),
            ranks: Ranks::alone(),
            wants_stop: false,
        })
    }

    /// Trains together with the other ranks: from the weights of rank 0, on batches that hold this rank's share.
    ///
    /// # Errors
    /// If a rank is gone or failed.
    pub fn join(&mut self, ranks: &Ranks) -> Result<(), EngineError> {
        self.ranks = ranks.clone();
        ranks.copy_first(self.optimizer.variables())?;
        ranks.copy_first(self.ema.average().values())
    }

    /// Makes sure that all ranks hold the same weights and moments: if they differ, all take those of rank 0. Returns whether
    /// they were the same.
    ///
    /// # Errors
    /// If a rank is gone or failed.
    pub fn align(&mut self) -> Result<bool, EngineError> {
        if self.ranks.is_alone() {
            return Ok(true);
        }
        let state = || self.optimizer.tensors().chain(self.ema.average().values());
        let are_same = self.ranks.have_same(hash(state()))?;
        if !are_same {
            self.ranks.copy_first(state())?;
        }
        Ok(are_same)
    }

    /// Asks all ranks to stop after the next step, if `wish` is true.
    pub fn ask_to_stop(&mut self, wish: bool) {
        self.wants_stop = wish;
    }

    /// Whether a rank had asked to stop before the latest step. All ranks get the same answer.
    pub fn should_stop(&self) -> bool {
        self.wants_stop
    }

    /// Steps done.
    pub fn num_steps(&self) -> u64 {
        self.step
    }

    /// The network.
    pub fn model(&self) -> &Model<M> {
        &self.model
    }

    /// Makes checkpoints remember traits of the training recordings.
    pub fn remember(&mut self, trained_on: TrainedOn) {
        self.trained_on = trained_on;
    }

    /// The stopwatch of the phases of the steps; off until another one is put in its place.
    pub fn stopwatch(&mut self) -> &mut Stopwatch {
        &mut self.stopwatch
    }

    /// One step on `batch`, which belongs to `epoch` (from 0). Noise is added to the batch.
    ///
    /// # Errors
    /// If the batch was made for another network, or the loss or a gradient is not a finite number; the weights then stay as
    /// they were.
    pub fn step(&mut self, batch: &mut M::Batch, epoch: u64) -> Result<StepMetrics, EngineError> {
        if !M::fits(self.model.config(), batch) {
            return Err(EngineError::Batch("was made for another network"));
        }
        let Config { train, .. } = self.model.config();
        let _precision = PrecisionScope::new(train.precision, self.model.device());
        let step = self.step;
        tch::manual_seed(step_seed(train.seed, step));
        let rows = self.ranks.share().range(train.batch_size);
        let shared = !self.ranks.is_alone();
        let _rows = shared.then(|| BatchRowsScope::new(&rows, train.batch_size));
        M::input(batch).add_noise(train.input_noise);
        self.stopwatch.lap(Phase::Batch);
        let network = self.model.network();
        let (total, losses) = self
            .method
            .step(network, batch, &self.ranks, &mut self.stopwatch);
        let (loss, grad_norm, rate) = self.descend(&total, M::ids(batch))?;
        let ends_epoch = self.step.is_multiple_of(self.steps_per_epoch);
        let mut terms = self.method.terms(batch, &losses, ends_epoch);
        terms.sum_over(&self.ranks)?;
        Ok(StepMetrics {
            epoch: epoch + 1,
            step,
            rate,
            loss,
            grad_norm,
            normalizer: self.method.state().normalizer,
            terms,
        })
    }

    /// The part of a step after the loss of the recordings `ids`; gives the loss, the norm of the gradients and the rate.
    fn descend(&mut self, total: &Tensor, ids: &[String]) -> Result<(f64, f64, f64), EngineError> {
        let step = self.step;
        let own_loss = total.double_value(&[]);
        self.stopwatch.lap(Phase::Loss);
        // All ranks come to the same decisions.
        let mut summed = [own_loss, f64::from(u8::from(self.wants_stop))];
        self.ranks.sum(&mut summed)?;
        let [loss, wishes] = summed;
        self.wants_stop = wishes > 0.0;
        if !loss.is_finite() {
            let suspects: &[String] = if own_loss.is_finite() { &[] } else { ids };
            return Err(self.not_finite("the loss", loss, suspects));
        }
        self.optimizer.zero_grad();
        total.backward();
        self.stopwatch.lap(Phase::Backward);
        self.ranks.sum_gradients(self.optimizer.variables())?;
        if !self.ranks.is_alone() {
            self.stopwatch.lap(Phase::Reduce);
        }
        let norm = match self.model.config().train.clip_grad_l2norm {
            Some(max_norm) => self.optimizer.clip_grad_norm(max_norm),
            None => self.optimizer.grad_norm(),
        };
        let grad_norm = norm.double_value(&[]);
        if !grad_norm.is_finite() {
            return Err(self.not_finite("the gradient", grad_norm, ids));
        }
        let rate = self.schedule.rate(step);
        self.optimizer.step(rate);
        self.stopwatch.lap(Phase::Optimizer);
        self.ema.update(&self.parameters, step);
        self.stopwatch.lap(Phase::Average);
        self.stopwatch.end_step();
        self.step += 1;
        Ok((loss, grad_norm, rate))
    }

    /// The error of a number that is not finite; `ids` are the recordings of this rank that may be the cause.
    fn not_finite(&self, what: &'static str, value: f64, ids: &[String]) -> EngineError {
        let of_ranks = self.ranks.gather(ids.join(", ").as_bytes());
        let of_ranks = match of_ranks {
            Ok(ids) => ids,
            Err(error) => return error,
        };
        let texts = of_ranks.iter().map(|ids| String::from_utf8_lossy(ids));
        let texts: Vec<_> = texts.filter(|ids| !ids.is_empty()).collect();
        EngineError::NotFinite {
            what,
            value,
            step: self.step,
            recordings: texts.join(", "),
        }
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
        self.method.state()
    }

    /// Everything that a run needs to continue, as a checkpoint.
    pub fn checkpoint(&self, run: RunState) -> Checkpoint {
        let mut checkpoint = self.empty_checkpoint(Some(run));
        for kind in [Weights::Raw, Weights::Ema] {
            checkpoint.insert_section(prefix(kind), self.weights(kind));
        }
        checkpoint.tensors.extend(self.method.variables());
        checkpoint.insert_section(OPTIMIZER, &self.optimizer.state());
        checkpoint
    }

    /// A checkpoint of the weights that `train.checkpoint.weights` names, without the state of the run.
    pub fn detector_checkpoint(&self) -> Checkpoint {
        let mut checkpoint = self.empty_checkpoint(None);
        let kind = checkpoint.manifest.weights;
        checkpoint.insert_section(prefix(kind), self.weights(kind));
        checkpoint
    }

    /// A detector with the weights that `train.checkpoint.weights` names.
    ///
    /// # Errors
    /// If the class scores that `inference.external_scores` names cannot be used.
    pub fn into_detector(mut self) -> Result<Detector, EngineError> {
        let kind = self.model.config().train.checkpoint.weights;
        if kind == Weights::Ema {
            self.model.load(self.ema.average(), Path::new("ema"))?;
        }
        Detector::from_model(self.model, &self.classes, kind)
    }

    fn empty_checkpoint(&self, run: Option<RunState>) -> Checkpoint {
        let config = self.model.config();
        let kind = config.train.checkpoint.weights;
        let mut checkpoint = Checkpoint::empty(config, &self.classes, kind, run, None);
        checkpoint.manifest.trained_on = self.trained_on.clone();
        checkpoint
    }

    /// Takes over a state from [`Trainer::checkpoint`]; `path` names its file in errors.
    ///
    /// # Errors
    /// If it is not the state of a run, or belongs to another network or to classes with other names.
    pub fn restore(
        &mut self,
        checkpoint: &Checkpoint,
        path: &Path,
    ) -> Result<RunState, EngineError> {
        let refuse = |reason: String| EngineError::checkpoint(path, reason);
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
        self.method.restore(checkpoint, run.criterion, path)?;
        self.optimizer
            .load_state(&checkpoint.section(OPTIMIZER))
            .map_err(|name| {
                refuse(format!(
                    "lacks {OPTIMIZER}.{name}, or it has another shape; the state of the optimiser is incomplete"
                ))
            })?;
        self.step = run.step;
        Ok(run)
    }
}

fn shallow_copies(tensors: &NamedTensors) -> NamedTensors {
    tensors
        .iter()
        .map(|(name, tensor)| (name.clone(), tensor.shallow_clone()))
        .collect()
}

/// A number that stands for the bytes of tensors.
fn hash<'a>(tensors: impl Iterator<Item = &'a Tensor>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for tensor in tensors {
        let tensor = tensor.detach().to_device(Device::Cpu).contiguous();
        let mut bytes = vec![0u8; tensor.numel() * tensor.kind().elt_size_in_bytes()];
        tensor.copy_data_u8(&mut bytes, tensor.numel());
        hasher.write(&bytes);
    }
    hasher.finish()
}

/// The seed of a step's random numbers (SplitMix64 of seed and step).
fn step_seed(seed: u64, step: u64) -> i64 {
    let mut z = seed.wrapping_add((step + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z ^ (z >> 31)) as i64
}
