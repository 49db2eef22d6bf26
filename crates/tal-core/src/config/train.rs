//! Optimisation, and what a run keeps.

use serde::{Deserialize, Serialize};

use super::check::Check;
use super::precision::Precision;

sections! {
    /// Optimisation, and what a run keeps.
    #[serde(default)]
    pub struct TrainConfig {
        /// Seed of initialisation, order, cropping and noise; `--seed` sets it too.
        pub seed: u64 = 1_234_567_891,
        /// Recordings per step; an incomplete last batch is dropped.
        pub batch_size: usize = 2,
        /// Epochs in which the learning rate rises from 0.
        pub warmup_epochs: usize = 5,
        /// Epochs after warm-up.
        pub epochs: usize = 30,
        /// Number of epochs, warm-up included, after which training stops; the schedule does not change. Null: the run goes
        /// to the end.
        pub early_stop_epochs: Option<usize> = None,
        /// The optimiser.
        pub optimizer: OptimizerMethod = OptimizerMethod::AdamW,
        /// Learning rate after warm-up.
        pub learning_rate: f64 = 0.0001,
        /// Decay of the learning rate after warm-up.
        pub schedule: ScheduleConfig = ScheduleConfig::Cosine { eta_min: 1e-8 },
        /// Weight decay: decoupled, of convolution and filter weights only (`adamw`), or added to the gradient of every
        /// parameter (`adam`).
        pub weight_decay: f64 = 0.05,
        /// Decay of the optimiser's two running means.
        pub betas: [f64; 2] = [0.9, 0.999],
        /// ε of the optimiser.
        pub eps: f64 = 1e-8,
        /// Largest L2 norm of all gradients together; null does not clip.
        pub clip_grad_l2norm: Option<f64> = Some(1.0),
        /// Standard deviation of the Gaussian noise that is added to the padded features.
        pub input_noise: f64 = 0.0,
        /// Precision of the network's products, forwards and backwards.
        pub precision: Precision = Precision::Float32,
        /// Moving average of the weights.
        pub ema: EmaConfig = EmaConfig::default(),
        /// Background threads that load recordings; 0 loads between steps.
        pub num_workers: usize = 2,
        /// Memory for the features of recordings that are kept, in megabytes.
        pub cache_mb: usize = 1024,
        /// When to evaluate and what to keep.
        pub checkpoint: CheckpointConfig = CheckpointConfig::default(),
        /// Formats of other tools in which the curves of `metrics.jsonl` are written beside it.
        pub log: Vec<CurveFormat> = Vec::new(),
    }

    /// A format of curves.
    pub enum CurveFormat {
        /// An event file of TensorBoard, which W&B and others also read.
        Tensorboard,
        /// The folder `dvclive` with a table for each curve, as DVCLive writes it.
        Dvclive,
    }

    /// Moving average of the weights: e ← d·e + (1 − d)·p after each step.
    pub struct EmaConfig {
        /// Decay d.
        pub decay: f64 = 0.999,
        /// Lets the decay grow with the step n as min(d, (1 + n) / (10 + n)), so that short runs forget their start.
        pub warmup: bool = false,
        /// Share of the run's steps after which the average becomes the plain mean of the weights after each further step; null
        /// keeps the moving average to the end. It pays if the learning rate has not decayed to nothing by then.
        pub average_from: Option<f64> = None,
    }

    /// Weights that a detector uses.
    pub enum Weights {
        /// The moving average.
        Ema,
        /// The trained weights themselves.
        Raw,
    }

    /// When to evaluate and what to keep.
    pub struct CheckpointConfig {
        /// Weights that are evaluated, and that `predict` and `test` use by default.
        pub weights: Weights = Weights::Ema,
        /// Number of epochs between evaluations on the test subsets, of which the best is kept; 0 evaluates once, at the
        /// end.
        pub eval_every: usize = 0,
        /// First epoch, counted from 1, after which `eval_every` applies.
        pub eval_from: usize = 1,
        /// Number of epochs between writes of the run's state, which is also written at the end.
        pub save_every: usize = 1,
        /// Number of steps between additional writes within an epoch; 0 writes none.
        pub save_every_steps: usize = 0,
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
            check.within("decay", self.ema.decay, 0.0..=1.0);
            if let Some(share) = self.ema.average_from {
                check.below_one("average_from", share);
            }
        });
        check.between("num_workers", self.num_workers, 0, 256);
        check.section("checkpoint", |check| {
            check.at_least("save_every", self.checkpoint.save_every, 1);
        });
    }
}
