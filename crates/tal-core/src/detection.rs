//! Detections of a detector.

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
    /// Class id, see [`crate::ClassMap`]; [`Detection::NO_CLASS`] for a proposal without a class.
    pub label: u32,
    /// Confidence.
    pub score: f64,
}

impl Detection {
    /// Label of a proposal that says where something happens, but not what.
    pub const NO_CLASS: u32 = u32::MAX;
}
