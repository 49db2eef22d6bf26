//! Label assignment and losses.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::action_sensitivity::ActionSensitivityConfig;
use super::check::Check;
use super::decoder::RefinementConfig;

/// Label assignment and losses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LossConfig {
    /// Which points an action claims.
    pub assignment: AssignmentConfig,
    /// Loss of the refined outputs. Its weight must be 0 where nothing is refined.
    pub refined: LossTermConfig,
    /// Loss of the outputs before refinement; the only one where nothing is refined.
    pub unrefined: LossTermConfig,
    /// The regression loss.
    pub regression_loss: RegressionLoss,
    /// Weight λ of the regression loss against the classification loss; 0 or less balances the two.
    pub regression_weight: f64,
    /// Share ε of the target that is spread over all classes.
    pub label_smoothing: f64,
    /// Exponent p of the IoU weight of positive pairs.
    pub iou_weight_power: f64,
    /// Stop the gradient that reaches the offsets through the IoU weight.
    pub detach_iou_weight: bool,
    /// What losses are divided by.
    pub normalizer: NormalizerConfig,
    /// α of the focal and the varifocal loss.
    pub focal_alpha: f64,
    /// γ of the focal and the varifocal loss.
    pub focal_gamma: f64,
    /// Action sensitivity learning; null leaves it out.
    pub sensitivity: Option<ActionSensitivityConfig>,
}

/// Which points an action claims.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignmentConfig {
    /// Points within this many strides of an action's centre count as inside; null takes every point of the action.
    pub center_radius: Option<f32>,
    /// Choose among the actions around a point by what the network answers (TemporalMaxer); null takes the shortest.
    pub cost: Option<CostConfig>,
}

/// Costs of a pair of a point and an action around it: of the network's final outputs, without gradient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CostConfig {
    /// Weight of the focal loss, summed over classes, with the action's class as the target.
    pub classification_weight: f64,
    /// Weight of the distance-IoU loss.
    pub regression_weight: f64,
    /// Share of each action's pairs, the cheapest first, whose points count fully (rounded up).
    pub keep_percent: f64,
    /// What the points of the other pairs count.
    pub confuse_weight: f64,
}

/// One of the two losses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LossTermConfig {
    /// Share of the total; 0 leaves the term out.
    pub weight: f64,
    /// The classification loss.
    pub classification: ClassificationLoss,
    /// What a positive pair's classification target is: 1 (`one_hot`) or the IoU of its boundaries, without gradient (`iou`;
    /// only with `varifocal`).
    pub target: ClassificationTarget,
    /// Multiply the classification loss of positive pairs by IoU^p.
    pub iou_weight: bool,
}

/// What a positive pair's classification target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClassificationTarget {
    /// 1.
    OneHot,
    /// The IoU of its boundaries with the action.
    Iou,
}

/// A regression loss of positive pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegressionLoss {
    /// Distance-IoU: 1 − IoU + (distance of the centres / length of the hull)².
    Diou,
    /// Generalised IoU: 1 − IoU + (hull − union) / hull. Segments around one point have their hull as union, so that this
    /// is `iou` up to rounding.
    Giou,
    /// 1 − IoU.
    Iou,
}

/// A classification loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClassificationLoss {
    /// Sigmoid focal loss.
    Focal,
    /// Varifocal loss.
    Varifocal,
}

/// What losses are divided by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NormalizerConfig {
    /// What is counted: `running` (released) or the batch's own `point_counts` (paper) or `pair_counts`.
    pub method: NormalizerMethod,
    /// Value before the first step. Only `running` uses it.
    pub initial: f64,
    /// Share of the old value that an update keeps. Only `running` uses it.
    pub momentum: f64,
    /// Update before each of the two loss terms (released) instead of once per step. Only `running` uses it.
    pub update_per_term: bool,
}

/// What losses are divided by; counts are at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NormalizerMethod {
    /// Everything by a running mean of the number of positive points.
    Running,
    /// What belongs to positive points by their number, to the others by theirs.
    PointCounts,
    /// What belongs to positive pairs of a point and a class by their number, to the others by theirs.
    PairCounts,
}

impl LossConfig {
    pub(super) fn check(
        &self,
        refinement: &RefinementConfig,
        num_levels: usize,
        check: &mut Check<'_>,
    ) {
        if let Some(radius) = self.assignment.center_radius {
            check.section("assignment", |check| {
                check.positive("center_radius", radius)
            });
        }
        if let Some(cost) = &self.assignment.cost {
            check.section("assignment", |check| {
                check.section("cost", |check| cost.check(check));
            });
        }
        check.section("refined", |check| {
            self.refined.check(check);
            let weight = self.refined.weight;
            if refinement.is_active() {
                check.require(
                    weight > 0.0,
                    "weight",
                    weight,
                    "above 0 where decoder.refinement refines something, which nothing else trains",
                );
            } else {
                check.require(
                    weight == 0.0,
                    "weight",
                    weight,
                    "0 where decoder.refinement refines nothing: loss.unrefined then is the whole loss",
                );
            }
        });
        check.section("unrefined", |check| {
            self.unrefined.check(check);
            check.require(
                refinement.is_active() || self.unrefined.weight > 0.0,
                "weight",
                self.unrefined.weight,
                "above 0 where decoder.refinement refines nothing: it then is the whole loss",
            );
        });
        check.require(
            self.regression_weight.is_finite(),
            "regression_weight",
            self.regression_weight,
            "a finite number",
        );
        check.require(
            (0.0..1.0).contains(&self.label_smoothing),
            "label_smoothing",
            self.label_smoothing,
            "at least 0 and below 1",
        );
        check.not_negative("iou_weight_power", self.iou_weight_power);
        check.section("normalizer", |check| {
            check.positive("initial", self.normalizer.initial);
            check.within("momentum", self.normalizer.momentum, 0.0..=1.0);
        });
        check.within("focal_alpha", self.focal_alpha, 0.0..=1.0);
        check.not_negative("focal_gamma", self.focal_gamma);
        if let Some(sensitivity) = &self.sensitivity {
            check.section("sensitivity", |check| sensitivity.check(num_levels, check));
        }
    }
}

impl LossTermConfig {
    fn check(&self, check: &mut Check<'_>) {
        check.not_negative("weight", self.weight);
        check.require(
            self.target == ClassificationTarget::OneHot
                || self.classification == ClassificationLoss::Varifocal,
            "target",
            "iou",
            "one_hot where classification is focal, which balances by class membership",
        );
    }
}

impl CostConfig {
    fn check(&self, check: &mut Check<'_>) {
        check.not_negative("classification_weight", self.classification_weight);
        check.not_negative("regression_weight", self.regression_weight);
        check.require(
            self.classification_weight + self.regression_weight > 0.0,
            "classification_weight",
            self.classification_weight,
            "above 0 where regression_weight is 0: all costs would be equal",
        );
        check.require(
            self.keep_percent > 0.0 && self.keep_percent <= 1.0,
            "keep_percent",
            self.keep_percent,
            "above 0 and at most 1",
        );
        check.not_negative("confuse_weight", self.confuse_weight);
    }
}
