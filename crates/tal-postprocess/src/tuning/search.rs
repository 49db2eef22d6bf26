//! A search along one rule after the other.

use std::collections::BTreeSet;

use rayon::prelude::*;
use tal_core::{ClassMap, DetectionSet, Recording};

use super::candidates;
use super::objective::{Objective, TuningError};
use crate::detection_rules::DetectionRules;

/// Rounds over all rules; most searches end earlier, as nothing improves any more.
const MAX_ROUNDS: usize = 4;

/// Smallest improvement that counts: below it lies rounding.
const LEAST_GAIN: f64 = 1e-9;

/// Detections of one setting of the suppression.
#[derive(Debug, Clone)]
pub struct TuningVariant {
    /// Width σ of Soft-NMS; `None` if it is not known or there is none.
    pub sigma: Option<f32>,
    /// The detections.
    pub detections: DetectionSet,
}

/// The rules that were found.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuned {
    /// Width σ of Soft-NMS of the best variant.
    pub sigma: Option<f32>,
    /// Thresholds, smallest gap and shortest length.
    pub rules: DetectionRules,
    /// The measure with them.
    pub value: f64,
    /// The measure of the first variant without rules.
    pub untuned: f64,
    /// Number of values that were computed.
    pub num_evaluations: usize,
}

/// Chooses thresholds, σ, smallest gap and shortest length for a measure.
///
/// `variants` are detections of the same recordings with different σ, the untuned ones first. The variant is chosen together
/// with one threshold for all classes; then each class gets its own threshold, and gap and length follow together, until a round
/// over all of them improves nothing. A value is taken only if it improves the measure, so the result is never worse than
/// the untuned detections. If several neighbouring values are equally good, the middle one is taken. The result does not
/// depend on the number of threads.
///
/// `progress` is called with the number of values so far.
///
/// # Errors
/// Those of [`Objective::value`]; no variant.
pub fn tune(
    objective: &Objective,
    recordings: &[Recording],
    classes: &ClassMap,
    variants: &[TuningVariant],
    progress: &mut dyn FnMut(usize),
) -> Result<Tuned, TuningError> {
    let Some(first) = variants.first() else {
        return Err(TuningError::Undefined {
            num_recordings: recordings.len(),
        });
    };
    let untuned = objective.value(recordings, &first.detections, classes)?;
    let mut search = Search {
        objective,
        recordings,
        classes,
        variant: first,
        rules: DetectionRules::default(),
        value: untuned,
        num_evaluations: 1,
        progress,
    };
    search.choose_variant(variants)?;
    let labels: BTreeSet<u32> = recordings
        .iter()
        .flat_map(|one| &one.instances)
        .map(|row| row.label)
        .collect();
    let lengths = candidates::durations(recordings);
    let pairs: Vec<(f64, f64)> = candidates::gaps(recordings)
        .into_iter()
        .flat_map(|gap| lengths.iter().map(move |length| (gap, *length)))
        .collect();
    for _ in 0..MAX_ROUNDS {
        let before = search.value;
        if objective.gains_by_thresholds() {
            for label in &labels {
                search.choose_threshold(*label)?;
            }
        }
        // Together, since a gap may gain little before what is still too short is left out.
        search.choose(&pairs, |rules, (gap, length)| {
            rules.min_gap = gap;
            rules.min_duration = length;
        })?;
        if search.value <= before + LEAST_GAIN {
            break;
        }
    }
    Ok(Tuned {
        sigma: search.variant.sigma,
        rules: search.rules,
        value: search.value,
        untuned,
        num_evaluations: search.num_evaluations,
    })
}

struct Search<'a> {
    objective: &'a Objective,
    recordings: &'a [Recording],
    classes: &'a ClassMap,
    variant: &'a TuningVariant,
    rules: DetectionRules,
    value: f64,
    num_evaluations: usize,
    progress: &'a mut dyn FnMut(usize),
}

impl<'a> Search<'a> {
    /// The variant that is best with a threshold for all classes.
    fn choose_variant(&mut self, variants: &'a [TuningVariant]) -> Result<(), TuningError> {
        let mut best = (self.variant, self.rules.clone(), self.value);
        for variant in variants {
            self.variant = variant;
            self.rules = DetectionRules::default();
            self.value = f64::NEG_INFINITY;
            let thresholds = match self.objective.gains_by_thresholds() {
                true => candidates::thresholds(candidates::scores(&variant.detections, None)),
                false => vec![None],
            };
            self.choose(&thresholds, |rules, least| rules.min_score = least)?;
            if self.value > best.2 + LEAST_GAIN {
                best = (variant, self.rules.clone(), self.value);
            }
        }
        (self.variant, self.rules, self.value) = best;
        Ok(())
    }

    fn choose_threshold(&mut self, label: u32) -> Result<(), TuningError> {
        let scores = candidates::scores(&self.variant.detections, Some(label));
        // No threshold at all, for a class whose others have one, is the lowest possible.
        let lowest = scores.iter().copied().fold(f64::INFINITY, f64::min);
        let thresholds: Vec<f64> = candidates::thresholds(scores)
            .into_iter()
            .map(|least| least.unwrap_or(lowest))
            .filter(|least| least.is_finite())
            .collect();
        self.choose(&thresholds, |rules, least| {
            rules.class_min_scores.insert(label, least);
        })
    }

    /// Tries values of a rule and keeps the best if it improves the measure.
    fn choose<T: Copy + Sync>(
        &mut self,
        values: &[T],
        set: impl Fn(&mut DetectionRules, T) + Sync,
    ) -> Result<(), TuningError> {
        let with = |value: T| {
            let mut rules = self.rules.clone();
            set(&mut rules, value);
            rules
        };
        let (objective, recordings) = (self.objective, self.recordings);
        let (classes, detections) = (self.classes, &self.variant.detections);
        let of = |value: &T| -> Result<f64, TuningError> {
            let kept = with(*value).apply_to_all(detections);
            objective.value(recordings, &kept, classes)
        };
        let found: Vec<f64> = values.par_iter().map(of).collect::<Result<_, _>>()?;
        let best = found.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if best > self.value + LEAST_GAIN {
            let is_best = |value: &f64| best - value <= LEAST_GAIN;
            let first = found.iter().position(is_best).unwrap_or(0);
            let equal = found[first..].iter().take_while(|v| is_best(v)).count();
            let middle = first + (equal.max(1) - 1) / 2;
            self.rules = with(values[middle]);
            self.value = found[middle];
        }
        self.num_evaluations += values.len();
        (self.progress)(self.num_evaluations);
        Ok(())
    }
}
