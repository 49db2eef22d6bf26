//! The figures as they are written with `--json`.

use std::collections::BTreeMap;

use serde::Serialize;
use tal_core::ClassMap;
use tal_postprocess::{
    AverageRecall, Confidence, Diagnosis, Evaluation, PairedComparison, RecallAtK,
};

/// Everything that was asked for; all values are fractions.
#[derive(Serialize)]
pub(super) struct Report {
    /// The evaluated subsets.
    pub(super) subsets: Vec<String>,
    #[serde(flatten)]
    pub(super) evaluation: Evaluation,
    /// AP per threshold, by the name of the class.
    pub(super) ap: BTreeMap<String, Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) recall: Option<RecallAtK>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) average_recall: Option<AverageRecall>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) diagnosis: Option<Diagnosis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) confidence: Option<Confidence>,
    /// DETECTIONS is a, OTHER is b.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) comparison: Option<PairedComparison>,
}

impl Report {
    pub(super) fn new(evaluation: Evaluation, classes: &ClassMap, subsets: &[String]) -> Self {
        let ap = evaluation
            .classes
            .iter()
            .map(|class| (classes.display_name(class.label), class.ap.clone()))
            .collect();
        Self {
            subsets: subsets.to_vec(),
            evaluation,
            ap,
            recall: None,
            average_recall: None,
            diagnosis: None,
            confidence: None,
            comparison: None,
        }
    }
}
