//! Errors of weight files.

use std::path::PathBuf;

use super::report::LoadReport;
use crate::FileError;

/// An error of a weight file, or of weights that do not fit their network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The file system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is truncated, damaged or something else.
    #[error("{} is not a complete safetensors file: {reason}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The first mistake.
        reason: String,
    },
    /// A tensor of a kind that weights never have.
    #[error(
        "the tensor `{name}` in {} holds elements of type {kind}, supported are bool, u8, i32, i64, f16, bf16, f32 and f64",
        path.display()
    )]
    UnsupportedKind {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Its type.
        kind: String,
    },
    /// Two tensors would have one name.
    #[error("two tensors are named `{name}`: {first} and {second}")]
    DuplicateName {
        /// The common name.
        name: String,
        /// Origin of one of them.
        first: String,
        /// Origin of the other one.
        second: String,
    },
    /// A rule of a key map is not a regular expression.
    #[error("the rule `{rule}` of a key map is not a regular expression: {source}")]
    Rule {
        /// The rule.
        rule: String,
        /// The reason.
        source: Box<regex::Error>,
    },
    /// The weights do not fit the network.
    #[error("the weights do not fit the network: {0}")]
    Mismatch(Box<LoadReport>),
    /// Weights that no network can work with.
    #[error(
        "the tensor `{name}` holds {count} of {total} values that are NaN or infinite, so the training that wrote it had \
         failed; take a checkpoint from before"
    )]
    NotFinite {
        /// The tensor.
        name: String,
        /// Number of such values.
        count: i64,
        /// Number of all values.
        total: i64,
    },
    /// LibTorch refused.
    #[error("LibTorch cannot handle the tensor `{name}`: {source}")]
    Torch {
        /// The tensor.
        name: String,
        /// The error of LibTorch.
        source: tch::TchError,
    },
}
