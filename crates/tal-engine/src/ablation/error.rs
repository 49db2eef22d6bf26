//! Errors of plans.

use std::path::PathBuf;

use tal_config::ConfigError;
use tal_core::Usage;

use crate::error::EngineError;

/// An error of a plan or of its runs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AblationError {
    /// The plan cannot be read.
    #[error("cannot read the plan {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// The plan is not YAML, or has wrong keys.
    #[error("{}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The mistake.
        message: String,
    },
    /// A list of the plan is empty.
    #[error("{}: {field} is empty, expected at least one entry", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// The key.
        field: &'static str,
    },
    /// A seed or a variant is listed twice.
    #[error("{}: {field} holds {value:?} twice{hint}", path.display())]
    Repeated {
        /// The file.
        path: PathBuf,
        /// The key.
        field: &'static str,
        /// The repeated value.
        value: String,
        /// The reason why two different names count as equal; may be empty.
        hint: &'static str,
    },
    /// A table names an unknown variant.
    #[error("{}: table {table:?} names {row:?}, which is not a variant{nearest}", path.display())]
    UnknownRow {
        /// The file.
        path: PathBuf,
        /// The table's title.
        table: String,
        /// The name.
        row: String,
        /// The most similar variant; may be empty.
        nearest: String,
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
    /// A run folder cannot be read.
    #[error(transparent)]
    Run(#[from] EngineError),
}

impl Usage for AblationError {
    fn is_usage(&self) -> bool {
        !matches!(self, Self::Run(_))
    }
}
