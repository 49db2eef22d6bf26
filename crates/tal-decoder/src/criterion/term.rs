//! One term of the loss, after refinement or before it.

use tal_core::config::{
    ClassificationLoss, ClassificationTarget, LossConfig, LossTermConfig, RegressionLoss,
};
use tch::Tensor;

use super::batch_targets::BatchTargets;
use super::divisor::Divisor;
use super::losses::TermLosses;
use crate::distances::Distances;
use crate::loss;
use crate::processes::Processes;

/// Outputs that a term compares with the targets.
pub(super) struct Predicted<'a> {
    /// Class logits (B, K, S).
    pub(super) logits: Tensor,
    /// Distances of the positive pairs (P).
    pub(super) distances: &'a Distances,
    /// Whether the distances of a point are the same for all its classes.
    pub(super) is_class_agnostic: bool,
}

/// Losses of one term.
pub(super) fn term(
    config: &LossConfig,
    term: &LossTermConfig,
    predicted: &Predicted<'_>,
    batch: &BatchTargets,
    divisor: &Divisor,
    processes: Option<&dyn Processes>,
) -> TermLosses {
    let (alpha, gamma) = (config.focal_alpha, config.focal_gamma);
    let positives = &batch.positives;
    let overlap = || loss::iou(predicted.distances, &positives.offsets);

    let targets = match term.target {
        ClassificationTarget::OneHot => batch.classes.shallow_clone(),
        ClassificationTarget::Iou => batch.with_targets(&overlap().detach()),
    };
    let cls = match term.classification {
        ClassificationLoss::Focal => loss::focal(&predicted.logits, &targets, alpha, gamma),
        ClassificationLoss::Varifocal => loss::varifocal(&predicted.logits, &targets, alpha, gamma),
    };
    let cls = if term.iou_weight {
        let mut weight = loss::iou_weight(&overlap(), config.iou_weight_power);
        if config.detach_iou_weight {
            weight = weight.detach();
        }
        &cls * batch.put(&cls.ones_like(), &weight)
    } else {
        cls
    };
    let cls = match &batch.sensitivity.cls {
        Some(weights) => &cls * batch.put(&cls.ones_like(), weights),
        None => cls,
    };
    let cls = divisor.mean(&(cls * &batch.weights));

    // A sum of no pairs is zero and still reaches every parameter, with a gradient of zero.
    let (kind, weights) = (config.regression_loss, batch.regression_weights());
    let reg = if predicted.is_class_agnostic {
        // The first pair stands for all classes of its point.
        let first = &positives.first_of_point;
        let [predicted, target] =
            [predicted.distances, &positives.offsets].map(|all| all.select(first));
        let weights = weights.map(|weights| weights.index_select(0, first));
        regression(kind, &predicted, &target, weights)
    } else {
        regression(kind, predicted.distances, &positives.offsets, weights)
    };
    let reg = reg / divisor.positive();
    let weight = config.regression_weight;
    let total = if weight > 0.0 {
        &cls + &reg * weight
    } else {
        &cls + &reg * balance(&cls, &reg, processes)
    };
    TermLosses {
        cls,
        reg,
        total,
        normalizer: divisor.positive(),
    }
}

/// The factor that gives the regression loss of the whole batch the size of the classification loss, without gradient.
fn balance(cls: &Tensor, reg: &Tensor, processes: Option<&dyn Processes>) -> Tensor {
    let (mut cls, mut reg) = (cls.detach(), reg.detach());
    if let Some(processes) = processes {
        let mut both = [cls.double_value(&[]), reg.double_value(&[])];
        processes.sum(&mut both);
        [cls, reg] = both.map(|value| cls.full_like(value));
    }
    cls / reg.clamp_min(0.01)
}

/// Sum of the regression losses of pairs.
fn regression(
    kind: RegressionLoss,
    predicted: &Distances,
    target: &Distances,
    weights: Option<Tensor>,
) -> Tensor {
    let losses = match kind {
        RegressionLoss::Diou => loss::diou(predicted, target),
        RegressionLoss::Giou => loss::giou(predicted, target),
        RegressionLoss::Iou => loss::iou_loss(predicted, target),
    };
    match weights {
        Some(weights) => (losses * weights).sum(None),
        None => losses.sum(None),
    }
}
