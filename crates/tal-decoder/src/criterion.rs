//! The training loss.

use serde::{Deserialize, Serialize};
use tal_core::PointGrid;
use tal_core::config::{ClassificationLoss, LossConfig, LossTermConfig};
use tch::Tensor;

use crate::distances::Distances;
use crate::loss;
use crate::output::{DecoderOutput, refined_logits};
use crate::positives::Positives;
use crate::targets::Targets;
use crate::trident;

/// What a [`Criterion`] remembers from step to step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CriterionState {
    /// Running mean of the number of positive points, which losses are divided by.
    pub normalizer: f64,
}

/// One term of the loss: of the refined outputs or of the outputs before refinement, not yet weighted.
///
/// # Shapes
/// All scalars.
#[derive(Debug)]
pub struct TermLosses {
    /// Classification.
    pub cls: Tensor,
    /// Regression, before its weight λ.
    pub reg: Tensor,
    /// `cls + λ · reg`
    pub total: Tensor,
    /// What the term was divided by.
    pub normalizer: f64,
}

/// The loss of one batch.
///
/// # Shapes
/// All scalars.
#[derive(Debug)]
pub struct Losses {
    /// Classification, the weighted sum of both terms.
    pub cls: Tensor,
    /// Regression, the weighted sum of both terms.
    pub reg: Tensor,
    /// What is to be minimised.
    pub total: Tensor,
    /// Number of valid points with at least one class, over the whole batch and all levels.
    pub num_positives: usize,
    /// The refined term; none where its weight is 0.
    pub refined: Option<TermLosses>,
    /// The term before refinement; none where its weight is 0.
    pub unrefined: Option<TermLosses>,
}

/// The training loss: classification of all valid points and regression of the positive pairs, before and after
/// refinement.
///
/// With valid points V, positive pairs Q (point, class), a running normaliser Z and smoothed targets
/// `y' = y(1 − ε) + ε/(K + 1)`, each of the two terms is
///
/// - `cls = 1/Z · Σ_{V,c} L(x, y') · u` with the configured loss L; with an IoU weight `u = IoU(offsets, target)^p` on Q and 1
///   elsewhere, and
/// - `reg = 1/Z · Σ_Q DIoU(offsets, target)`,
///
/// and the loss is `Σ_term weight · (cls + λ · reg)`. A λ of 0 or less balances: `λ = cls / max(reg, 0.01)` without
/// gradient.
///
/// Before each term (or once per step) `Z ← m·Z + (1 − m)·max(N, 1)` with N positive points. Boundaries are decoded only for
/// Q, once for both terms.
///
/// # Source
/// Section E of the method's specification.
#[derive(Debug, Clone)]
pub struct Criterion {
    config: LossConfig,
    state: CriterionState,
}

/// What both terms compare with.
struct Reference {
    /// Smoothed targets (B, K, ΣT_l).
    targets: Tensor,
    /// One at valid points (B, 1, ΣT_l).
    valid: Tensor,
    positives: Positives,
}

impl Criterion {
    /// A criterion before its first step.
    pub fn new(config: &LossConfig) -> Self {
        Self {
            state: CriterionState {
                normalizer: config.normalizer.initial,
            },
            config: config.clone(),
        }
    }

    /// What must be kept to continue exactly.
    pub fn state(&self) -> CriterionState {
        self.state
    }

    /// Continues from `state`.
    pub fn load_state(&mut self, state: CriterionState) {
        self.state = state;
    }

    /// The loss of one batch; moves the normaliser on.
    ///
    /// # Panics
    /// Where `grid` or `targets` (one per sample) do not fit to `output`.
    pub fn forward(
        &mut self,
        output: &DecoderOutput,
        grid: &PointGrid,
        targets: &[Targets],
    ) -> Losses {
        output.assert_grid(grid);
        let reference = self.reference(output, grid, targets);
        let num_positives = reference.positives.num_points;
        let cls_logits = output.cat(|level| &level.cls_logits);

        let pairs = &reference.positives.levels;
        let decoded: Vec<Distances> = output
            .levels
            .iter()
            .zip(pairs)
            .map(|(level, pairs)| trident::decode(level, pairs))
            .collect();

        let terms = [&self.config.refined, &self.config.unrefined].map(|term| term.weight > 0.0);
        if !self.config.normalizer.update_per_term {
            self.update(num_positives);
        }
        let refined = terms[0].then(|| {
            let refine: Option<Vec<&Tensor>> = output
                .levels
                .iter()
                .map(|l| l.refine_cls.as_ref())
                .collect();
            let logits = match refine {
                Some(levels) => refined_logits(
                    &cls_logits,
                    &Tensor::cat(&levels, -1),
                    output.refinement.score,
                ),
                None => cls_logits.shallow_clone(),
            };
            let unit = output.refinement.offset_unit;
            let distances: Vec<Distances> = grid
                .levels()
                .iter()
                .zip(&output.levels)
                .zip(decoded.iter().zip(pairs))
                .map(|((grid, level), (decoded, pairs))| {
                    trident::refine(decoded, level, pairs, grid.stride, unit)
                })
                .collect();
            self.step(num_positives);
            self.term(
                &self.config.refined,
                &logits,
                &Distances::cat(&distances),
                &reference,
            )
        });
        let unrefined = terms[1].then(|| {
            self.step(num_positives);
            self.term(
                &self.config.unrefined,
                &cls_logits,
                &Distances::cat(&decoded),
                &reference,
            )
        });

        let weighted = |part: fn(&TermLosses) -> &Tensor| {
            let parts: Vec<Tensor> = [
                (&refined, self.config.refined.weight),
                (&unrefined, self.config.unrefined.weight),
            ]
            .into_iter()
            .filter_map(|(term, weight)| term.as_ref().map(|term| part(term) * weight))
            .collect();
            parts
                .into_iter()
                .reduce(|sum, part| sum + part)
                .unwrap_or_else(|| cls_logits.sum(None) * 0.0)
        };
        Losses {
            cls: weighted(|term| &term.cls),
            reg: weighted(|term| &term.reg),
            total: weighted(|term| &term.total),
            num_positives,
            refined,
            unrefined,
        }
    }

    fn reference(
        &self,
        output: &DecoderOutput,
        grid: &PointGrid,
        targets: &[Targets],
    ) -> Reference {
        let positives = Positives::new(output, grid, targets);
        let logits = &output.levels[0].cls_logits;
        let (kind, device) = (logits.kind(), logits.device());
        let num_classes = output.num_classes();
        let smoothing = self.config.label_smoothing;
        let background = smoothing / (num_classes + 1) as f64;
        let mut dense = Tensor::full(
            [output.batch_size(), num_classes, grid.num_points() as i64],
            background,
            (kind, device),
        );
        let pairs = &positives.all;
        if !pairs.is_empty() {
            let foreground = Tensor::from(1.0 - smoothing + background)
                .to_kind(kind)
                .to_device(device);
            let _ = dense.index_put_(
                &[Some(&pairs.sample), Some(&pairs.class), Some(&pairs.point)],
                &foreground,
                false,
            );
        }
        Reference {
            targets: dense,
            valid: output.cat(|level| &level.mask).to_kind(kind),
            positives,
        }
    }

    fn term(
        &self,
        config: &LossTermConfig,
        logits: &Tensor,
        distances: &Distances,
        reference: &Reference,
    ) -> TermLosses {
        let LossConfig {
            focal_alpha: alpha,
            focal_gamma: gamma,
            ..
        } = self.config;
        let normalizer = self.state.normalizer;
        let pairs = &reference.positives.all;
        let target = &reference.positives.offsets;

        let cls = match config.classification {
            ClassificationLoss::Focal => loss::focal(logits, &reference.targets, alpha, gamma),
            ClassificationLoss::Varifocal => {
                loss::varifocal(logits, &reference.targets, alpha, gamma)
            }
        };
        let cls = if config.iou_weight && !pairs.is_empty() {
            let mut weight =
                loss::iou_weight(&loss::iou(distances, target), self.config.iou_weight_power);
            if self.config.detach_iou_weight {
                weight = weight.detach();
            }
            let weights = cls.ones_like().index_put(
                &[Some(&pairs.sample), Some(&pairs.class), Some(&pairs.point)],
                &weight,
                false,
            );
            cls * weights
        } else {
            cls
        };
        let cls = (cls * &reference.valid).sum(None) / normalizer;
        // The sum of no pairs is zero and still reaches every parameter, with a gradient of zero.
        let reg = loss::diou(distances, target).sum(None) / normalizer;
        let weight = self.config.regression_weight;
        let total = if weight > 0.0 {
            &cls + &reg * weight
        } else {
            &cls + &reg * (cls.detach() / reg.detach().clamp_min(0.01))
        };
        TermLosses {
            cls,
            reg,
            total,
            normalizer,
        }
    }

    /// Moves the normaliser on before a term, where that is wanted.
    fn step(&mut self, num_positives: usize) {
        if self.config.normalizer.update_per_term {
            self.update(num_positives);
        }
    }

    fn update(&mut self, num_positives: usize) {
        let momentum = self.config.normalizer.momentum;
        self.state.normalizer =
            momentum * self.state.normalizer + (1.0 - momentum) * num_positives.max(1) as f64;
    }
}
