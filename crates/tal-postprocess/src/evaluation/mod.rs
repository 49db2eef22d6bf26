//! Mean average precision over tIoU thresholds.
//!
//! Per class, detections are walked from the highest score down. Each looks at the ground truth of its class in its
//! recording by falling tIoU: what another detection has taken is passed over, the first free one with
//! `tIoU ≥ threshold` makes it a true positive, and below the threshold it is a false positive. Thresholds are
//! independent of each other. [`average_precision`] is the area under the precision envelope, mAP its mean over the
//! classes that have ground truth.
//!
//! Published numbers depend on details that [`EvaluationDialect`] names:
//!
//! | | `tridet` | `clean` |
//! |---|---|---|
//! | duplicate annotations of a recording (same class, both ends within 1 ms of an earlier one) | dropped, before empty ones | dropped, after empty ones |
//! | annotations without length | dropped | dropped |
//! | detections of a class without ground truth | their id is read as the rank of a class among those with ground truth, sorted by id, where there are that many, and otherwise ignored | ignored |
//! | detections of recordings that are not among the given ones | false positives | false positives |
//! | equal scores | later input first | earlier input first |
//! | ground truth with equal tIoU | later first | earlier first |
//! | least union | none | 1e-8 s |
//!
//! Input order is the order of recording ids, then the order within a recording. The released evaluator of TriDet
//! reverses an unstable sort, which leaves the order of equal scores open and puts the later first for up to sixteen of
//! them; `tridet` always does that. Without equal scores the two agree. Where the released evaluator stops with an error
//! (no detections at all, a class whose annotations are all without length), `tridet` goes on: AP 0, or the class is left
//! out of the mean (its rank stays).
//!
//! # Source
//! Section H of the method's specification.

mod average_precision;
mod dialect;
mod error;
mod matching;
mod ranked;
mod table;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tal_core::config::{EvaluationConfig, EvaluationDialect};
use tal_core::{DetectionSet, Recording};

pub use average_precision::average_precision;
pub use error::EvaluationError;
pub(crate) use ranked::{Ranked, RankedClass, ranked};

use dialect::Rules;
use table::{ClassTable, Table};

/// How good detections are. All values are fractions in [0, 1].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Whose rules were used.
    pub dialect: EvaluationDialect,
    /// The thresholds, in the order of the configuration.
    pub tiou_thresholds: Vec<f64>,
    /// Mean of `map` over the thresholds.
    pub average_map: f64,
    /// Mean of the APs of all classes, per threshold.
    pub map: Vec<f64>,
    /// The classes that have ground truth, by id.
    pub classes: Vec<ClassEvaluation>,
    /// What was counted.
    pub counts: EvaluationCounts,
}

/// How well one class is detected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassEvaluation {
    /// The class id.
    pub label: u32,
    /// Number of annotations after the removal of duplicate and empty ones.
    pub num_ground_truth: usize,
    /// Number of detections that were counted for this class.
    pub num_detections: usize,
    /// Average precision per threshold.
    pub ap: Vec<f64>,
}

/// What was counted in an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EvaluationCounts {
    /// Recordings in the ground truth.
    pub num_recordings: usize,
    /// Annotations after the removal of duplicate and empty ones.
    pub num_ground_truth: usize,
    /// Annotations that were removed as duplicate or empty.
    pub num_removed_ground_truth: usize,
    /// All detections.
    pub num_detections: usize,
    /// Detections that no class took.
    pub num_ignored_detections: usize,
    /// Detections of recordings that the ground truth lacks: each that a class took is a false positive.
    pub num_unmatched_recording_detections: usize,
}

impl Evaluation {
    /// The evaluation of one class, where it has ground truth.
    pub fn class(&self, label: u32) -> Option<&ClassEvaluation> {
        self.classes
            .binary_search_by_key(&label, |class| class.label)
            .ok()
            .map(|position| &self.classes[position])
    }
}

/// Compares detections with the ground truth of the given recordings.
///
/// `recordings` are those of the evaluated subset (see [`tal_core::GroundTruth::subset`]); one without detections counts
/// with its annotations as missed. The result does not depend on the order of `recordings`.
///
/// # Units
/// Segments in seconds.
///
/// # Errors
/// No or unusable thresholds; no recordings, one given twice, or none with usable annotations; an annotation or a
/// detection whose ends are not finite or not in order; a score that is NaN.
pub fn evaluate<'a>(
    recordings: impl IntoIterator<Item = &'a Recording>,
    detections: &DetectionSet,
    config: &EvaluationConfig,
) -> Result<Evaluation, EvaluationError> {
    let thresholds = &config.tiou_thresholds;
    if thresholds.is_empty() {
        return Err(EvaluationError::NoThresholds);
    }
    if let Some(index) = thresholds.iter().position(|t| !(0.0..=1.0).contains(t)) {
        let value = thresholds[index];
        return Err(EvaluationError::Threshold { index, value });
    }

    let rules = Rules::of(config.dialect);
    let Table { classes, counts } = Table::new(recordings, detections, &rules)?;
    let classes: Vec<ClassEvaluation> = classes
        .into_par_iter()
        .map(|class| evaluate_class(class, thresholds, &rules))
        .collect();

    let mean = |values: &mut dyn Iterator<Item = f64>, num: usize| values.sum::<f64>() / num as f64;
    let map: Vec<f64> = (0..thresholds.len())
        .map(|t| mean(&mut classes.iter().map(|class| class.ap[t]), classes.len()))
        .collect();
    Ok(Evaluation {
        dialect: config.dialect,
        tiou_thresholds: thresholds.clone(),
        average_map: mean(&mut map.iter().copied(), map.len()),
        map,
        classes,
        counts,
    })
}

fn evaluate_class(mut class: ClassTable, thresholds: &[f64], rules: &Rules) -> ClassEvaluation {
    rules.sort_detections(&mut class.detections);
    let true_positives = matching::true_positives(&class, thresholds, rules);
    ClassEvaluation {
        label: class.label,
        num_ground_truth: class.instances.len(),
        num_detections: class.detections.len(),
        ap: true_positives
            .iter()
            .map(|hits| average_precision(hits, class.instances.len()))
            .collect(),
    }
}
