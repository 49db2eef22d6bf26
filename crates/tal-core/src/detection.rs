//! Detections of a detector.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Segment;

/// One action found in a recording.
///
/// # Units
/// `segment` in seconds; `score` grows with confidence and is comparable within one class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// Start and end.
    pub segment: Segment,
    /// Class id, see [`crate::ClassMap`].
    pub label: u32,
    /// Confidence.
    pub score: f64,
}

/// Detections of several recordings, by recording id, in a stable order.
pub type DetectionSet = BTreeMap<String, Vec<Detection>>;
