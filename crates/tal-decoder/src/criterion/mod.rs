//! The training loss.

mod cost;
mod positives;
mod reference;
mod term;

use serde::{Deserialize, Serialize};
use tal_core::PointGrid;
use tal_core::config::{LossConfig, LossTermConfig};
use tch::Tensor;

use crate::boundaries;
use crate::output::DecoderOutput;
use crate::sensitivity::{PositivePairs, SensitivityInput, SensitivityLosses};
use crate::targets::Targets;
use positives::Positives;
use reference::Reference;
use term::{Predicted, term};

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
    /// What the term's positives were divided by.
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
    /// What a sensitivity added to the total; none without one.
    pub sensitivity: Option<SensitivityLosses>,
}

/// The training loss: classification of all valid points and regression of the positive pairs, before and after
/// refinement.
///
/// With valid points V, positive pairs Q (point, class), a running normaliser Z and smoothed targets
/// `y' = y(1 − ε) + ε/(K + 1)`, each of the two terms is
///
/// - `cls = 1/Z · Σ_{V,c} L(x, y') · u` with the configured loss L; with an IoU weight `u = IoU(offsets, target)^p` on Q and 1
///   elsewhere; y on Q is 1 or that IoU without gradient, and
/// - `reg = 1/Z · Σ_Q R(offsets, target)` with the configured loss R,
///
/// and the loss is `Σ_term weight · (cls + λ · reg)`. A λ of 0 or less balances: `λ = cls / max(reg, 0.01)` without
/// gradient. Where the boundaries of a point are the same for all classes, reg counts a point with several classes once.
///
/// Before each term (or once per step) `Z ← m·Z + (1 − m)·max(N, 1)` with N positive points. Instead of by Z, positives can
/// be divided by their number in the batch and negatives by theirs (the paper's equation 13): points, where all classes of
/// a positive point count as positive, or pairs. Boundaries are decoded only for Q, once for both terms.
///
/// Where the configuration compares costs, the cheapest action around a point decides its distances, and points of expensive
/// pairs weigh less. With a [`Sensitivity`](crate::Sensitivity), positive pairs weigh what it says, in both terms alike.
///
/// # Source
/// The authors' public code.
#[derive(Debug, Clone)]
pub struct Criterion {
    config: LossConfig,
    state: CriterionState,
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
        self.forward_with(output, grid, targets, None)
    }

    /// [`Criterion::forward`] with the losses of positive pairs weighted by a sensitivity, and what trains it added.
    ///
    /// # Panics
    /// As [`Criterion::forward`], or where the pyramid is not the one of `output`.
    pub fn forward_with(
        &mut self,
        output: &DecoderOutput,
        grid: &PointGrid,
        targets: &[Targets],
        sensitivity: Option<&SensitivityInput<'_>>,
    ) -> Losses {
        output.assert_grid(grid);
        let mut reference = Reference::new(output, grid, targets, &self.config);
        let cls_logits = &output.cls_logits;
        let decoded = boundaries::decode(output, &reference.positives.pairs);
        let refined_distances =
            boundaries::refine(&decoded, output, &reference.positives.pairs, grid);
        let sensitivity = sensitivity.map(|sensitivity| {
            let Positives {
                pairs,
                positions,
                offsets,
                ..
            } = &reference.positives;
            let positives = PositivePairs {
                pairs,
                positions,
                target: offsets,
                predicted: &refined_distances,
            };
            let (weights, losses) = sensitivity.weigh(output, grid, &positives);
            reference.sensitivity = weights;
            losses
        });
        let positives = &reference.positives;
        let num_positives = positives.num_points;

        let terms = [&self.config.refined, &self.config.unrefined].map(|term| term.weight > 0.0);
        if !self.config.normalizer.update_per_term {
            self.update(num_positives);
        }
        let refined = terms[0].then(|| {
            let predicted = Predicted {
                logits: output.final_logits(),
                distances: refined_distances,
                is_class_agnostic: output.is_class_agnostic(true),
            };
            self.step(num_positives);
            self.term(&self.config.refined, &predicted, &reference)
        });
        let unrefined = terms[1].then(|| {
            let predicted = Predicted {
                logits: cls_logits.shallow_clone(),
                distances: decoded.shallow_clone(),
                is_class_agnostic: output.is_class_agnostic(false),
            };
            self.step(num_positives);
            self.term(&self.config.unrefined, &predicted, &reference)
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
        let total = weighted(|term| &term.total);
        let added = sensitivity
            .as_ref()
            .and_then(|losses| losses.total.as_ref());
        Losses {
            cls: weighted(|term| &term.cls),
            reg: weighted(|term| &term.reg),
            total: added.map_or_else(|| total.shallow_clone(), |added| &total + added),
            num_positives,
            refined,
            unrefined,
            sensitivity,
        }
    }

    fn term(
        &self,
        config: &LossTermConfig,
        predicted: &Predicted,
        reference: &Reference,
    ) -> TermLosses {
        let method = self.config.normalizer.method;
        let divisor = reference.divisor(method, self.state.normalizer);
        term(&self.config, config, predicted, reference, &divisor)
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
