//! Errors of files of detections.

use std::io;
use std::path::{Path, PathBuf};

use crate::TextFileError;

/// Reason why a file of detections cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResultsError {
    /// The file is missing or unreadable.
    #[error("cannot read detections from {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write detections to {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The file's name does not say which format it is in.
    #[error("{}: unknown format; expected a name that ends in .json, .jsonl, .csv or .tsv, or in .pkl to read a pickle", path.display())]
    Extension {
        /// The file.
        path: PathBuf,
    },
    /// The file is not of its format.
    #[error("{}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Fault, with line and column if known.
        message: String,
    },
    /// The text is unreadable, or a cell of a table is wrong.
    #[error(transparent)]
    Text(#[from] TextFileError),
    /// The pickle is damaged, or would run code.
    #[error(transparent)]
    Pickle(#[from] tal_pth::PthError),
    /// A detection is wrong.
    #[error("{}: {place}: {message}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// Recording and index, or line.
        place: String,
        /// Fault, and right content.
        message: String,
    },
}

impl ResultsError {
    /// A file that cannot be read, for `map_err`.
    pub(super) fn unreadable(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Read {
            path: path.to_owned(),
            source,
        }
    }
}
