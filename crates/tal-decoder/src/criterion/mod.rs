//! The training loss.

mod batch_targets;
mod cost;
mod divisor;
mod losses;
mod positives;
mod term;

pub use losses::{Losses, TermLosses};

use serde::{Deserialize, Serialize};
use tal_core::PointGrid;
use tal_core::config::{LossConfig, LossTermConfig, NormalizerConfig};
use tch::Tensor;

use crate::action_sensitivity::{ActionSensitivityInput, PositivePairs};
use crate::boundaries::{decode_boundaries, refine_boundaries};
use crate::distances::Distances;
use crate::output::DecoderOutput;
use crate::processes::{Processes, with_gradient};
use crate::targets::Targets;
use batch_targets::BatchTargets;
use term::{Predicted, term};

/// State of a [`Criterion`] between steps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CriterionState {
    /// Running mean of the number of positive points, which divides the losses.
    pub normalizer: f64,
}

/// Training loss: classification of all valid points and regression of the positive pairs, before and after refinement.
///
/// With valid points V, positive pairs Q (point, class), a running normaliser Z and smoothed targets
/// `y' = y(1 − ε) + ε/(K + 1)`, each of the two terms is
///
/// - `cls = 1/Z · Σ_{V,c} L(x, y') · u` with the configured loss L; with an IoU weight, `u = IoU(offsets, target)^p` on Q and 1
///   elsewhere; y on Q is 1, or that IoU without gradient, and
/// - `reg = 1/Z · Σ_Q R(offsets, target)` with the configured loss R.
///
/// The loss is `Σ_term weight · (cls + λ · reg)`. A λ of 0 or less balances both parts: `λ = cls / max(reg, 0.01)`, without
/// gradient. If all classes of a point share its boundaries, reg contains a point with several classes once.
///
/// Before each term (or once per step), `Z ← m·Z + (1 − m)·max(N, 1)` with N positive points. Instead of Z, the number of
/// positives in the batch can divide the positives, and that of negatives the negatives (the paper's equation 13). Counted are
/// points, of which a positive one is positive for all classes, or pairs. Boundaries are decoded only for Q, once for both
/// terms.
///
/// If the configuration compares costs, the cheapest action around a point decides its distances, and points of expensive
/// pairs weigh less. An [`ActionSensitivity`](crate::ActionSensitivity) weighs positive pairs, in both terms alike.
///
/// # Source
/// The authors' public code.
#[derive(Debug, Clone)]
pub struct Criterion {
    config: LossConfig,
    state: CriterionState,
}

impl Criterion {
    /// Criterion before its first step.
    pub fn new(config: &LossConfig) -> Self {
        Self {
            state: CriterionState {
                normalizer: config.normalizer.initial,
            },
            config: config.clone(),
        }
    }

    /// State from which another criterion continues exactly.
    pub fn state(&self) -> CriterionState {
        self.state
    }

    /// Continues from `state`.
    pub fn load_state(&mut self, state: CriterionState) {
        self.state = state;
    }

    /// Loss of one batch. Updates the normaliser.
    ///
    /// # Panics
    /// If `grid` does not belong to `output`, or if `targets` are not one per sample, of the same grid and classes, and
    /// ordered as [`assign()`](crate::assign) orders them.
    pub fn forward(
        &mut self,
        output: &DecoderOutput,
        grid: &PointGrid,
        targets: &[Targets],
    ) -> Losses {
        self.forward_with(output, grid, targets, None)
    }

    /// [`Criterion::forward_with`] of the part of a batch that this process has. The losses and their gradients are then parts
    /// of those of the whole batch: they need the sum over all processes that share it.
    ///
    /// # Panics
    /// As [`Criterion::forward_with`].
    pub fn forward_shared(
        &mut self,
        output: &DecoderOutput,
        grid: &PointGrid,
        targets: &[Targets],
        action_sensitivity: Option<&ActionSensitivityInput<'_>>,
        processes: &dyn Processes,
    ) -> Losses {
        self.losses(output, grid, targets, action_sensitivity, Some(processes))
    }

    /// [`Criterion::forward`] with the losses of positive pairs weighed by an action sensitivity, plus the losses that train
    /// it.
    ///
    /// # Panics
    /// As [`Criterion::forward`], or if the pyramid does not belong to `output`.
    pub fn forward_with(
        &mut self,
        output: &DecoderOutput,
        grid: &PointGrid,
        targets: &[Targets],
        action_sensitivity: Option<&ActionSensitivityInput<'_>>,
    ) -> Losses {
        self.losses(output, grid, targets, action_sensitivity, None)
    }

    fn losses(
        &mut self,
        output: &DecoderOutput,
        grid: &PointGrid,
        targets: &[Targets],
        action_sensitivity: Option<&ActionSensitivityInput<'_>>,
        processes: Option<&dyn Processes>,
    ) -> Losses {
        let Self { config, state } = self;
        output.assert_grid(grid);
        let mut batch = BatchTargets::new(output, grid, targets, config, processes);
        let positives = &batch.positives;
        let num_positives = batch.counts.positives;
        let decoded = decode_boundaries(output, &positives.pairs);
        let refined = refine_boundaries(&decoded, output, &positives.pairs, grid);
        let mut shared_sums = Vec::new();
        let action_sensitivity = action_sensitivity.map(|input| {
            let positives = PositivePairs {
                num_all: batch.counts.pairs,
                pairs: &positives.pairs,
                positions: &positives.positions,
                target: &positives.offsets,
                predicted: &refined,
            };
            let weighed = input.weigh(output, grid, &positives, processes);
            batch.sensitivity = weighed.weights;
            shared_sums = weighed.sums;
            weighed.losses
        });

        let normalizer = &config.normalizer;
        if !normalizer.update_per_term {
            state.update(normalizer, num_positives);
        }
        let mut losses_of = |term_config: &LossTermConfig, is_refined, distances: &Distances| {
            (term_config.weight > 0.0).then(|| {
                if normalizer.update_per_term {
                    state.update(normalizer, num_positives);
                }
                let predicted = Predicted {
                    logits: match is_refined {
                        true => output.final_logits(),
                        false => output.cls_logits.shallow_clone(),
                    },
                    distances,
                    is_class_agnostic: output.is_class_agnostic(is_refined),
                };
                let divisor = batch.divisor(normalizer.method, state.normalizer);
                term(config, term_config, &predicted, &batch, &divisor, processes)
            })
        };
        let refined = losses_of(&config.refined, true, &refined);
        let unrefined = losses_of(&config.unrefined, false, &decoded);

        let weighted = |part: fn(&TermLosses) -> &Tensor| {
            [
                (&refined, config.refined.weight),
                (&unrefined, config.unrefined.weight),
            ]
            .into_iter()
            .filter_map(|(term, weight)| term.as_ref().map(|term| part(term) * weight))
            .reduce(|sum, part| sum + part)
            .unwrap_or_else(|| output.cls_logits.sum(None) * 0.0)
        };
        let mut total = weighted(|term| &term.total);
        if let Some(processes) = processes {
            total = with_gradient(&total, &shared_sums, processes);
        }
        let added = action_sensitivity
            .as_ref()
            .and_then(|losses| losses.total.as_ref());
        Losses {
            cls: weighted(|term| &term.cls),
            reg: weighted(|term| &term.reg),
            total: added.map_or_else(|| total.shallow_clone(), |added| &total + added),
            num_positives,
            refined,
            unrefined,
            action_sensitivity,
        }
    }
}

impl CriterionState {
    /// Moves the running mean towards the number of positive points.
    fn update(&mut self, config: &NormalizerConfig, num_positives: usize) {
        let momentum = config.momentum;
        self.normalizer =
            momentum * self.normalizer + (1.0 - momentum) * num_positives.max(1) as f64;
    }
}
