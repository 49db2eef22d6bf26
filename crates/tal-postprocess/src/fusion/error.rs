//! Errors of a fusion.

use tal_core::Detection;

/// Why detections cannot be fused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FusionError {
    /// The threshold is out of range.
    #[error(
        "the tIoU threshold of the fusion is {value}, must be above 0 and at most 1, such as 0.5"
    )]
    IouThreshold {
        /// The threshold.
        value: f64,
    },
    /// There is nothing to fuse.
    #[error("no model to fuse the detections of; give at least one")]
    NoModels,
    /// A score has no place in a mean.
    #[error(
        "detection {row} of model {model} has the score {score}; scores must be finite and at least 0"
    )]
    Score {
        /// Number of the model, from 1.
        model: usize,
        /// Number of the detection, from 1.
        row: usize,
        /// The score.
        score: f64,
    },
    /// A segment is none.
    #[error(
        "detection {row} of model {model} goes from {start} to {end}; both must be finite, and the end not before the start"
    )]
    Segment {
        /// Number of the model, from 1.
        model: usize,
        /// Number of the detection, from 1.
        row: usize,
        /// Its start.
        start: f64,
        /// Its end.
        end: f64,
    },
    /// An error in one recording.
    #[error("recording {id:?}: {source}")]
    Recording {
        /// Id of the recording.
        id: String,
        /// The error.
        source: Box<FusionError>,
    },
}

/// Checks a detection; `model` and `row` count from 0.
pub(super) fn check(model: usize, row: usize, detection: &Detection) -> Result<(), FusionError> {
    let (model, row) = (model + 1, row + 1);
    let Detection { segment, score, .. } = *detection;
    if !(score.is_finite() && score >= 0.0) {
        return Err(FusionError::Score { model, row, score });
    }
    if !segment.is_ordered() {
        let (start, end) = (segment.start, segment.end);
        return Err(FusionError::Segment {
            model,
            row,
            start,
            end,
        });
    }
    Ok(())
}
