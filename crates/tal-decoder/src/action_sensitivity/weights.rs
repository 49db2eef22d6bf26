//! Weights of positive pairs, and the detector's quality there.

use tal_core::PointGrid;
use tal_core::config::WeightNormalization;
use tal_core::nn::host;
use tch::{Kind, Tensor};

use crate::distances::Distances;
use crate::loss;
use crate::output::DecoderOutput;
use crate::pairs::Pairs;
use crate::processes::{Processes, SharedSum};

/// Least mean weight as a divisor.
const LEAST_MEAN: f64 = 1e-6;

/// Factors of the losses of positive pairs, in both terms; `None` stands for 1.
///
/// # Shapes
/// Each (P).
#[derive(Debug, Default)]
pub(crate) struct PairWeights {
    /// Factors of the classification losses.
    pub(crate) cls: Option<Tensor>,
    /// Factors of the regression losses. If all classes of a point share its boundaries, that of its first class applies.
    pub(crate) reg: Option<Tensor>,
}

/// Positive pairs of the recordings that this process has.
pub(crate) struct PositivePairs<'a> {
    /// Number of pairs of the whole batch.
    pub(crate) num_all: usize,
    /// Pairs (P).
    pub(crate) pairs: &'a Pairs,
    /// Positions of the pairs in packed outputs (P).
    pub(crate) positions: &'a Tensor,
    /// Target distances (P).
    pub(crate) target: &'a Distances,
    /// Final distances of the detector (P); their gradient is not used.
    pub(crate) predicted: &'a Distances,
}

impl PositivePairs<'_> {
    /// Places of the points (P) within their actions: −0.5 at the start, 0.5 at the end.
    pub(super) fn place(&self) -> Tensor {
        // With l = t − S and r = E − t: t − centre = (l − r) / 2.
        let Distances { left, right } = self.target;
        (left - right) / ((left + right) * 2.0).clamp_min(1e-8)
    }

    /// Strides of the points' levels (P).
    pub(super) fn stride(&self, grid: &PointGrid) -> Tensor {
        self.pairs.strides(grid).to_kind(self.target.left.kind())
    }
}

/// Answers of the evaluators at every step (B, ΣT_l); `None` for an evaluator that is switched off.
pub(super) struct Quality {
    /// For classification.
    pub(super) cls: Option<Tensor>,
    /// For regression.
    pub(super) reg: Option<Tensor>,
}

impl Quality {
    /// Values at the points of pairs (P).
    pub(super) fn at(map: &Tensor, positives: &PositivePairs<'_>, grid: &PointGrid) -> Tensor {
        let pairs = positives.pairs;
        map.index(&[Some(&pairs.sample), Some(&pairs.grid_points(grid))])
    }

    /// Mean squared error of the answers at the positive pairs, or the part of this process in it; `None` without evaluators.
    ///
    /// The evaluators learn the probability of the pair's class and the tIoU of its segment, both from the final outputs and
    /// without gradient.
    pub(super) fn loss(
        &self,
        output: &DecoderOutput,
        grid: &PointGrid,
        positives: &PositivePairs<'_>,
    ) -> Option<Tensor> {
        let error = |map: &Option<Tensor>, truth: &dyn Fn() -> Tensor| {
            let map = map.as_ref()?;
            let truth = tch::no_grad(truth);
            let squares = (Quality::at(map, positives, grid) - truth).square();
            Some(mean(&squares, positives.num_all))
        };
        let cls = error(&self.cls, &|| probability(output, positives));
        let reg = error(&self.reg, &|| {
            loss::iou(positives.predicted, positives.target)
        });
        sum(cls, reg)
    }
}

/// Final probabilities of the pairs' classes.
fn probability(output: &DecoderOutput, positives: &PositivePairs<'_>) -> Tensor {
    let Pairs { sample, class, .. } = positives.pairs;
    let index = [Some(sample), Some(class), Some(positives.positions)];
    output.final_logits().index(&index).sigmoid()
}

/// Sum of the parts that exist.
pub(super) fn sum(a: Option<Tensor>, b: Option<Tensor>) -> Option<Tensor> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    }
}

/// Sum of values over `count`, which is their number unless other processes have more; 0 without values.
pub(super) fn mean(values: &Tensor, count: usize) -> Tensor {
    values.sum(None::<Kind>) / count.max(1) as f64
}

/// Weights of pairs (P) of the given classes, divided as the configuration says. The divisor takes part in the gradient; if
/// several processes share the batch, by way of the sum that is added to `sums`.
pub(super) fn normalize(
    weights: Tensor,
    class: &Tensor,
    num_classes: i64,
    normalization: WeightNormalization,
    (processes, sums): (Option<&dyn Processes>, &mut Vec<SharedSum>),
) -> Tensor {
    let mut shared = |own: Tensor, counts: &mut [f64], processes| {
        let sum = SharedSum::new(own, counts, processes);
        let all = sum.all.shallow_clone();
        sums.push(sum);
        all
    };
    match normalization {
        WeightNormalization::None => weights,
        WeightNormalization::Batch => {
            let mut count = [weights.numel() as f64];
            let mut sum = weights.sum(None::<Kind>);
            if let Some(processes) = processes {
                sum = shared(sum, &mut count, processes);
            }
            &weights / (sum / count[0].max(1.0)).clamp_min(LEAST_MEAN)
        }
        WeightNormalization::Class => {
            let zeros = weights.new_zeros([num_classes], (weights.kind(), weights.device()));
            let mut sums = zeros.index_add(0, class, &weights);
            let mut counts = zeros.index_add(0, class, &weights.ones_like());
            if let Some(processes) = processes {
                let mut numbers: Vec<f64> = host::copy(&counts);
                sums = shared(sums, &mut numbers, processes);
                let all = Tensor::from_slice(&numbers).to_kind(weights.kind());
                counts = all.to_device(weights.device());
            }
            let means = (sums / counts.clamp_min(1.0)).index_select(0, class);
            &weights / means.clamp_min(LEAST_MEAN)
        }
    }
}
