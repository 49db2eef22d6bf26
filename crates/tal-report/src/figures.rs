//! Figures of an evaluation, as they are written to a file and drawn.

use std::collections::BTreeMap;

use serde::Serialize;
use tal_core::ClassMap;
use tal_postprocess::{
    AverageRecall, Confidence, Diagnosis, Evaluation, PairedComparison, RecallAtK, TieReport,
};

/// Figures of an evaluation: mAP, and whatever else was computed. All values are fractions.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Figures {
    /// The evaluated subsets.
    pub subsets: Vec<String>,
    /// AP, mAP and counts.
    #[serde(flatten)]
    pub evaluation: Evaluation,
    /// AP per threshold, by the name of the class.
    pub ap: BTreeMap<String, Vec<f64>>,
    /// Detections of equal score, and how far their order can move mAP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ties: Option<TieReport>,
    /// Recall of the best detections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recall: Option<RecallAtK>,
    /// Average recall over the number of proposals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average_recall: Option<AverageRecall>,
    /// Kinds of errors and their cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<Diagnosis>,
    /// Confidence intervals of mAP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Confidence>,
    /// Comparison of these detections (`a`) with others (`b`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<PairedComparison>,
}

impl Figures {
    /// The figures of an evaluation alone.
    pub fn new(evaluation: Evaluation, classes: &ClassMap, subsets: &[String]) -> Self {
        let ap = evaluation
            .classes
            .iter()
            .map(|class| (classes.display_name(class.label), class.ap.clone()))
            .collect();
        Self {
            subsets: subsets.to_vec(),
            evaluation,
            ap,
            ties: None,
            recall: None,
            average_recall: None,
            diagnosis: None,
            confidence: None,
            comparison: None,
        }
    }
}
