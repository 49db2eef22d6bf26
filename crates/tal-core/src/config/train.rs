//! Optimisation, and what a run keeps.

use serde::{Deserialize, Serialize};

use super::check::Check;
use super::precision::Precision;

/// Optimisation, and what a run keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Seed of initialisation, order, cropping and noise; `--seed` sets it too.
    pub seed: u64,
    /// Recordings per step; an incomplete last batch is dropped.
    pub batch_size: usize,
    /// Epochs in which the learning rate rises from 0.
    pub warmup_epochs: usize,
    /// Epochs after warm-up.
    pub epochs: usize,
    /// Number of epochs, warm-up included, after which training stops; the schedule does not change. Null: the run goes to
    /// the end.
    pub early_stop_epochs: Option<usize>,
    /// The optimiser.
    pub optimizer: OptimizerMethod,
    /// Learning rate after warm-up.
    pub learning_rate: f64,
    /// Decay of the learning rate after warm-up.
    pub schedule: ScheduleConfig,
    /// Weight decay: decoupled, of convolution and filter weights only (`adamw`), or added to the gradient of every parameter
    /// (`adam`).
    pub weight_decay: f64,
    /// Decay of the optimiser's two running means.
    pub betas: [f64; 2],
    /// ε of the optimiser.
    pub eps: f64,
    /// Largest L2 norm of all gradients together; null does not clip.
    pub clip_grad_l2norm: Option<f64>,
    /// Standard deviation of the Gaussian noise that is added to the padded features.
    pub input_noise: f64,
    /// Precision of the network's products, forwards and backwards.
    pub precision: Precision,
    /// Moving average of the weights.
    pub ema: EmaConfig,
    /// Background threads that load recordings; 0 loads between steps.
    pub num_workers: usize,
    /// Memory for the features of recordings that are kept, in megabytes.
    pub cache_mb: usize,
    /// When to evaluate and what to keep.
    pub checkpoint: CheckpointConfig,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            seed: 1_234_567_891,
            batch_size: 2,
            warmup_epochs: 5,
            epochs: 30,
            early_stop_epochs: None,
            optimizer: OptimizerMethod::AdamW,
            learning_rate: 0.0001,
            schedule: ScheduleConfig::Cosine { eta_min: 1e-8 },
            weight_decay: 0.05,
            betas: [0.9, 0.999],
            eps: 1e-8,
            clip_grad_l2norm: Some(1.0),
            input_noise: 0.0,
            precision: Precision::Float32,
            ema: EmaConfig::default(),
            num_workers: 2,
            cache_mb: 1024,
            checkpoint: CheckpointConfig::default(),
        }
    }
}

/// The optimiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum OptimizerMethod {
    /// Adam with decoupled weight decay.
    AdamW,
    /// Adam whose weight decay is an L2 penalty.
    Adam,
}

/// Decay of the learning rate after warm-up, per step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ScheduleConfig {
    /// Half a cosine down to `eta_min`.
    Cosine {
        /// The last learning rate.
        eta_min: f64,
    },
    /// Multiplication by `gamma` at each milestone.
    Multistep {
        /// Epochs after warm-up, ascending.
        milestones: Vec<usize>,
        /// The factor.
        gamma: f64,
    },
    /// No decay.
    Constant {},
}

/// Moving average of the weights: e ← d·e + (1 − d)·p after each step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EmaConfig {
    /// Decay d.
    pub decay: f64,
    /// Lets the decay grow with the step n as min(d, (1 + n) / (10 + n)), so that short runs forget their start.
    pub warmup: bool,
}

impl Default for EmaConfig {
    fn default() -> Self {
        Self {
            decay: 0.999,
            warmup: false,
        }
    }
}

/// Weights that a detector uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Weights {
    /// The moving average.
    Ema,
    /// The trained weights themselves.
    Raw,
}

/// When to evaluate and what to keep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CheckpointConfig {
    /// Weights that are evaluated, and that `predict` and `test` use by default.
    pub weights: Weights,
    /// Number of epochs between evaluations on the test subsets, of which the best is kept; 0 evaluates once, at the end.
    pub eval_every: usize,
    /// First epoch, counted from 1, after which `eval_every` applies.
    pub eval_from: usize,
    /// Number of epochs between writes of the run's state, which is also written at the end.
    pub save_every: usize,
    /// Number of steps between additional writes within an epoch; 0 writes none.
    pub save_every_steps: usize,
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        Self {
            weights: Weights::Ema,
            eval_every: 0,
            eval_from: 1,
            save_every: 1,
            save_every_steps: 0,
        }
    }
}

impl TrainConfig {
    /// Epochs of the schedule: warm-up and the rest.
    pub fn scheduled_epochs(&self) -> usize {
        self.warmup_epochs + self.epochs
    }

    /// Epochs that are run.
    pub fn num_epochs(&self) -> usize {
        let all = self.scheduled_epochs();
        self.early_stop_epochs.map_or(all, |stop| stop.min(all))
    }

    pub(super) fn check(&self, check: &mut Check<'_>) {
        check.at_least("batch_size", self.batch_size, 1);
        check.require(
            self.scheduled_epochs() >= 1,
            "epochs",
            self.epochs,
            "at least 1 if warmup_epochs is 0",
        );
        if let Some(stop) = self.early_stop_epochs {
            check.at_least("early_stop_epochs", stop, 1);
        }
        check.positive("learning_rate", self.learning_rate);
        check.section("schedule", |check| match &self.schedule {
            ScheduleConfig::Cosine { eta_min } => {
                check.not_negative("eta_min", *eta_min);
                check.require(
                    *eta_min <= self.learning_rate,
                    "eta_min",
                    eta_min,
                    format!("at most the learning rate ({})", self.learning_rate),
                );
            }
            ScheduleConfig::Multistep { milestones, gamma } => {
                check.positive("gamma", *gamma);
                check.require(
                    milestones.is_sorted_by(|a, b| a < b),
                    "milestones",
                    format!("{milestones:?}"),
                    "epochs in ascending order",
                );
            }
            ScheduleConfig::Constant {} => {}
        });
        check.not_negative("weight_decay", self.weight_decay);
        for (index, beta) in self.betas.iter().enumerate() {
            check.below_one(&format!("betas[{index}]"), *beta);
        }
        check.positive("eps", self.eps);
        if let Some(norm) = self.clip_grad_l2norm {
            check.positive("clip_grad_l2norm", norm);
        }
        check.not_negative("input_noise", self.input_noise);
        check.section("ema", |check| {
            check.within("decay", self.ema.decay, 0.0..=1.0)
        });
        check.between("num_workers", self.num_workers, 0, 256);
        check.section("checkpoint", |check| {
            check.at_least("save_every", self.checkpoint.save_every, 1);
        });
    }
}
