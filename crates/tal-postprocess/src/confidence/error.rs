//! Errors of a bootstrap.

use crate::evaluation::EvaluationError;

/// Why there is no confidence interval.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfidenceError {
    /// The detections cannot be evaluated.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// The level is not between 0 and 1.
    #[error("the confidence level is {value}, must be above 0 and below 1, such as 0.95")]
    Level {
        /// The level.
        value: f64,
    },
    /// There are too few replicates for the level.
    #[error(
        "{value} bootstrap replicates are too few for the confidence level {level}; there must be at least {minimum}"
    )]
    NumReplicates {
        /// Number of replicates.
        value: usize,
        /// The level.
        level: f64,
        /// Smallest number at this level.
        minimum: usize,
    },
    /// There is only one recording, so nothing is known about how recordings differ.
    #[error("recording {recording:?} is the only one; the bootstrap needs at least 2 recordings")]
    SingleRecording {
        /// Id of the recording.
        recording: String,
    },
    /// A fold has no pair of runs.
    #[error("fold {fold} has no pair of runs to compare; each fold must have at least one")]
    NoRuns {
        /// Number of the fold, from 1.
        fold: usize,
    },
    /// Runs that are compared were evaluated in different ways.
    #[error(
        "the runs of fold {fold} were evaluated on other recordings or at other tIoU thresholds than the first run; runs are \
         compared on the same recordings within a fold, and at the same thresholds in all folds"
    )]
    OtherRecordings {
        /// Number of the fold, from 1.
        fold: usize,
    },
}
