//! Results of an evaluation.

use serde::{Deserialize, Serialize};
use tal_core::config::EvaluationDialect;

/// Mean average precision of detections. All values are fractions in [0, 1].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Dialect by whose rules the detections were evaluated.
    pub dialect: EvaluationDialect,
    /// Thresholds in the order of the configuration.
    pub tiou_thresholds: Vec<f64>,
    /// Mean of `map` over the thresholds.
    pub average_map: f64,
    /// Mean of the APs of all classes, per threshold.
    pub map: Vec<f64>,
    /// Classes that have ground truth, by id.
    pub classes: Vec<ClassEvaluation>,
    /// Numbers of recordings, annotations and detections.
    pub counts: EvaluationCounts,
}

/// Average precision of one class.
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

/// Numbers of recordings, annotations and detections in an evaluation.
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
    /// Detections that belong to no class with ground truth.
    pub num_ignored_detections: usize,
    /// Detections of recordings that the ground truth lacks: false positives, unless ignored.
    pub num_unmatched_recording_detections: usize,
}

impl Evaluation {
    /// Evaluation of one class; `None` if the class has no ground truth.
    pub fn class(&self, label: u32) -> Option<&ClassEvaluation> {
        self.classes
            .binary_search_by_key(&label, |class| class.label)
            .ok()
            .map(|position| &self.classes[position])
    }
}
