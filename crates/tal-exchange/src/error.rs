//! Errors of the formats of annotation tools.

use std::path::{Path, PathBuf};

use tal_data::text::shortened;
use tal_data::{JsonError, TextFileError};

/// Reason why annotations of a tool cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// A part of a file is missing or holds something else.
    #[error("{}: {place}: {found}; expected {expected}", path.display())]
    Part {
        /// The file.
        path: PathBuf,
        /// Line, element or field.
        place: String,
        /// What is there, or `missing`.
        found: String,
        /// Right content.
        expected: String,
    },
    /// The file is not XML, or has parts that are never read.
    #[error("{}: {message}; expected {expected}", path.display())]
    Xml {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        message: String,
        /// Right content.
        expected: &'static str,
    },
    /// No format fits the content of a file.
    #[error("{}: the format is not recognised: {looks_like}; known formats: {known} (name one with --from)", path.display())]
    Unrecognised {
        /// The file.
        path: PathBuf,
        /// What the file looks like.
        looks_like: String,
        /// Names of the formats.
        known: String,
    },
    /// A folder holds no file of the format.
    #[error("{}: the folder has no file with the ending {expected}", path.display())]
    NoFiles {
        /// The folder.
        path: PathBuf,
        /// The endings.
        expected: String,
    },
    /// The files do not say something that an option has to.
    #[error("{}: {what}; {option}", path.display())]
    Needed {
        /// The file.
        path: PathBuf,
        /// What is missing.
        what: String,
        /// The option that says it.
        option: &'static str,
    },
    /// An option names something that does not occur.
    #[error("{option} {name:?} does not occur; the files have {present}")]
    Absent {
        /// The option.
        option: &'static str,
        /// The name.
        name: String,
        /// The names that do.
        present: String,
    },
    /// A recording occurs twice.
    #[error("{}: recording {id:?} occurs twice; give each recording an id of its own, or read the files one by one", path.display())]
    RepeatedRecording {
        /// File in which it occurs for the second time.
        path: PathBuf,
        /// The recording.
        id: String,
    },
    /// A format cannot be read, or not be written.
    #[error("{format} cannot be {verb}; formats that can: {others}")]
    OneWay {
        /// Name of the format.
        format: &'static str,
        /// What cannot be done.
        verb: &'static str,
        /// Formats for which it can be done.
        others: String,
    },
    /// Two recordings would be written to one file.
    #[error(
        "recordings {first:?} and {second:?} would both be written to {name:?}; rename one of them"
    )]
    SameFile {
        /// A recording.
        first: String,
        /// Another one.
        second: String,
        /// The file.
        name: String,
    },
    /// Something cannot be written in a format.
    #[error("recording {id:?} cannot be written as {format}: {reason}")]
    Unwritable {
        /// The recording.
        id: String,
        /// Name of the format.
        format: &'static str,
        /// Why, and what to do.
        reason: String,
    },
    /// Several recordings are to go to a file that holds one.
    #[error("{}: a file of the format {format} holds one recording, and there are {count}; name a folder instead", path.display())]
    OneRecording {
        /// The file.
        path: PathBuf,
        /// Name of the format.
        format: &'static str,
        /// Number of recordings.
        count: usize,
    },
    /// A file or folder cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The file is not JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The file is missing or unreadable, or a line or a cell of it is wrong.
    #[error(transparent)]
    Text(#[from] TextFileError),
}

impl ExchangeError {
    /// The error for a part that holds `found`.
    pub(crate) fn part(
        path: &Path,
        place: impl Into<String>,
        found: &str,
        expected: impl Into<String>,
    ) -> Self {
        Self::Part {
            path: path.to_owned(),
            place: place.into(),
            found: shortened(found),
            expected: expected.into(),
        }
    }
}
