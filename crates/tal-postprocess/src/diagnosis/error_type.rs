//! Types of errors of a detection.

use serde::{Deserialize, Serialize};
use tal_core::Instance;

use super::config::DiagnosisTies;
use crate::evaluation::DetectionRow;

/// Why a detection is a false positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorType {
    /// Its best annotation is of its class and overlaps enough, but a detection with a higher score has taken it.
    DoubleDetection,
    /// Its best annotation overlaps enough, but is of another class.
    WrongLabel,
    /// Its best annotation is of its class, but overlaps too little.
    Localization,
    /// Its best annotation is of another class and overlaps too little.
    Confusion,
    /// Its overlap with every annotation is below the lower threshold.
    Background,
}

impl ErrorType {
    /// All types, in the order of the results.
    pub const ALL: [Self; 5] = [
        Self::DoubleDetection,
        Self::WrongLabel,
        Self::Localization,
        Self::Confusion,
        Self::Background,
    ];
}

/// Overlap of a detection with its best annotation, the one of its recording that it overlaps most.
#[derive(Debug, Clone, Copy)]
pub(super) struct BestOverlap {
    pub(super) tiou: f64,
    /// Position of that annotation; `None` if the detection overlaps none.
    pub(super) position: Option<usize>,
    is_own_class: bool,
}

impl BestOverlap {
    /// Best overlap of a detection; at equal tIoU, annotations of its own class come first, or the first one as in DETAD.
    pub(super) fn new(
        detection: &DetectionRow,
        label: u32,
        annotations: &[Instance],
        ties: DiagnosisTies,
    ) -> Self {
        let own_wins = ties == DiagnosisTies::Clean;
        let mut best = Self {
            tiou: 0.0,
            position: None,
            is_own_class: false,
        };
        for (position, annotation) in annotations.iter().enumerate() {
            let tiou = detection.segment.tiou(annotation.segment);
            let is_own_class = annotation.label == label;
            if tiou > best.tiou || (own_wins && tiou == best.tiou && is_own_class) {
                best = Self {
                    tiou,
                    position: (tiou > 0.0).then_some(position),
                    is_own_class,
                };
            }
        }
        best
    }

    /// Type of error of the detection if it is a false positive.
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
