//! The ways in which a detection can be wrong.

use serde::{Deserialize, Serialize};
use tal_core::Instance;

use super::table::DetectionRow;

/// Why a detection is a false positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorType {
    /// Its best annotation is of its class and overlaps enough, but a detection with a higher score has it.
    DoubleDetection,
    /// Its best annotation overlaps enough, but is of another class.
    WrongLabel,
    /// Its best annotation is of its class, but overlaps too little.
    Localization,
    /// Its best annotation is of another class and overlaps too little.
    Confusion,
    /// It overlaps no annotation by as much as the lower threshold.
    Background,
}

impl ErrorType {
    /// All of them, in the order of the results.
    pub const ALL: [Self; 5] = [
        Self::DoubleDetection,
        Self::WrongLabel,
        Self::Localization,
        Self::Confusion,
        Self::Background,
    ];
}

/// How a detection meets the annotation of its recording that it overlaps most.
#[derive(Debug, Clone, Copy)]
pub(super) struct BestOverlap {
    tiou: f64,
    is_own_class: bool,
}

impl BestOverlap {
    /// Among annotations with the same tIoU, one of the detection's class goes first.
    pub(super) fn new(detection: &DetectionRow, label: u32, annotations: &[Instance]) -> Self {
        let mut best = Self {
            tiou: 0.0,
            is_own_class: false,
        };
        for annotation in annotations {
            let tiou = detection.segment.tiou(annotation.segment);
            let is_own_class = annotation.label == label;
            if tiou > best.tiou || (tiou == best.tiou && is_own_class) {
                best = Self { tiou, is_own_class };
            }
        }
        best
    }

    /// What is wrong with the detection, given that it is a false positive.
    pub(super) fn error_type(&self, threshold: f64, min_tiou: f64) -> ErrorType {
        let is_near = self.tiou > 0.0 && self.tiou >= min_tiou;
        match (self.tiou >= threshold, is_near) {
            (true, _) if self.is_own_class => ErrorType::DoubleDetection,
            (true, _) => ErrorType::WrongLabel,
            (false, true) if self.is_own_class => ErrorType::Localization,
            (false, true) => ErrorType::Confusion,
            (false, false) => ErrorType::Background,
        }
    }
}
