//! Mean average precision over tIoU thresholds, and other figures of the same matching.

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
mod reliability;
mod result;
mod table;
mod thresholds;
mod ties;
mod truth;

use tal_core::config::EvaluationConfig;
use tal_core::{ClassMap, Recording};

pub use average_precision::average_precision;
pub use average_recall::{AverageRecall, average_recall, average_recall_with};
pub use curves::{ClassCurves, PrecisionRecall};
pub use error::{EvaluationError, InputError, InputErrorKind};
pub use input::{DetectionColumns, DetectionInput};
pub use matching::Matching;
pub use recall::{ClassRecall, RecallAtK};
pub use reliability::{Reliability, ReliabilityBin, ReliabilityCurve};
pub use result::{ClassEvaluation, Evaluation, EvaluationCounts};
pub use thresholds::{KNOWN_DATASETS, default_thresholds};
pub use ties::TieReport;

pub(crate) use dialect::{Rules, Ties};
pub(crate) use hits::each as each_hit;
pub(crate) use ranked::{Ranked, RankedClass};
pub(crate) use table::{ClassTable, DetectionRow, Table};
pub(crate) use truth::Truth;

/// Mean average precision of detections, given the ground truth of the evaluated recordings.
///
/// `recordings` are those of the evaluated subset (see [`tal_core::GroundTruth::subset`]); if one has no detections, all its
/// annotations are missed. The result does not depend on the order of `recordings`. `detections` are a
/// [`tal_core::DetectionSet`] or [`DetectionColumns`].
///
/// Per class, detections are walked from the highest score down. Each looks at the annotations of its class in its
/// recording by falling tIoU and skips those that another detection has taken. The first free one with `tIoU ≥ threshold`
/// makes it a true positive; otherwise it is a false positive. Thresholds are independent of each other.
/// [`average_precision`] is the area under the precision envelope, mAP its mean over the classes that have ground truth.
/// [`Matching`] keeps the matches, to read precision-recall curves ([`Matching::precision_recall`]) and Recall@k×
/// ([`Matching::recall_at`]) from them as well.
///
/// # Dialects
/// Published numbers depend on details that [`tal_core::config::EvaluationDialect`] names:
///
/// | | `activitynet` | `actionformer` | `tridet` | `opentad` | `clean` |
/// |---|---|---|---|---|---|
/// | duplicate annotations of a recording (same class, both ends within 1 ms of an earlier one that stays) | kept | dropped | dropped | dropped | dropped |
/// | short annotations | kept | those below 1 ms dropped first | empty ones dropped last | empty ones dropped first | empty ones dropped first |
/// | detections of a class without ground truth | an error | their id is a rank | their id is a rank | ignored | ignored |
/// | a class whose annotations are all dropped | cannot occur | has no ground truth | keeps its rank, is left out of the mean | has no ground truth | has no ground truth |
/// | detections of recordings that are not among the given ones | false positives | false positives | false positives | false positives | false positives |
/// | equal scores | later input first | later first | later first | later first | earlier first |
/// | annotations with equal tIoU | later first | later first | later first | later first | earlier first |
/// | least union | 0 | 0 | 0 | 1e-8 s | 1e-8 s |
/// | names of subsets | exact | lower case | lower case | exact | lower case |
///
/// *Dropped first* means before duplicates are looked for; an annotation that is *dropped last* can hide a duplicate. *Their
/// id is a rank*: the classes with ground truth are numbered in the order of their ids, and the id of another class is read
/// as such a number if there are that many classes, and ignored otherwise. If the least union is 0, two segments without
/// length have a tIoU of 0/0, which is a match at every threshold and comes before all others, wherever in the recording
/// they are; only `activitynet` keeps annotations for which that can happen. The caller chooses subsets, see
/// [`tal_core::config::EvaluationDialect::matches_subset`].
///
/// The order of the input decides between equal scores: over recordings in the order in which they are given, and within
/// a recording. `clean` takes the earlier first. The numpy evaluators reverse an unstable sort, `argsort()[::-1]`: up to
/// sixteen equal values come out latest first, and the order of more depends on NumPy's version and on the processor. Their
/// dialects here always take the later first, which is a stable sort, reversed. [`Matching::ties`] says how far equal scores
/// can move the figures. A released evaluator may stop (no detections at all; a class whose annotations are all empty in TriDet; a class
/// without detections in early versions of ActivityNet's); the dialect continues with AP 0, or leaves the class out of the
/// mean.
///
/// Neither annotations nor detections of blocked recordings count, as in ActivityNet's evaluator and OpenTAD.
/// `ambiguous_class` is the rule of THUMOS14 in any dialect: that class has no AP, its detections are ignored, and a
/// detection of another class that overlaps one of its annotations counts only if it is a true positive.
///
/// # Units
/// Segments in seconds.
///
/// # Errors
/// - No thresholds, or one outside [0, 1].
/// - No recordings, two with the same id, all blocked, or none with an annotation that counts.
/// - An annotation or a detection whose ends or length are not finite, or whose ends are not in order; a score that is NaN.
/// - Columns of different lengths, or a recording index that does not exist.
/// - In the dialect `activitynet`, a detection whose class has no ground truth.
/// - An `ambiguous_class`: only [`evaluate_with`] can find its id.
///
/// # Source
/// The authors' public code for `tridet`; `Evaluation/eval_detection.py` of ActivityNet;
/// `libs/utils/metrics.py` of ActionFormer; `opentad/evaluations/mAP.py` and `builder.py` of OpenTAD; for the ambiguous class
/// `TH14eventdetpr.m` of the THUMOS14 evaluation kit (but not its matching, its `>` for the threshold and its eleven-point
/// AP, which later work does not use).
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
/// Those of [`evaluate`], and an ambiguous class that is not one of `classes`.
pub fn evaluate_with<'a, 'd>(
    recordings: impl IntoIterator<Item = &'a Recording>,
    detections: impl Into<DetectionInput<'d>>,
    config: &EvaluationConfig,
    classes: &ClassMap,
) -> Result<Evaluation, EvaluationError> {
    Matching::new(recordings, detections, config, Some(classes)).map(|all| all.evaluation())
}
