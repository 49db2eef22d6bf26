//! Errors of plans.

use std::path::PathBuf;

use tal_config::ConfigError;
use tal_core::{FileError, Usage};

use crate::error::EngineError;

/// An error of a plan or of its runs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AblationError {
    /// The plan cannot be read.
    #[error(transparent)]
    Read(#[from] FileError),
    /// The plan has a mistake: in its YAML, an empty list, a repeated name, or an unknown row.
    #[error("{}: {message}", path.display())]
    Plan {
        /// The file.
        path: PathBuf,
        /// The mistake.
        message: String,
    },
    /// The configuration of a variant is wrong.
    #[error("variant {variant:?}: {source}")]
    Config {
        /// The variant.
        variant: String,
        /// The mistake.
        source: ConfigError,
    },
    /// A run folder holds a finished run of another configuration.
    #[error(
        "{} holds a finished run of another configuration than variant {variant:?} has now, with {changed}; move it away, or \
         give another folder with --out",
        folder.display()
    )]
    OtherRun {
        /// The run folder.
        folder: PathBuf,
        /// The variant.
        variant: String,
        /// The fields that differ.
        changed: String,
    },
    /// The recordings of a fold cannot be held out.
    #[error("fold {fold:?}: {reason}")]
    Fold {
        /// The fold.
        fold: String,
        /// The mistake.
        reason: String,
    },
    /// A run folder cannot be read.
    #[error(transparent)]
    Run(#[from] EngineError),
}

impl Usage for AblationError {
    fn is_usage(&self) -> bool {
        !matches!(self, Self::Run(_))
    }
}
