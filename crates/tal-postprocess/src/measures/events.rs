//! Precision, recall and F1 of events whose ends may be off by a collar.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tal_core::{Instance, Segment};

use super::counts::{Counts, Figures, PrecisionRecallF1};
use super::error::MeasureError;
use super::input::{LabelledRecording, all_classes, check_labelled, classes};
use super::matching::largest_matching;

/// Rules of [`event_scores`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventConfig {
    /// Largest distance of the two starts, in seconds; `None`: starts do not count.
    pub onset_collar: Option<f64>,
    /// Largest distance of the two ends, in seconds; `None`: ends do not count.
    pub offset_collar: Option<f64>,
    /// Largest distance of the two ends as a share of the annotation's length, if that is more than the collar.
    pub offset_share: f64,
    /// How pairs are chosen.
    pub matching: EventMatching,
    /// Whether the precision of a class that was never found is 0; otherwise it is NaN, and so is its F1.
    pub missed_is_zero: bool,
}

impl Default for EventConfig {
    fn default() -> Self {
        Self {
            onset_collar: Some(0.2),
            offset_collar: Some(0.2),
            offset_share: 0.5,
            matching: EventMatching::Optimal,
            missed_is_zero: true,
        }
    }
}

/// How pairs of an annotated and a found event are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventMatching {
    /// As many pairs as possible.
    #[default]
    Optimal,
    /// The annotations in their order, each with the first event that fits and is free. Depends on the order of the input.
    Greedy,
}

/// Precision, recall and F1 of events.
///
/// An annotated and a found event fit if their class is the same, their starts differ by at most the collar, and their ends
/// by at most the collar or the share of the annotation's length. Precision is NaN if nothing was found (but see
/// [`EventConfig::missed_is_zero`]), recall if nothing was annotated, F1 if one of the two is. The macro averages leave out
/// what is NaN.
///
/// # Errors
/// If a segment, a length or a rule is not usable, or neither starts nor ends count.
///
/// # Source
/// `EventBasedMetrics` of sed_eval 0.2.1 (Mesaros et al., *Metrics for Polyphonic Sound Event Detection*, 2016):
/// `t_collar` is both collars, `percentage_of_length` the share, `empty_system_output_handling="zero_score"` is
/// `missed_is_zero`, and `event_label_list` the classes that have annotations.
pub fn event_scores(
    recordings: &[LabelledRecording<'_>],
    config: &EventConfig,
) -> Result<Figures, MeasureError> {
    check_labelled(recordings)?;
    config.check()?;
    let annotated = classes(recordings.iter().map(|one| one.truth));
    let mut counts: BTreeMap<u32, Counts> = BTreeMap::new();
    for label in all_classes(recordings) {
        let of_class = |instances: &[Instance]| -> Vec<Segment> {
            let rows = instances.iter().filter(|row| row.label == label);
            rows.map(|row| row.segment).collect()
        };
        let each = recordings.iter().map(|recording| {
            let (truth, found) = (of_class(recording.truth), of_class(recording.found));
            let hits = config.num_hits(&truth, &found);
            Counts::from_totals(hits as u64, found.len() as u64, truth.len() as u64)
        });
        counts.insert(label, each.sum());
    }
    let has_truth = |label| annotated.contains(&label);
    Ok(Figures::new(&counts, has_truth, |counts| {
        config.fractions(counts)
    }))
}

impl EventConfig {
    fn check(&self) -> Result<(), MeasureError> {
        let collars = [
            ("onset collar", self.onset_collar),
            ("offset collar", self.offset_collar),
        ];
        if collars.iter().all(|(_, collar)| collar.is_none()) {
            return Err(MeasureError::Empty {
                name: "list of collars",
            });
        }
        for (name, collar) in collars {
            let collar = collar.unwrap_or(0.0);
            let holds = collar.is_finite() && collar >= 0.0;
            MeasureError::unless(holds, name, collar, "finite and at least 0")?;
        }
        let share = self.offset_share;
        let holds = (0.0..=1.0).contains(&share);
        MeasureError::unless(holds, "offset share", share, "between 0 and 1")
    }

    fn fits(&self, truth: Segment, found: Segment) -> bool {
        let onset = self
            .onset_collar
            .is_none_or(|collar| (truth.start - found.start).abs() <= collar);
        onset
            && self.offset_collar.is_none_or(|collar| {
                let largest = collar.max(self.offset_share * truth.length());
                (truth.end - found.end).abs() <= largest
            })
    }

    fn num_hits(&self, truth: &[Segment], found: &[Segment]) -> usize {
        let fitting = |one: &Segment| -> Vec<usize> {
            let all = found.iter().enumerate();
            let kept = all.filter(|(_, other)| self.fits(*one, **other));
            kept.map(|(position, _)| position).collect()
        };
        match self.matching {
            EventMatching::Optimal => {
                let neighbours: Vec<Vec<usize>> = truth.iter().map(fitting).collect();
                largest_matching(&neighbours, found.len())
            }
            EventMatching::Greedy => {
                let mut free = vec![true; found.len()];
                let takes_one = |one: &&Segment| {
                    let first = fitting(one).into_iter().find(|position| free[*position]);
                    first.is_some_and(|position| std::mem::take(&mut free[position]))
                };
                truth.iter().filter(takes_one).count()
            }
        }
    }

    fn fractions(&self, counts: &Counts) -> PrecisionRecallF1 {
        let found = counts.true_positives + counts.false_positives;
        let truth = counts.true_positives + counts.false_negatives;
        let hits = counts.true_positives as f64;
        // 0/0 is NaN, as wanted.
        let precision = if found == 0 && self.missed_is_zero {
            0.0
        } else {
            hits / found as f64
        };
        let recall = hits / truth as f64;
        let f1 = if precision == 0.0 && recall == 0.0 {
            0.0
        } else {
            2.0 * precision * recall / (precision + recall)
        };
        PrecisionRecallF1 {
            precision,
            recall,
            f1,
        }
    }
}
