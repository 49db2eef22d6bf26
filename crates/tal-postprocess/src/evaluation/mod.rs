//! Mean average precision over tIoU thresholds.
//!
//! Per class, detections are walked from the highest score down. Each looks at the ground truth of its class in its
//! recording by falling tIoU: what another detection has taken is passed over, the first free one with
//! `tIoU ≥ threshold` makes it a true positive, and below the threshold it is a false positive. Thresholds are
//! independent of each other. [`average_precision`] is the area under the precision envelope, mAP its mean over the
//! classes that have ground truth.
//!
//! [`evaluate`] gives the figures at once. [`Matching`] keeps what was matched, from which precision-recall curves
//! ([`Matching::precision_recall`]) and Recall@k× ([`Matching::recall_at`]) can be read too; [`average_recall`] looks at
//! detections as proposals without a class.
//!
//! Published numbers depend on details that [`EvaluationDialect`] names:
//!
//! | | `activitynet` | `actionformer` | `tridet` | `opentad` | `clean` |
//! |---|---|---|---|---|---|
//! | duplicate annotations of a recording (same class, both ends within 1 ms of an earlier one that stays) | kept | dropped | dropped | dropped | dropped |
//! | short annotations | kept | those below 1 ms dropped first | empty ones dropped last | empty ones dropped first | empty ones dropped first |
//! | detections of a class without ground truth | an error | their id is a rank | their id is a rank | ignored | ignored |
//! | a class whose annotations are all dropped | cannot be | has no ground truth | keeps its rank, is left out of the mean | has no ground truth | has no ground truth |
//! | detections of recordings that are not among the given ones | false positives | false positives | false positives | false positives | false positives |
//! | equal scores | later input first | later first | later first | later first | earlier first |
//! | ground truth with equal tIoU | later first | later first | later first | later first | earlier first |
//! | least union | none | none | none | 1e-8 s | 1e-8 s |
//! | names of subsets | exact | lower case | lower case | exact | lower case |
//!
//! *Dropped first* means before duplicates are looked for; what is *dropped last* can hide a duplicate. *Their id is a
//! rank*: the classes with ground truth are numbered in the order of their ids, and the id of another class is read as such
//! a number where there are that many, and otherwise ignored. Without a least union two segments without length have a tIoU
//! of 0/0, which is a match at every threshold and comes before all others, wherever in the recording they are; only
//! `activitynet` keeps annotations for which that can happen. Subsets are chosen by the caller, see
//! [`EvaluationDialect::matches_subset`].
//!
//! Input order is the order of recording ids, then the order within a recording. The numpy evaluators reverse an unstable
//! sort, which leaves the order of equal values open and puts the later first for up to sixteen of them; their dialects here
//! always do that, and take recordings by id where the original takes the order of its file. Without equal values they
//! agree. Where a released evaluator stops (no detections at all, a class whose annotations are all empty in TriDet, a class
//! without detections in early versions of ActivityNet's), the dialect goes on: AP 0, or the class is left out of the mean.
//!
//! Blocked recordings count neither with annotations nor with detections, as in ActivityNet's evaluator and OpenTAD.
//! `ambiguous_class` is the rule of THUMOS14 in any dialect: that class has no AP, its detections are ignored, and a
//! detection of another class that is not a true positive but has a part of positive length in common with one of its
//! annotations is no false positive either.
//!
//! # Source
//! The authors' public code for `tridet`; `Evaluation/eval_detection.py` of ActivityNet;
//! `libs/utils/metrics.py` of ActionFormer; `opentad/evaluations/mAP.py` and `builder.py` of OpenTAD; for the ambiguous class
//! `TH14eventdetpr.m` of the THUMOS14 evaluation kit (its matching, `>` for the threshold and eleven-point AP are not taken
//! over: later work does not use them).

mod average_precision;
mod average_recall;
mod curves;
mod dialect;
mod error;
mod hits;
mod input;
mod matching;
mod ranked;
mod recall;
mod table;
mod thresholds;
mod truth;

use serde::{Deserialize, Serialize};
use tal_core::config::{EvaluationConfig, EvaluationDialect};
use tal_core::{ClassMap, Recording};

pub use average_precision::average_precision;
pub use average_recall::{AverageRecall, average_recall};
pub use curves::{ClassCurves, PrecisionRecall};
pub use error::EvaluationError;
pub use input::{DetectionColumns, DetectionInput};
pub use matching::Matching;
pub(crate) use ranked::{Ranked, RankedClass};
pub use recall::{ClassRecall, RecallAtK};
pub use thresholds::{DATASETS, default_thresholds};

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
    /// Number of annotations after the removal of duplicate and short ones.
    pub num_ground_truth: usize,
    /// Number of detections that were counted for this class.
    pub num_detections: usize,
    /// Average precision per threshold.
    pub ap: Vec<f64>,
}

/// What was counted in an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EvaluationCounts {
    /// Recordings in the ground truth that are not blocked.
    pub num_recordings: usize,
    /// Recordings in the ground truth that are blocked.
    #[serde(default)]
    pub num_blocked_recordings: usize,
    /// Annotations after the removal of duplicate and short ones.
    pub num_ground_truth: usize,
    /// Annotations that were removed as duplicate or short.
    pub num_removed_ground_truth: usize,
    /// Annotations of the ambiguous class.
    #[serde(default)]
    pub num_ambiguous_ground_truth: usize,
    /// Detections, without those of blocked recordings.
    pub num_detections: usize,
    /// Detections of blocked recordings.
    #[serde(default)]
    pub num_blocked_detections: usize,
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
/// with its annotations as missed. The result does not depend on the order of `recordings`. `detections` are a
/// [`tal_core::DetectionSet`] or [`DetectionColumns`].
///
/// # Units
/// Segments in seconds.
///
/// # Errors
/// No or unusable thresholds; no recordings, one given twice, all blocked, or none with usable annotations; an annotation or
/// a detection whose ends are not finite or not in order; a score that is NaN; columns of different lengths or with a
/// recording that is not there; in the dialect `activitynet` a detection whose class has no ground truth; an
/// `ambiguous_class`, whose id only [`evaluate_with`] can find.
pub fn evaluate<'a, 'd>(
    recordings: impl IntoIterator<Item = &'a Recording>,
    detections: impl Into<DetectionInput<'d>>,
    config: &EvaluationConfig,
) -> Result<Evaluation, EvaluationError> {
    Matching::new(recordings, detections, config, None).map(|all| all.evaluation())
}

/// [`evaluate`] with the names of the classes, among which `config.ambiguous_class` is looked up.
///
/// # Errors
/// Those of [`evaluate`], and where the ambiguous class is not one of `classes`.
pub fn evaluate_with<'a, 'd>(
    recordings: impl IntoIterator<Item = &'a Recording>,
    detections: impl Into<DetectionInput<'d>>,
    config: &EvaluationConfig,
    classes: &ClassMap,
) -> Result<Evaluation, EvaluationError> {
    Matching::new(recordings, detections, config, Some(classes)).map(|all| all.evaluation())
}
