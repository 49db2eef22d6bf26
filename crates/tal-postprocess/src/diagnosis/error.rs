//! Errors of a diagnosis.

use super::characteristic::Characteristic;
use crate::evaluation::EvaluationError;

/// Why detections cannot be diagnosed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DiagnosisError {
    /// The ground truth and the detections cannot be compared.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// A threshold is NaN or outside (0, 1].
    #[error("tIoU threshold {index} is {value}, must be above 0 and at most 1")]
    Threshold {
        /// Position of the threshold.
        index: usize,
        /// The threshold.
        value: f64,
    },
    /// An option is NaN or outside [0, 1].
    #[error("{option} is {value}, must be between 0 and 1")]
    Fraction {
        /// Name of the option.
        option: &'static str,
        /// Its value.
        value: f64,
    },
    /// The number of groups is 0 or too large.
    #[error("num_groups is {num_groups}, must be between 1 and 1000")]
    Groups {
        /// Number of groups.
        num_groups: usize,
    },
    /// A characteristic has no bucket.
    #[error("there is no bucket for {characteristic}; give at least one")]
    NoBuckets {
        /// The characteristic.
        characteristic: Characteristic,
    },
    /// A bucket does not end after the one before it.
    #[error(
        "bucket {name:?} of {characteristic} ends at {}, must be a finite number above {previous} (only the last bucket may \
         be open)",
        max.map_or_else(|| "null".to_owned(), |max| max.to_string())
    )]
    Bucket {
        /// The characteristic.
        characteristic: Characteristic,
        /// Name of the bucket.
        name: String,
        /// End of the bucket.
        max: Option<f64>,
        /// End of the bucket before it (0 for the first).
        previous: f64,
    },
    /// The duration of a recording is not a positive number.
    #[error(
        "recording {recording:?} has the duration {duration} s, must be finite and above 0, or left out"
    )]
    Duration {
        /// Id of the recording.
        recording: String,
        /// The duration, in seconds.
        duration: f64,
    },
}
