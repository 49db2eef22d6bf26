//! Errors of prediction.

use std::path::PathBuf;

use tal_core::{FileError, Usage};
use tal_data::{DataError, ResultsError};

use crate::extract::ExtractError;

/// Why recordings cannot be predicted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PredictError {
    /// An input is not usable.
    #[error("{}: {reason}", path.display())]
    Input {
        /// The file, folder or pattern.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// Videos are wrong.
    #[error(transparent)]
    Extract(#[from] ExtractError),
    /// A file of features is wrong.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The variables of the scheduler do not say which shard this is.
    #[error("{0}")]
    Environment(String),
    /// A shard has been predicted, or is under way.
    #[error(
        "{}: the shard is there; add --resume to go on with it and to try failed recordings again, or choose another folder",
        path.display()
    )]
    Exists {
        /// Its file.
        path: PathBuf,
    },
    /// Another process predicts the shard.
    #[error("{}: another process writes this shard; give each process a shard of its own", path.display())]
    Busy {
        /// Its file.
        path: PathBuf,
    },
    /// The inputs are not those of the interrupted prediction.
    #[error(
        "{}: recording {number} was {found}, but the inputs have {expected} there; resume with the inputs of the first call, or \
         choose another folder", path.display()
    )]
    OtherInputs {
        /// The file of the progress.
        path: PathBuf,
        /// Number of the recording in the shard, from 1.
        number: usize,
        /// The file in the progress.
        found: String,
        /// The file among the inputs.
        expected: String,
    },
    /// A file of results is wrong.
    #[error(transparent)]
    Results(#[from] ResultsError),
    /// Reading or writing failed.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Usage for PredictError {
    fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Environment(_) | Self::Exists { .. } | Self::OtherInputs { .. }
        )
    }
}
