//! Action sensitivity learning: which steps of an action matter, learned while a detector trains.
//!
//! A [`Sensitivity`] has variables of its own and changes the training loss only: a [`Criterion`](crate::Criterion) that is
//! given one ([`SensitivityInput`]) weighs the losses of its positive pairs and adds the terms that train the sensitivity.
//! The detector and its inference stay what they are.
//!
//! # Source
//! Shao et al., *Action Sensitivity Learning for Temporal Action Localization*, ICCV 2023; `docs/variants.md` says which
//! parts are read, recalled or decided here.

mod actions;
mod contrastive;
mod evaluator;
mod gaussians;
mod info_nce;
mod learned;
mod weights;
mod windows;

pub use actions::Actions;
pub use evaluator::StepEvaluator;
pub use gaussians::ClassGaussians;
pub use info_nce::info_nce;
pub use learned::{LearnedGaussians, LearnedSensitivity};
pub use weights::{PairWeights, PositivePairs};

use tal_core::PointGrid;
use tal_core::config::{ActionSensitivityConfig, GaussianCombination, SensitivityDistance};
use tal_core::nn::FeaturePyramid;
use tch::{Tensor, nn};

use crate::output::DecoderOutput;
use contrastive::{Steps, contrastive};
use weights::{Quality, mean, normalize};

/// The learned sensitivities.
///
/// Weights of a positive pair of a point and a class: `h = g[class](d) + q[point]`, for classification and for localization,
/// from the Gaussians g and the evaluators q that are switched on; d is the point's place within its action. As configured,
/// h is divided by its mean over the batch's positive pairs, or over those of the same class.
#[derive(Debug)]
pub struct Sensitivity {
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

/// A sensitivity and what it looks at besides the detector's outputs.
#[derive(Debug, Clone, Copy)]
pub struct SensitivityInput<'a> {
    /// The sensitivities.
    pub sensitivity: &'a Sensitivity,
    /// The features that the decoder read.
    pub pyramid: &'a FeaturePyramid,
    /// The actions of each recording of the batch.
    pub actions: &'a [Actions],
}

/// What a sensitivity adds to the loss of one batch, and what it did to it.
///
/// # Shapes
/// All scalars.
#[derive(Debug, Default)]
pub struct SensitivityLosses {
    /// Mean classification weight of the positive pairs before it is normalised; none without weights or pairs.
    pub mean_cls: Option<Tensor>,
    /// Mean regression weight of the positive pairs before it is normalised.
    pub mean_reg: Option<Tensor>,
    /// The error of the evaluators, before its weight.
    pub quality: Option<Tensor>,
    /// The contrastive loss, before its weight; none also where the batch has no action.
    pub contrastive: Option<Tensor>,
    /// The weighted sum of both.
    pub total: Option<Tensor>,
}

impl Sensitivity {
    /// Variables `gaussians` and `evaluators` below `path`, for D = `dim` channels of the pyramid.
    ///
    /// # Panics
    /// Where a size is 0.
    pub fn new(
        path: &nn::Path<'_>,
        dim: usize,
        num_classes: usize,
        config: &ActionSensitivityConfig,
    ) -> Self {
        let gaussians = |part: &str, means: &[f64]| {
            let class = config.class_level.as_ref()?;
            let is_on = match part {
                "classification" => class.classification,
                _ => class.localization,
            };
            let path = path / "gaussians" / part;
            is_on.then(|| ClassGaussians::new(&path, num_classes, means, class.min_sigma))
        };
        let evaluator = |part: &str| {
            let instance = config.instance_level.as_ref()?;
            let is_on = match part {
                "classification" => instance.classification,
                _ => instance.localization,
            };
            let path = path / "evaluators" / part;
            is_on.then(|| StepEvaluator::new(&path, dim, instance.kernel_size))
        };
        Self {
            classification: gaussians("classification", &[0.0]),
            localization: gaussians("localization", &[-0.5, 0.5]),
            classification_evaluator: evaluator("classification"),
            localization_evaluator: evaluator("localization"),
            config: config.clone(),
        }
    }

    /// What is learned per class.
    pub fn learned(&self) -> LearnedSensitivity {
        let of = |gaussians: &Option<ClassGaussians>, index: i64| {
            gaussians.as_ref().map(|gaussians| gaussians.learned(index))
        };
        LearnedSensitivity {
            classification: of(&self.classification, 0),
            start: of(&self.localization, 0),
            end: of(&self.localization, 1),
        }
    }

    /// d of places (−0.5 at the start of an action, 0.5 at its end) on levels of the given stride.
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

impl SensitivityInput<'_> {
    /// What the losses of the positive pairs weigh, and the terms that train the sensitivity.
    pub(crate) fn weigh(
        &self,
        output: &DecoderOutput,
        grid: &PointGrid,
        positives: &PositivePairs<'_>,
    ) -> (PairWeights, SensitivityLosses) {
        let Sensitivity { config, .. } = self.sensitivity;
        let quality = self.quality();
        let [cls, reg] = self.pair_weights(grid, positives, &quality);
        let mut losses = SensitivityLosses {
            quality: quality.loss(output, grid, positives),
            contrastive: self.contrastive(grid, &quality),
            ..SensitivityLosses::default()
        };
        let has_pairs = !positives.pairs.is_empty();
        let statistic = |weights: &Option<Tensor>| {
            let weights = weights.as_ref().filter(|_| has_pairs);
            weights.map(|weights| mean(&weights.detach()))
        };
        (losses.mean_cls, losses.mean_reg) = (statistic(&cls), statistic(&reg));
        let weighted = |loss: &Option<Tensor>, weight: Option<f64>| Some(loss.as_ref()? * weight?);
        let instance = config.instance_level.as_ref();
        let contrastive = config.contrastive.as_ref();
        losses.total = [
            weighted(&losses.quality, instance.map(|instance| instance.weight)),
            weighted(&losses.contrastive, contrastive.map(|config| config.weight)),
        ]
        .into_iter()
        .flatten()
        .reduce(|sum, part| sum + part);
        let num_classes = output.num_classes();
        let normalized = |weights: Option<Tensor>| {
            let class = &positives.pairs.class;
            weights.map(|weights| normalize(weights, class, num_classes, config.normalize))
        };
        let weights = PairWeights {
            cls: normalized(cls),
            reg: normalized(reg),
        };
        (weights, losses)
    }

    /// What the evaluators say of every step.
    fn quality(&self) -> Quality {
        let instance = self.sensitivity.config.instance_level.as_ref();
        let detach = instance.is_some_and(|instance| instance.detach_features);
        let of = |evaluator: &Option<StepEvaluator>| {
            let evaluator = evaluator.as_ref()?;
            Some(evaluator.forward(self.pyramid, detach))
        };
        Quality {
            cls: of(&self.sensitivity.classification_evaluator),
            reg: of(&self.sensitivity.localization_evaluator),
        }
    }

    /// h of the positive pairs for classification and regression.
    fn pair_weights(
        &self,
        grid: &PointGrid,
        positives: &PositivePairs<'_>,
        quality: &Quality,
    ) -> [Option<Tensor>; 2] {
        let Sensitivity {
            classification,
            localization,
            ..
        } = self.sensitivity;
        let pairs = positives.pairs;
        let distance = self
            .sensitivity
            .distance(&positives.place(), &positives.stride(grid));
        let gaussians = |gaussians: &Option<ClassGaussians>| {
            let gaussians = gaussians.as_ref()?;
            let values = gaussians.forward(&pairs.class, &distance);
            Some(self.sensitivity.combined(&values))
        };
        let instance = self.sensitivity.config.instance_level.as_ref();
        let detach = instance.is_some_and(|instance| instance.detach_quality);
        let evaluated = |map: &Option<Tensor>| {
            let values = Quality::at(map.as_ref()?, positives, grid);
            Some(if detach { values.detach() } else { values })
        };
        let sum = |g: Option<Tensor>, q: Option<Tensor>| match (g, q) {
            (Some(g), Some(q)) => Some(g + q),
            (g, q) => g.or(q),
        };
        [
            // One Gaussian: its sum and its mean are itself.
            sum(gaussians(classification), evaluated(&quality.cls)),
            sum(gaussians(localization), evaluated(&quality.reg)),
        ]
    }

    fn contrastive(&self, grid: &PointGrid, quality: &Quality) -> Option<Tensor> {
        let config = self.sensitivity.config.contrastive.as_ref()?;
        let grid = &grid.levels()[config.level];
        let level = &self.pyramid.levels[config.level];
        contrastive(level, grid, self.actions, config, |steps| {
            self.step_scores(steps, grid, quality)
        })
    }

    /// Sensitivities (3, M) of steps for class, start and end. Parts without Gaussian and evaluator prefer the centre, the
    /// start and the end, where the Gaussians begin.
    fn step_scores(&self, steps: &Steps, level: &tal_core::Level, quality: &Quality) -> Tensor {
        let sensitivity = self.sensitivity;
        let stride = Tensor::from(f64::from(level.stride))
            .to_device(steps.place.device())
            .to_kind(steps.place.kind());
        let distance = sensitivity.distance(&steps.place, &stride);
        let gaussians = |gaussians: &Option<ClassGaussians>| {
            let gaussians = gaussians.as_ref()?;
            Some(gaussians.forward(&steps.class, &distance))
        };
        let cls = gaussians(&sensitivity.classification).map(|g| g.get(0));
        let loc = gaussians(&sensitivity.localization);
        let start = loc.as_ref().map(|g| g.get(0));
        let end = loc.as_ref().map(|g| g.get(1));
        let point = &steps.step + level.offset as i64;
        let evaluated = |map: &Option<Tensor>| {
            let map = map.as_ref()?;
            Some(map.index(&[Some(&steps.sample), Some(&point)]))
        };
        let score =
            |g: Option<Tensor>, map: &Option<Tensor>, preferred: f64| match (g, evaluated(map)) {
                (Some(g), Some(q)) => g + q,
                (Some(one), None) | (None, Some(one)) => one,
                (None, None) => (&steps.place - preferred).abs().neg(),
            };
        let scores = [
            score(cls, &quality.cls, 0.0),
            score(start, &quality.reg, -0.5),
            score(end, &quality.reg, 0.5),
        ];
        Tensor::stack(&scores, 0)
    }
}
