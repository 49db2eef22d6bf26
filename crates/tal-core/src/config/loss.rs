//! Label assignment and losses.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Check;

/// Label assignment and losses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LossConfig {
    /// Which points an action claims.
    pub assignment: AssignmentConfig,
    /// Loss of the refined outputs.
    pub refined: LossTermConfig,
    /// Loss of the outputs before refinement.
    pub unrefined: LossTermConfig,
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
}

/// Which points an action claims.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignmentConfig {
    /// Points within this many strides of an action's centre count as inside; null takes every point of the action.
    pub center_radius: Option<f32>,
}

/// One of the two losses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LossTermConfig {
    /// Share of the total; 0 leaves the term out.
    pub weight: f64,
    /// The classification loss.
    pub classification: ClassificationLoss,
    /// Multiply positive pairs by IoU^p.
    pub iou_weight: bool,
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

/// What losses are divided by: a running mean of the number of positive points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NormalizerConfig {
    /// Value before the first step.
    pub initial: f64,
    /// Share of the old value that an update keeps.
    pub momentum: f64,
    /// Update before each of the two loss terms (released) instead of once per step.
    pub update_per_term: bool,
}

impl LossConfig {
    pub(super) fn check(&self, check: &mut Check<'_>) {
        if let Some(radius) = self.assignment.center_radius {
            check.section("assignment", |check| {
                check.positive("center_radius", radius)
            });
        }
        check.section("refined", |check| {
            check.not_negative("weight", self.refined.weight);
        });
        check.section("unrefined", |check| {
            check.not_negative("weight", self.unrefined.weight);
        });
        check.require(
            self.refined.weight + self.unrefined.weight > 0.0,
            "refined.weight",
            self.refined.weight,
            "above 0 where unrefined.weight is 0",
        );
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
    }
}
