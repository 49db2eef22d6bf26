//! Label assignment and losses.

use super::action_sensitivity::ActionSensitivityConfig;
use super::check::Check;
use super::decoder::RefinementConfig;

sections! {
    /// Label assignment and losses.
    pub struct LossConfig {
        /// Assignment of points to actions.
        pub assignment: AssignmentConfig = AssignmentConfig::default(),
        /// Loss of the refined outputs. Its weight must be 0 if nothing is refined.
        pub refined: LossTermConfig = LossTermConfig {
            weight: 0.7,
            classification: ClassificationLoss::Varifocal,
            target: ClassificationTarget::OneHot,
            iou_weight: true,
        },
        /// Loss of the outputs before refinement; the only loss if nothing is refined.
        pub unrefined: LossTermConfig = LossTermConfig {
            weight: 0.3,
            classification: ClassificationLoss::Focal,
            target: ClassificationTarget::OneHot,
            iou_weight: false,
        },
        /// The regression loss.
        pub regression_loss: RegressionLoss = RegressionLoss::Diou,
        /// Weight λ of the regression loss relative to the classification loss; 0 or less balances the two.
        pub regression_weight: f64 = 1.0,
        /// Share ε of the target that is spread over all classes.
        pub label_smoothing: f64 = 0.0,
        /// Exponent p of the IoU weight of positive pairs.
        pub iou_weight_power: f64 = 0.2,
        /// Stops the gradient that reaches the offsets through the IoU weight.
        pub detach_iou_weight: bool = false,
        /// Divisor of the losses.
        pub normalizer: NormalizerConfig = NormalizerConfig::default(),
        /// α of the focal and the varifocal loss.
        pub focal_alpha: f64 = 0.25,
        /// γ of the focal and the varifocal loss.
        pub focal_gamma: f64 = 2.0,
        /// Action sensitivity learning; null leaves it out.
        // Checkpoints of earlier versions use the shorter name.
        #[serde(alias = "sensitivity")]
        pub action_sensitivity: Option<ActionSensitivityConfig> = None,
    }

    /// Assignment of points to actions.
    pub struct AssignmentConfig {
        /// Radius around an action's centre, in strides, within which points belong to the action; null takes every point
        /// of the action.
        pub center_radius: Option<f32> = Some(1.5),
        /// Chooses among the actions around a point by the network's outputs (TemporalMaxer); null takes the shortest
        /// action.
        pub cost: Option<CostConfig> = None,
    }

    /// Costs of a pair of a point and an action around it, computed from the network's final outputs without gradient.
    pub struct CostConfig {
        /// Weight of the focal loss, summed over classes, with the action's class as the target.
        pub classification_weight: f64,
        /// Weight of the distance-IoU loss.
        pub regression_weight: f64,
        /// Share of each action's pairs, cheapest first, whose points have weight 1 (rounded up).
        pub keep_percent: f64,
        /// Weight of the points of the remaining pairs; 0 ignores them.
        pub confuse_weight: f64,
    }

    /// One of the two losses.
    pub struct LossTermConfig {
        /// Weight in the total; 0 leaves the term out.
        pub weight: f64,
        /// The classification loss.
        pub classification: ClassificationLoss,
        /// Classification target of a positive pair: 1 (`one_hot`), or the IoU of its boundaries without gradient (`iou`; only
        /// with `varifocal`).
        pub target: ClassificationTarget,
        /// Multiplies the classification loss of positive pairs by IoU^p.
        pub iou_weight: bool,
    }

    /// Classification target of a positive pair.
    pub enum ClassificationTarget {
        /// 1.
        OneHot,
        /// The IoU of its boundaries with the action.
        Iou,
    }

    /// A regression loss of positive pairs.
    pub enum RegressionLoss {
        /// Distance-IoU: 1 − IoU + (distance of the centres / length of the hull)².
        Diou,
        /// Generalised IoU: 1 − IoU + (hull − union) / hull. The union of two segments around one point is their hull, so that
        /// this equals `iou` up to rounding.
        Giou,
        /// 1 − IoU.
        Iou,
    }

    /// A classification loss.
    pub enum ClassificationLoss {
        /// Sigmoid focal loss.
        Focal,
        /// Varifocal loss.
        Varifocal,
    }

    /// Divisor of the losses.
    pub struct NormalizerConfig {
        /// The divisor: a `running` mean (released), or the batch's own `point_counts` (paper) or `pair_counts`.
        pub method: NormalizerMethod = NormalizerMethod::Running,
        /// Value before the first step. Only for `running`.
        pub initial: f64 = 100.0,
        /// Share of the old value that an update keeps. Only for `running`.
        pub momentum: f64 = 0.9,
        /// Updates before each of the two loss terms (released) instead of once per step. Only for `running`.
        pub update_per_term: bool = true,
    }

    /// Divisor of the losses; counts are at least 1.
    pub enum NormalizerMethod {
        /// A running mean of the number of positive points, for all losses.
        Running,
        /// The number of positive points for their losses, the number of the other points for theirs.
        PointCounts,
        /// The number of positive pairs of a point and a class for their losses, the number of the other pairs for theirs.
        PairCounts,
    }
}

impl LossConfig {
    pub(super) fn check(
        &self,
        refinement: &RefinementConfig,
        num_levels: usize,
        check: &mut Check<'_>,
    ) {
        check.section("assignment", |check| {
            if let Some(radius) = self.assignment.center_radius {
                check.positive("center_radius", radius);
            }
            if let Some(cost) = &self.assignment.cost {
                check.section("cost", |check| cost.check(check));
            }
        });
        check.section("refined", |check| {
            self.refined.check(check);
            let weight = self.refined.weight;
            let (holds, allowed) = match refinement.is_active() {
                true => (
                    weight > 0.0,
                    "above 0 if decoder.refinement refines something, which nothing else trains",
                ),
                false => (
                    weight == 0.0,
                    "0 if decoder.refinement refines nothing: loss.unrefined is then the whole loss",
                ),
            };
            check.require(holds, "weight", weight, allowed);
        });
        check.section("unrefined", |check| {
            self.unrefined.check(check);
            check.require(
                refinement.is_active() || self.unrefined.weight > 0.0,
                "weight",
                self.unrefined.weight,
                "above 0 if decoder.refinement refines nothing: it is then the whole loss",
            );
        });
        check.require(
            self.regression_weight.is_finite(),
            "regression_weight",
            self.regression_weight,
            "a finite number",
        );
        check.below_one("label_smoothing", self.label_smoothing);
        check.not_negative("iou_weight_power", self.iou_weight_power);
        check.section("normalizer", |check| {
            check.positive("initial", self.normalizer.initial);
            check.within("momentum", self.normalizer.momentum, 0.0..=1.0);
        });
        check.within("focal_alpha", self.focal_alpha, 0.0..=1.0);
        check.not_negative("focal_gamma", self.focal_gamma);
        if let Some(sensitivity) = &self.action_sensitivity {
            check.section("action_sensitivity", |check| {
                sensitivity.check(num_levels, check);
            });
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
            "one_hot if classification is focal, which balances by class membership",
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
            "above 0 if regression_weight is 0: all costs would be equal",
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
