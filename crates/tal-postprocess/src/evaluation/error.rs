//! What can be wrong with what is evaluated.

/// Why detections cannot be evaluated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// There is no threshold.
    #[error("there is no tIoU threshold; give at least one")]
    NoThresholds,
    /// A threshold is NaN or outside [0, 1].
    #[error("tIoU threshold {index} is {value}, must be within 0 and 1")]
    Threshold {
        /// Its position.
        index: usize,
        /// The threshold.
        value: f64,
    },
    /// There is no recording.
    #[error(
        "there is no recording to evaluate on; does the ground truth have the subset that was asked for?"
    )]
    NoRecordings,
    /// No recording has an annotation that counts.
    #[error(
        "none of the {num_recordings} recordings has an annotation with a length, so that no class can be evaluated"
    )]
    NoGroundTruth {
        /// Number of recordings.
        num_recordings: usize,
    },
    /// A recording is there twice.
    #[error("recording {recording:?} is twice in the ground truth; ids must be unique")]
    DuplicateRecording {
        /// Its id.
        recording: String,
    },
    /// The ends of an annotation are not finite or not in order.
    #[error(
        "annotation {row} of recording {recording:?} goes from {start} to {end}; both must be finite and start <= end"
    )]
    Instance {
        /// The recording.
        recording: String,
        /// Its position in the recording.
        row: usize,
        /// The start, in seconds.
        start: f64,
        /// The end, in seconds.
        end: f64,
    },
    /// The ends of a detection are not finite or not in order.
    #[error(
        "detection {row} of recording {recording:?} goes from {start} to {end}; both must be finite and start <= end"
    )]
    Segment {
        /// The recording.
        recording: String,
        /// Its position in the recording.
        row: usize,
        /// The start, in seconds.
        start: f64,
        /// The end, in seconds.
        end: f64,
    },
    /// The score of a detection is NaN.
    #[error("detection {row} of recording {recording:?} has the score NaN, must be a number")]
    Score {
        /// The recording.
        recording: String,
        /// Its position in the recording.
        row: usize,
    },
}
