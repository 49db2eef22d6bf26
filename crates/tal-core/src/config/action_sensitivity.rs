//! Action sensitivity learning: which steps of an action matter.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Check;

/// Action sensitivity learning: training weighs the losses of positive pairs by how much their place in the action matters,
/// which is itself learned. The trained detector is the same network with or without.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActionSensitivityConfig {
    /// Gaussians per class over the place within an action; null leaves them out.
    pub class_level: Option<ClassLevelConfig>,
    /// Evaluators of every step, trained on how well the detector does there; null leaves them out.
    pub instance_level: Option<InstanceLevelConfig>,
    /// What the weights of positive pairs are divided by, the gradient included.
    pub normalize: WeightNormalization,
    /// Contrast of the features of actions and of what surrounds them; null leaves it out.
    pub contrastive: Option<ContrastiveConfig>,
}

/// What the weights of positive pairs are divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WeightNormalization {
    /// Nothing: the loss also becomes smaller by smaller weights.
    None,
    /// Their mean over the batch: places, and classes, gain weight at the cost of others.
    Batch,
    /// Their mean over those of the same class in the batch: only places do.
    Class,
}

/// Gaussians per class over the place d within an action: g(d) = exp(−(d − μ)² / 2σ²), −1 < μ < 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassLevelConfig {
    /// Weigh the classification loss; one Gaussian, starting at μ 0.
    pub classification: bool,
    /// Weigh the regression loss; two Gaussians, starting at μ −0.5 (start) and 0.5 (end).
    pub localization: bool,
    /// How start and end become one weight.
    pub combine: GaussianCombination,
    /// What the distance to the action's centre is divided by.
    pub distance: SensitivityDistance,
    /// What σ is at least, below 1, where it starts.
    pub min_sigma: f64,
}

/// How the Gaussians of start and end become one weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GaussianCombination {
    /// Their mean.
    Mean,
    /// Their sum.
    Sum,
}

/// What the distance from a point to its action's centre is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SensitivityDistance {
    /// The action's length: −0.5 at its start, 0.5 at its end, on every level.
    Length,
    /// The action's length times the stride of the point's level: on coarse levels all points are near the centre.
    StrideLength,
}

/// Evaluators of every step: a convolution, ReLU, one output, sigmoid; shared by all levels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InstanceLevelConfig {
    /// Weigh the classification loss; learns the probability of the true class.
    pub classification: bool,
    /// Weigh the regression loss; learns the tIoU of the predicted segment.
    pub localization: bool,
    /// Kernel of the convolution (odd).
    pub kernel_size: usize,
    /// Weight of the squared error that trains the evaluators.
    pub weight: f64,
    /// Keep that error from changing the features.
    pub detach_features: bool,
    /// Keep the weighted losses from changing the evaluators, whose cheapest answer to them is 0.
    pub detach_quality: bool,
}

/// InfoNCE over the actions of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContrastiveConfig {
    /// Weight λ of the loss.
    pub weight: f64,
    /// Half-width δ of what is averaged around a step, and width of what counts as around an action; in lengths of the action.
    pub width: f64,
    /// Temperature τ.
    pub temperature: f64,
    /// Pyramid level whose features are compared.
    pub level: usize,
    /// Which steps around an action count.
    pub background: ContrastiveBackground,
}

/// Which steps around an action stand for what is no action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContrastiveBackground {
    /// All.
    All,
    /// Those in no action; an action beside another has none on that side.
    Unlabelled,
}

impl ActionSensitivityConfig {
    /// Whether something is trained besides the network.
    pub fn has_variables(&self) -> bool {
        self.class_level.is_some() || self.instance_level.is_some()
    }

    pub(super) fn check(&self, num_levels: usize, check: &mut Check<'_>) {
        check.require(
            self.has_variables() || self.contrastive.is_some(),
            "class_level",
            "null",
            "at least one of class_level, instance_level and contrastive; loss.sensitivity: null switches all off",
        );
        const PART: &str = "true where localization is false; null leaves this part out";
        if let Some(class) = &self.class_level {
            check.section("class_level", |check| {
                let is_used = class.classification || class.localization;
                check.require(is_used, "classification", false, PART);
                check.open_unit("min_sigma", class.min_sigma);
            });
        }
        if let Some(instance) = &self.instance_level {
            check.section("instance_level", |check| {
                let is_used = instance.classification || instance.localization;
                check.require(is_used, "classification", false, PART);
                check.odd("kernel_size", instance.kernel_size);
                check.not_negative("weight", instance.weight);
            });
        }
        if let Some(contrastive) = &self.contrastive {
            check.section("contrastive", |check| {
                check.positive("weight", contrastive.weight);
                check.positive("width", contrastive.width);
                check.positive("temperature", contrastive.temperature);
                check.require(
                    contrastive.level < num_levels,
                    "level",
                    contrastive.level,
                    format!("below {num_levels} (encoder.num_levels)"),
                );
            });
        }
    }
}
