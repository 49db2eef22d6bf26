//! What can be wrong with what is diagnosed.

use super::Characteristic;

/// Why detections cannot be diagnosed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DiagnosisError {
    /// There is no threshold.
    #[error("there is no tIoU threshold; give at least one")]
    NoThresholds,
    /// A threshold is NaN or outside (0, 1].
    #[error("tIoU threshold {index} is {value}, must be above 0 and at most 1")]
    Threshold {
        /// Its position.
        index: usize,
        /// The threshold.
        value: f64,
    },
    /// An option is NaN or outside [0, 1].
    #[error("{option} is {value}, must be within 0 and 1")]
    Fraction {
        /// Name of the option.
        option: &'static str,
        /// Its value.
        value: f64,
    },
    /// No group of detections is to be looked at, or too many.
    #[error("num_groups is {num_groups}, must be within 1 and 1000")]
    Groups {
        /// Their number.
        num_groups: usize,
    },
    /// A characteristic has no bucket.
    #[error("there is no bucket for {characteristic}; give at least one")]
    NoBuckets {
        /// The characteristic.
        characteristic: Characteristic,
    },
    /// A bucket does not end after the one before.
    #[error(
        "bucket {name:?} of {characteristic} ends at {}, must be a finite number above {previous} (only the last bucket may \
         be open)",
        max.map_or_else(|| "nothing".to_owned(), |max| max.to_string())
    )]
    Bucket {
        /// The characteristic.
        characteristic: Characteristic,
        /// Name of the bucket.
        name: String,
        /// Where it ends.
        max: Option<f64>,
        /// Where the bucket before ends (0 for the first).
        previous: f64,
    },
    /// There is no recording.
    #[error(
        "there is no recording to diagnose; does the ground truth have the subset that was asked for?"
    )]
    NoRecordings,
    /// No recording has an annotation that counts.
    #[error("none of the {num_recordings} recordings has an annotation with a length")]
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
    /// The duration of a recording is not a positive number.
    #[error(
        "recording {recording:?} has the duration {duration} s, must be finite and above 0, or left out"
    )]
    Duration {
        /// Its id.
        recording: String,
        /// The duration, in seconds.
        duration: f64,
    },
    /// The ends of an annotation are not finite or not in order.
    #[error(
        "annotation {row} of recording {recording:?} goes from {start} to {end}; both ends and the length must be finite and \
         start <= end"
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
        "detection {row} of recording {recording:?} goes from {start} to {end}; both ends and the length must be finite and \
         start <= end"
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

impl std::fmt::Display for Characteristic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Coverage => "coverage",
            Self::Length => "length",
            Self::NumInstances => "num_instances",
        })
    }
}
