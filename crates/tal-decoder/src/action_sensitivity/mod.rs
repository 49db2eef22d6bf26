//! Action sensitivity learning: the detector learns during training which steps of an action matter.
//!
//! An [`ActionSensitivity`] has variables of its own and changes only the training loss. A [`Criterion`](crate::Criterion) that
//! is given one ([`ActionSensitivityInput`]) weighs the losses of its positive pairs and adds the losses that train it. The
//! detector and its inference do not change.
//!
//! # Source
//! Shao et al., *Action Sensitivity Learning for Temporal Action Localization*, ICCV 2023;
//! `docs/action-sensitivity.md` says which parts follow the paper and which are decisions of this implementation.

mod actions;
mod contrastive;
mod evaluator;
mod gaussians;
mod learned;
mod weights;
mod windows;

pub use evaluator::StepEvaluator;
pub use gaussians::ClassGaussians;
pub use learned::{LearnedActionSensitivity, LearnedGaussians};
pub(crate) use weights::{PairWeights, PositivePairs};

use tal_core::config::{
    ActionSensitivityConfig, ClassLevelConfig, GaussianCombination, InstanceLevelConfig,
    SensitivityDistance,
};
use tal_core::nn::FeaturePyramid;
use tal_core::{Level, PointGrid};
use tch::{Tensor, nn};

use crate::error::DecoderError;
use crate::output::DecoderOutput;
use crate::processes::{Processes, SharedSum};
use crate::targets::Action;
use contrastive::{Steps, features};
use weights::{Quality, mean, normalize, sum};

/// Learned action sensitivity.
///
/// A positive pair of a point and a class weighs `h = g[class](d) + q[point]`, once for classification and once for
/// localization, from the Gaussians g and the evaluators q that are switched on; d is the point's place within its action. As
/// configured, h is divided by its mean over the positive pairs of the batch, or over those of the same class.
#[derive(Debug)]
pub struct ActionSensitivity {
    /// Gaussians for classification.
    pub classification: Option<ClassGaussians>,
    /// Gaussians for localization: start and end.
    pub localization: Option<ClassGaussians>,
    /// Evaluator for classification.
    pub classification_evaluator: Option<StepEvaluator>,
    /// Evaluator for localization.
    pub localization_evaluator: Option<StepEvaluator>,
    config: ActionSensitivityConfig,
}

/// Action sensitivity and its inputs beside the detector's outputs.
#[derive(Debug, Clone, Copy)]
pub struct ActionSensitivityInput<'a> {
    /// Learned sensitivities.
    pub module: &'a ActionSensitivity,
    /// Features that the decoder read.
    pub pyramid: &'a FeaturePyramid,
    /// Actions of each recording of the batch.
    pub actions: &'a [Vec<Action>],
}

/// Effect of action sensitivity on the loss of one batch.
///
/// # Shapes
/// All scalars.
#[derive(Debug, Default)]
pub struct ActionSensitivityLosses {
    /// Mean classification weight of the positive pairs before normalization; `None` without weights or pairs.
    pub mean_cls: Option<Tensor>,
    /// Mean regression weight of the positive pairs before normalization; `None` without weights or pairs.
    pub mean_reg: Option<Tensor>,
    /// Error of the evaluators, before its weight; `None` without evaluators.
    pub quality: Option<Tensor>,
    /// Contrastive loss, before its weight; `None` if it is switched off or the batch has no action.
    pub contrastive: Option<Tensor>,
    /// Weighted sum of the error and the contrastive loss, which is added to the loss; `None` without both.
    pub total: Option<Tensor>,
}

/// Effect of action sensitivity on the loss of one batch, as the criterion needs it.
pub(crate) struct Weighed {
    pub(crate) weights: PairWeights,
    pub(crate) losses: ActionSensitivityLosses,
    /// Sums over all processes that the weights were divided by.
    pub(crate) sums: Vec<SharedSum>,
}

impl ActionSensitivity {
    /// Action sensitivity for a pyramid of `num_levels` levels with D = `dim` channels, with variables `gaussians` and
    /// `evaluators` below `path`.
    ///
    /// # Errors
    /// If a size is 0, or if a value of the configuration is out of range for this number of levels.
    pub fn new(
        path: &nn::Path<'_>,
        dim: usize,
        num_classes: usize,
        num_levels: usize,
        config: &ActionSensitivityConfig,
    ) -> Result<Self, DecoderError> {
        config.validate(num_levels)?;
        DecoderError::check_sizes(dim, num_classes)?;
        let (class, instance) = (&config.class_level, &config.instance_level);
        let gaussians = |part: &str, is_on: fn(&ClassLevelConfig) -> bool, means: &[f64]| {
            let class = class.as_ref().filter(|class| is_on(class))?;
            let (path, min_sigma) = (path / "gaussians" / part, class.min_sigma);
            Some(ClassGaussians::new(&path, num_classes, means, min_sigma))
        };
        let evaluator = |part: &str, is_on: fn(&InstanceLevelConfig) -> bool| {
            let instance = instance.as_ref().filter(|instance| is_on(instance))?;
            let path = path / "evaluators" / part;
            Some(StepEvaluator::new(&path, dim, instance.kernel_size))
        };
        Ok(Self {
            classification: gaussians("classification", |part| part.classification, &[0.0]),
            localization: gaussians("localization", |part| part.localization, &[-0.5, 0.5]),
            classification_evaluator: evaluator("classification", |part| part.classification),
            localization_evaluator: evaluator("localization", |part| part.localization),
            config: config.clone(),
        })
    }

    /// Learned Gaussians of all classes.
    pub fn learned(&self) -> LearnedActionSensitivity {
        let of = |gaussians: &Option<ClassGaussians>, index: i64| {
            gaussians.as_ref().map(|gaussians| gaussians.learned(index))
        };
        LearnedActionSensitivity {
            classification: of(&self.classification, 0),
            start: of(&self.localization, 0),
            end: of(&self.localization, 1),
        }
    }

    /// d of places (−0.5 at the start of an action, 0.5 at its end) on levels of the given strides.
    fn distance(&self, place: &Tensor, stride: &Tensor) -> Tensor {
        let unit = self.config.class_level.as_ref().map(|class| class.distance);
        match unit {
            Some(SensitivityDistance::StrideLength) => place / stride,
            _ => place.shallow_clone(),
        }
    }

    /// g for localization from those of start and end (2, P).
    fn combined(&self, gaussians: &Tensor) -> Tensor {
        let combine = self.config.class_level.as_ref().map(|class| class.combine);
        match combine {
            Some(GaussianCombination::Sum) => gaussians.sum_dim_intlist(0i64, false, None),
            _ => gaussians.mean_dim(0i64, false, None),
        }
    }
}

impl ActionSensitivityInput<'_> {
    /// Weights of the positive pairs, and the losses that train the sensitivity; of several processes that share a batch, each
    /// has parts of the losses.
    pub(crate) fn weigh(
        &self,
        output: &DecoderOutput,
        grid: &PointGrid,
        positives: &PositivePairs<'_>,
        processes: Option<&dyn Processes>,
    ) -> Weighed {
        let ActionSensitivity { config, .. } = self.module;
        let quality = self.quality();
        let [cls, reg] = self.pair_weights(grid, positives, &quality);
        let statistic = |weights: &Option<Tensor>| {
            let weights = weights.as_ref().filter(|_| positives.num_all > 0);
            weights.map(|weights| mean(&weights.detach(), positives.num_all))
        };
        let mut losses = ActionSensitivityLosses {
            mean_cls: statistic(&cls),
            mean_reg: statistic(&reg),
            quality: quality.loss(output, grid, positives),
            contrastive: self.contrastive(grid, &quality, processes),
            total: None,
        };
        let weighted = |loss: &Option<Tensor>, weight: Option<f64>| Some(loss.as_ref()? * weight?);
        let instance = config.instance_level.as_ref();
        let contrastive = config.contrastive.as_ref();
        losses.total = sum(
            weighted(&losses.quality, instance.map(|instance| instance.weight)),
            weighted(&losses.contrastive, contrastive.map(|config| config.weight)),
        );
        let num_classes = output.num_classes();
        let mut sums = Vec::new();
        let mut normalized = |weights: Option<Tensor>| {
            let (class, rule) = (&positives.pairs.class, config.normalize);
            let shared = (processes, &mut sums);
            weights.map(|weights| normalize(weights, class, num_classes, rule, shared))
        };
        let weights = PairWeights {
            cls: normalized(cls),
            reg: normalized(reg),
        };
        Weighed {
            weights,
            losses,
            sums,
        }
    }

    /// Answers of the evaluators at every step.
    fn quality(&self) -> Quality {
        let instance = self.module.config.instance_level.as_ref();
        let detach = instance.is_some_and(|instance| instance.detach_features);
        let of = |evaluator: &Option<StepEvaluator>| {
            let evaluator = evaluator.as_ref()?;
            Some(evaluator.forward(self.pyramid, detach))
        };
        Quality {
            cls: of(&self.module.classification_evaluator),
            reg: of(&self.module.localization_evaluator),
        }
    }

    /// h of the positive pairs for classification and regression.
    fn pair_weights(
        &self,
        grid: &PointGrid,
        positives: &PositivePairs<'_>,
        quality: &Quality,
    ) -> [Option<Tensor>; 2] {
        let module = self.module;
        let distance = module.distance(&positives.place(), &positives.stride(grid));
        let gaussians = |gaussians: &Option<ClassGaussians>| {
            let gaussians = gaussians.as_ref()?;
            // A single Gaussian is its own sum and mean.
            Some(module.combined(&gaussians.forward(&positives.pairs.class, &distance)))
        };
        let instance = module.config.instance_level.as_ref();
        let detach = instance.is_some_and(|instance| instance.detach_quality);
        let evaluated = |map: &Option<Tensor>| {
            let values = Quality::at(map.as_ref()?, positives, grid);
            Some(if detach { values.detach() } else { values })
        };
        [
            (&module.classification, &quality.cls),
            (&module.localization, &quality.reg),
        ]
        .map(|(part, map)| sum(gaussians(part), evaluated(map)))
    }

    fn contrastive(
        &self,
        grid: &PointGrid,
        quality: &Quality,
        processes: Option<&dyn Processes>,
    ) -> Option<Tensor> {
        let config = self.module.config.contrastive.as_ref()?;
        let grid = &grid.levels()[config.level];
        let level = &self.pyramid.levels[config.level];
        let own = features(level, grid, self.actions, config, |steps| {
            self.step_scores(steps, grid, quality)
        });
        own.contrast(config.temperature, processes)
    }

    /// Sensitivities (3, M) of steps for class, start and end. A part without Gaussian and evaluator prefers the centre, the
    /// start or the end, as the initial Gaussians do.
    fn step_scores(&self, steps: &Steps, level: &Level, quality: &Quality) -> Tensor {
        let stride = Tensor::from(f64::from(level.stride))
            .to_device(steps.place.device())
            .to_kind(steps.place.kind());
        let distance = self.module.distance(&steps.place, &stride);
        let point = &steps.step + level.offset as i64;
        let score = |part: &Option<ClassGaussians>, index, map: &Option<Tensor>, preferred: f64| {
            let gaussian = |part: &ClassGaussians| part.forward(&steps.class, &distance).get(index);
            let evaluated = |map: &Tensor| map.index(&[Some(&steps.sample), Some(&point)]);
            sum(part.as_ref().map(gaussian), map.as_ref().map(evaluated))
                .unwrap_or_else(|| (&steps.place - preferred).abs().neg())
        };
        let ActionSensitivity {
            classification,
            localization,
            ..
        } = self.module;
        let scores = [
            score(classification, 0, &quality.cls, 0.0),
            score(localization, 0, &quality.reg, -0.5),
            score(localization, 1, &quality.reg, 0.5),
        ];
        Tensor::stack(&scores, 0)
    }
}
