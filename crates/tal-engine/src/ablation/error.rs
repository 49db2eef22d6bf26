//! Why a plan cannot be used.

use std::path::PathBuf;

use tal_config::ConfigError;

use crate::error::EngineError;

/// Why a plan cannot be used, or its runs cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AblationError {
    /// The plan cannot be read.
    #[error("cannot read the plan {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The plan is not YAML, or has wrong keys.
    #[error("{}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong.
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
    /// A seed or a variant stands there twice.
    #[error("{}: {field} holds {value:?} twice{hint}", path.display())]
    Repeated {
        /// The file.
        path: PathBuf,
        /// The key.
        field: &'static str,
        /// What is repeated.
        value: String,
        /// Why two that look different count as equal; may be empty.
        hint: &'static str,
    },
    /// A table names a variant that is none.
    #[error("{}: table {table:?} names {row:?}, which is no variant{nearest}", path.display())]
    UnknownRow {
        /// The file.
        path: PathBuf,
        /// The table's title.
        table: String,
        /// The name.
        row: String,
        /// The variant that may be meant; may be empty.
        nearest: String,
    },
    /// The configuration of a variant is wrong.
    #[error("variant {variant:?}: {source}")]
    Config {
        /// The variant.
        variant: String,
        /// What is wrong.
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

impl AblationError {
    /// Whether the plan is to blame, rather than something that failed on the way.
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::Run(_))
    }
}
