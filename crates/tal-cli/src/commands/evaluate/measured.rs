//! The figures of `tal evaluate --measure`.

use serde::Serialize;
use tal_postprocess::Evaluation;
use tal_postprocess::measures::{
    Agreement, ClassBouts, ClassMisalignment, Figures, FrameMap, Labelling, MabeFBeta,
    Segmentation, Spotting,
};

/// Figures of the chosen measures, and how they were counted.
#[derive(Default, Serialize)]
pub(super) struct Measured {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) map: Option<Evaluation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) frame: Option<Figures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) frame_map: Option<FrameMap>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) segment: Option<Segments>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) event: Option<Figures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) spotting: Option<Spotting>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mabe: Option<MabeFBeta>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) misalignment: Option<Vec<ClassMisalignment>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bouts: Option<Vec<ClassBouts>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kappa: Option<Agreement>,
}

/// Temporal segmentation without and with background.
#[derive(Serialize)]
pub(super) struct Segments {
    pub(super) without_background: Segmentation,
    pub(super) with_background: Segmentation,
}

/// What was compared.
#[derive(Serialize)]
pub(super) struct Compared {
    pub(super) subsets: Vec<String>,
    pub(super) num_recordings: usize,
    pub(super) num_annotations: usize,
    pub(super) num_detections: usize,
    /// Those that count.
    pub(super) num_kept_detections: usize,
    pub(super) min_score: Option<f64>,
    pub(super) labelling: Labelling,
    pub(super) frame_rate: Option<f64>,
}
