//! What a batch's outputs are compared with.

use tal_core::PointGrid;
use tal_core::config::{LossConfig, NormalizerMethod};
use tch::Tensor;

use super::cost;
use super::positives::Positives;
use crate::output::DecoderOutput;
use crate::sensitivity::PairWeights;
use crate::targets::Targets;

/// Targets of a batch, the same for both terms of the loss.
pub(super) struct Reference {
    /// Smoothed targets (B, K, S).
    pub(super) targets: Tensor,
    /// What every position counts, zero where there is no valid point (B, 1, S).
    pub(super) weights: Tensor,
    /// What every positive pair counts (P); none where each counts 1.
    pub(super) pair_weights: Option<Tensor>,
    /// What every positive pair counts besides, by a sensitivity.
    pub(super) sensitivity: PairWeights,
    pub(super) positives: Positives,
    /// Number of valid points.
    num_valid: usize,
    /// What a target of 0 becomes by smoothing.
    background: f64,
    smoothing: f64,
}

/// What a term's sums are divided by.
pub(super) enum Divisor {
    /// The same number everywhere.
    Same(f64),
    /// One number at positive elements, another elsewhere.
    Counts {
        /// Which elements of (B, K, S) are positive; broadcasts.
        is_positive: Tensor,
        positive: f64,
        negative: f64,
    },
}

impl Reference {
    /// Compares costs where the configuration wants it and lays the targets out.
    ///
    /// # Panics
    /// Where there is not one target per sample, or a target does not fit to the grid or the classes.
    pub(super) fn new(
        output: &DecoderOutput,
        grid: &PointGrid,
        targets: &[Targets],
        config: &LossConfig,
    ) -> Reference {
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
        let settled = config
            .assignment
            .cost
            .as_ref()
            .map(|cost| cost::settle(output, grid, targets, config, cost));
        let targets = settled.as_ref().map_or(targets, |settled| &settled.targets);
        let positives = Positives::new(output, grid, targets);

        let num_classes = output.num_classes();
        let smoothing = config.label_smoothing;
        let background = smoothing / (num_classes + 1) as f64;
        let size = output.cls_logits.size();
        let mask = output.mask.to_kind(kind);
        let mut reference = Reference {
            targets: Tensor::full(size, background, (kind, device)),
            pair_weights: settled.as_ref().map(|settled| {
                let weights = settled.weights.squeeze_dim(1);
                weights.index(&[Some(&positives.pairs.sample), Some(&positives.positions)])
            }),
            weights: match &settled {
                Some(settled) => mask * &settled.weights,
                None => mask,
            },
            sensitivity: PairWeights::default(),
            num_valid: output
                .layout
                .levels
                .iter()
                .flat_map(|level| &level.lens)
                .sum(),
            positives,
            background,
            smoothing,
        };
        reference.targets = reference.with_targets(&Tensor::ones([1], (kind, device)));
        reference
    }

    /// The smoothed targets with `values` (P or 1) at the positive pairs before smoothing.
    ///
    /// # Shapes
    /// (B, K, S)
    pub(super) fn with_targets(&self, values: &Tensor) -> Tensor {
        self.put(
            &self.targets,
            &(values * (1.0 - self.smoothing) + self.background),
        )
    }

    /// A copy of `map` with `values` (P or 1) at the positive pairs; where there is none, `values` still reach the graph.
    ///
    /// # Shapes
    /// (B, K, S)
    pub(super) fn put(&self, map: &Tensor, values: &Tensor) -> Tensor {
        let pairs = &self.positives.pairs;
        if pairs.is_empty() {
            // What is learned of the values gets a gradient of zero, as everything else does: an optimiser then counts the
            // step, after a resumption as without one.
            return match values.requires_grad() {
                true => map + values.sum(map.kind()) * 0.0,
                false => map.shallow_clone(),
            };
        }
        let positions = &self.positives.positions;
        let index = [Some(&pairs.sample), Some(&pairs.class), Some(positions)];
        map.index_put(&index, values, false)
    }

    /// What the regression loss of every positive pair counts (P); none where each counts 1.
    pub(super) fn regression_weights(&self) -> Option<Tensor> {
        match (&self.pair_weights, &self.sensitivity.reg) {
            (Some(a), Some(b)) => Some(a * b),
            (a, b) => a.as_ref().or(b.as_ref()).map(Tensor::shallow_clone),
        }
    }

    /// What sums are divided by; `running` is the running mean of positive points.
    pub(super) fn divisor(&self, method: NormalizerMethod, running: f64) -> Divisor {
        let at_least_one = |count: usize| count.max(1) as f64;
        let is_positive = || {
            let one = Tensor::ones([1], (self.targets.kind(), self.targets.device()));
            self.put(&self.targets.zeros_like(), &one).gt(0.0)
        };
        match method {
            NormalizerMethod::Running => Divisor::Same(running),
            NormalizerMethod::PointCounts => Divisor::Counts {
                is_positive: is_positive().any_dim(1, true),
                positive: at_least_one(self.positives.num_points),
                negative: at_least_one(self.num_valid - self.positives.num_points),
            },
            NormalizerMethod::PairCounts => {
                let num_pairs = self.positives.pairs.len() as usize;
                let num_valid = self.num_valid * self.targets.size()[1] as usize;
                Divisor::Counts {
                    is_positive: is_positive(),
                    positive: at_least_one(num_pairs),
                    negative: at_least_one(num_valid - num_pairs),
                }
            }
        }
    }
}
