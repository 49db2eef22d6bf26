//! What every set of detections that a reader accepts must be.

use tal_core::{ClassMap, DetectionSet};

/// Classes with plain names, a name that is a number, and one that has a comma.
pub(crate) fn classes() -> ClassMap {
    ClassMap::from_names(["run", "jump", "0", "a, b"]).expect("the names differ")
}

/// Panics where a detection is not one: a reader has to refuse such a file.
pub(crate) fn detections(all: &DetectionSet) {
    for detection in all.values().flatten() {
        assert!(detection.score.is_finite());
        assert!(detection.segment.is_ordered());
    }
}
