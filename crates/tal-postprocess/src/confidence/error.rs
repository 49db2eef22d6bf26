//! What can be wrong with a bootstrap.

use crate::EvaluationError;

/// Why there is no confidence interval.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfidenceError {
    /// The detections cannot be evaluated.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// The level is not between 0 and 1.
    #[error("confidence level is {value}, must be greater than 0 and less than 1, such as 0.95")]
    Level {
        /// The level.
        value: f64,
    },
    /// There are too few replicates for the level.
    #[error(
        "{value} bootstrap replicates are too few for a confidence level of {level}, must be at least {minimum}"
    )]
    NumReplicates {
        /// Number of replicates.
        value: usize,
        /// The level.
        level: f64,
        /// The least number at this level.
        minimum: usize,
    },
    /// One recording says nothing about how recordings differ.
    #[error(
        "recording {recording:?} is the only one; drawing recordings anew needs at least 2 of them"
    )]
    SingleRecording {
        /// Its id.
        recording: String,
    },
}
