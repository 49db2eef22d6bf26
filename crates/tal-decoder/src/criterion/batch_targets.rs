//! Targets of a batch, shared by both loss terms.

use tal_core::PointGrid;
use tal_core::config::{LossConfig, NormalizerMethod};
use tch::Tensor;

use super::cost;
use super::divisor::Divisor;
use super::positives::Positives;
use crate::action_sensitivity::PairWeights;
use crate::output::DecoderOutput;
use crate::processes::Processes;
use crate::targets::Targets;

/// Counts that divide the sums of a loss.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts {
    /// Positive valid points N; a point with several classes counts once.
    pub(super) positives: usize,
    /// Valid points.
    valid: usize,
    /// Pairs of a positive point and a class.
    pub(super) pairs: usize,
}

impl Counts {
    /// Sums over the processes that share a batch.
    fn summed(self, processes: Option<&dyn Processes>) -> Counts {
        let Some(processes) = processes else {
            return self;
        };
        let mut counts = [self.positives, self.valid, self.pairs].map(|count| count as f64);
        processes.sum(&mut counts);
        let [positives, valid, pairs] = counts.map(|count| count as usize);
        Counts {
            positives,
            valid,
            pairs,
        }
    }
}

/// Targets of a batch, shared by both loss terms.
pub(super) struct BatchTargets {
    /// Smoothed class targets (B, K, S).
    pub(super) classes: Tensor,
    /// Weights of all positions (B, 1, S), zero outside valid points.
    pub(super) weights: Tensor,
    /// Weights of the positive pairs by their costs (P); `None` if all weigh 1.
    pub(super) cost_weights: Option<Tensor>,
    /// Further weights of the positive pairs, by action sensitivity.
    pub(super) sensitivity: PairWeights,
    pub(super) positives: Positives,
    /// Counts of the whole batch, over all processes that share it.
    pub(super) counts: Counts,
    /// Smoothed target of 0.
    background: f64,
    smoothing: f64,
}

impl BatchTargets {
    /// Targets of a batch as tensors, after the comparison of costs if the configuration wants one.
    ///
    /// # Panics
    /// If there is not one target per sample, or if a target does not fit the grid or the classes.
    pub(super) fn new(
        output: &DecoderOutput,
        grid: &PointGrid,
        targets: &[Targets],
        config: &LossConfig,
        processes: Option<&dyn Processes>,
    ) -> BatchTargets {
        assert_eq!(
            output.batch_size(),
            targets.len() as i64,
            "one target per sample is needed"
        );
        for target in targets {
            assert_eq!(
                target.num_points,
                grid.num_points(),
                "targets and point grid have different numbers of points"
            );
        }
        let (kind, device) = (output.cls_logits.kind(), output.cls_logits.device());
        let cost = config.assignment.cost.as_ref();
        let settled = cost.map(|cost| cost::settle(output, grid, targets, config, cost));
        let targets = settled.as_ref().map_or(targets, |settled| &settled.targets);
        let positives = Positives::new(output, grid, targets);

        let num_classes = output.num_classes();
        let smoothing = config.label_smoothing;
        let background = smoothing / (num_classes + 1) as f64;
        let size = output.cls_logits.size();
        let mask = output.mask.to_kind(kind);
        let levels = output.layout.levels.iter();
        let mut batch = BatchTargets {
            classes: Tensor::full(size, background, (kind, device)),
            cost_weights: settled.as_ref().map(|settled| {
                let weights = settled.weights.squeeze_dim(1);
                weights.index(&[Some(&positives.pairs.sample), Some(&positives.positions)])
            }),
            weights: match &settled {
                Some(settled) => mask * &settled.weights,
                None => mask,
            },
            sensitivity: PairWeights::default(),
            counts: Counts {
                positives: positives.num_points,
                valid: levels.flat_map(|level| &level.lens).sum(),
                pairs: positives.pairs.len() as usize,
            }
            .summed(processes),
            positives,
            background,
            smoothing,
        };
        batch.classes = batch.with_targets(&Tensor::ones([1], (kind, device)));
        batch
    }

    /// Class targets (B, K, S) with `values` (P or 1) at the positive pairs, smoothed.
    pub(super) fn with_targets(&self, values: &Tensor) -> Tensor {
        let smoothed = values * (1.0 - self.smoothing) + self.background;
        self.put(&self.classes, &smoothed)
    }

    /// Copy of `map` (B, K, S) with `values` (P or 1) at the positive pairs. Without pairs, `values` still reach the graph.
    pub(super) fn put(&self, map: &Tensor, values: &Tensor) -> Tensor {
        let pairs = &self.positives.pairs;
        if pairs.is_empty() {
            // The variables behind the values get a gradient of zero, as all others do. An optimiser then counts the step,
            // whether the run was resumed or not.
            return match values.requires_grad() {
                true => map + values.sum(map.kind()) * 0.0,
                false => map.shallow_clone(),
            };
        }
        let positions = &self.positives.positions;
        let index = [Some(&pairs.sample), Some(&pairs.class), Some(positions)];
        map.index_put(&index, values, false)
    }

    /// Weights of the regression losses of the positive pairs (P); `None` if all weigh 1.
    pub(super) fn regression_weights(&self) -> Option<Tensor> {
        match (&self.cost_weights, &self.sensitivity.reg) {
            (Some(a), Some(b)) => Some(a * b),
            (a, b) => a.as_ref().or(b.as_ref()).map(Tensor::shallow_clone),
        }
    }

    /// Divisor of the sums of a term; `running` is the running mean of positive points.
    pub(super) fn divisor(&self, method: NormalizerMethod, running: f64) -> Divisor {
        let counts = self.counts;
        let at_least_one = |count: usize| count.max(1) as f64;
        let is_positive = || {
            let one = Tensor::ones([1], (self.classes.kind(), self.classes.device()));
            self.put(&self.classes.zeros_like(), &one).gt(0.0)
        };
        match method {
            NormalizerMethod::Running => Divisor::Same(running),
            NormalizerMethod::PointCounts => Divisor::Counts {
                is_positive: is_positive().any_dim(1, true),
                positive: at_least_one(counts.positives),
                negative: at_least_one(counts.valid - counts.positives),
            },
            NormalizerMethod::PairCounts => {
                let num_pairs = counts.pairs;
                let num_valid = counts.valid * self.classes.size()[1] as usize;
                Divisor::Counts {
                    is_positive: is_positive(),
                    positive: at_least_one(num_pairs),
                    negative: at_least_one(num_valid - num_pairs),
                }
            }
        }
    }
}
