//! Action sensitivity learning: which moments of an action matter.

use super::check::Check;

sections! {
    /// Action sensitivity learning: training weighs the loss of each positive pair by how much its place in the action matters,
    /// and learns these weights. The trained detector is the same network with or without it.
    pub struct ActionSensitivityConfig {
        /// Gaussians per class over the place within an action; null leaves them out.
        pub class_level: Option<ClassLevelConfig>,
        /// Evaluators of every step, trained on the detector's quality there; null leaves them out.
        pub instance_level: Option<InstanceLevelConfig>,
        /// Divisor of the weights of positive pairs; gradients flow through it.
        pub normalize: WeightNormalization,
        /// Contrast between the features of actions and those around them; null leaves it out.
        pub contrastive: Option<ContrastiveConfig>,
    }

    /// Divisor of the weights of positive pairs.
    pub enum WeightNormalization {
        /// No divisor: smaller weights also make the loss smaller.
        None,
        /// The mean over the batch: places and classes gain weight at the cost of others.
        Batch,
        /// The mean over the pairs of the same class in the batch: places gain weight at the cost of others, classes do not.
        Class,
    }

    /// Gaussians per class over the place d within an action: g(d) = exp(−(d − μ)² / 2σ²), −1 < μ < 1.
    pub struct ClassLevelConfig {
        /// Weighs the classification loss, with one Gaussian that starts at μ = 0.
        pub classification: bool,
        /// Weighs the regression loss, with two Gaussians that start at μ = −0.5 (start) and μ = 0.5 (end).
        pub localization: bool,
        /// Combination of the two Gaussians into one weight.
        pub combine: GaussianCombination,
        /// Divisor of the distance to the action's centre.
        pub distance: SensitivityDistance,
        /// Lower bound of σ, below 1, where σ starts.
        pub min_sigma: f64,
    }

    /// Combination of the Gaussians of start and end into one weight.
    pub enum GaussianCombination {
        /// Their mean.
        Mean,
        /// Their sum.
        Sum,
    }

    /// Divisor of the distance from a point to its action's centre.
    pub enum SensitivityDistance {
        /// The action's length: −0.5 at its start, 0.5 at its end, on every level.
        Length,
        /// The action's length times the stride of the point's level: on coarse levels all points are near the centre.
        StrideLength,
    }

    /// Evaluators of every step, shared by all levels: a convolution, ReLU, one output, sigmoid.
    pub struct InstanceLevelConfig {
        /// Weighs the classification loss; learns the probability of the true class.
        pub classification: bool,
        /// Weighs the regression loss; learns the tIoU of the predicted segment.
        pub localization: bool,
        /// Kernel of the convolution (odd).
        pub kernel_size: usize,
        /// Weight of the squared error that trains the evaluators.
        pub weight: f64,
        /// Keeps that error from changing the features.
        pub detach_features: bool,
        /// Keeps the weighted losses from changing the evaluators, which would otherwise learn to answer 0.
        pub detach_quality: bool,
    }

    /// InfoNCE over the actions of a batch.
    pub struct ContrastiveConfig {
        /// Weight λ of the loss.
        pub weight: f64,
        /// Half-width δ of the window whose features are averaged, and width of the surroundings of an action; in lengths of the
        /// action.
        pub width: f64,
        /// Temperature τ.
        pub temperature: f64,
        /// Pyramid level whose features are compared.
        pub level: usize,
        /// Steps around an action that stand for background.
        pub background: ContrastiveBackground,
    }

    /// Steps around an action that stand for background.
    pub enum ContrastiveBackground {
        /// All steps.
        All,
        /// Steps outside all actions; an action has no background on a side where another action adjoins.
        Unlabelled,
    }
}

impl ActionSensitivityConfig {
    /// Whether training learns variables besides those of the network.
    pub fn has_variables(&self) -> bool {
        self.class_level.is_some() || self.instance_level.is_some()
    }

    pub(super) fn check(&self, num_levels: usize, check: &mut Check<'_>) {
        check.require(
            self.has_variables() || self.contrastive.is_some(),
            "class_level",
            "null",
            "set unless instance_level or contrastive is; loss.action_sensitivity: null switches all three off",
        );
        const PART: &str = "true if localization is false; null leaves this part out";
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
