//! Text files: their lines, quotations from them, and errors about them.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use crate::encoding;

/// Longest quotation from a file in a message, in characters.
const LONGEST: usize = 60;

/// Reason why a text file cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TextFileError {
    /// The file or folder is missing or unreadable.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// A line is wrong.
    #[error("{}: line {line}: {found:?}; expected {expected}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Its content.
        found: String,
        /// Right content.
        expected: String,
    },
    /// A cell of a table is wrong.
    #[error("{}: line {line}, column {column:?}: {found:?}; expected {expected}", path.display())]
    Cell {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Name of the column.
        column: String,
        /// Content of the cell.
        found: String,
        /// Right content.
        expected: String,
    },
    /// A table lacks a column.
    #[error("{}: no column {column:?} in the first line; expected {expected}", path.display())]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
        /// All columns that are needed.
        expected: String,
    },
}

impl TextFileError {
    /// The error for a line (from 1) that holds `found`.
    pub fn line(path: &Path, line: usize, found: &str, expected: impl Into<String>) -> Self {
        Self::Line {
            path: path.to_owned(),
            line,
            found: shortened(found),
            expected: expected.into(),
        }
    }
}

/// The entries of a folder that fit, in the order of their names.
///
/// # Errors
/// A folder that cannot be read.
pub fn entries(folder: &Path, fits: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>, TextFileError> {
    let unreadable = |source| TextFileError::Read {
        path: folder.to_owned(),
        source,
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if fits(&path) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The content of a text file as UTF-8 without a byte order mark, whether it is UTF-8 or UTF-16. All readers of whole text files
/// open them here.
///
/// # Errors
/// A file that is missing or unreadable.
pub fn read(path: &Path) -> Result<Vec<u8>, TextFileError> {
    open(path).map_err(|source| TextFileError::Read {
        path: path.to_owned(),
        source,
    })
}

/// [`read`] with the error of the operating system.
///
/// # Errors
/// A file that is missing or unreadable.
pub fn open(path: &Path) -> std::io::Result<Vec<u8>> {
    let bytes = std::fs::read(path)?;
    Ok(match decode(&bytes) {
        Cow::Borrowed(text) if text.len() == bytes.len() => bytes,
        text => text.into_owned(),
    })
}

/// The content of a text file as UTF-8 without a byte order mark.
pub fn decode(bytes: &[u8]) -> Cow<'_, [u8]> {
    encoding::decode(bytes)
}

/// The lines of a file's content with their numbers, from 1; lines may end with `\r\n`, and the first may begin with a byte
/// order mark. Errors name `path`.
///
/// # Errors
/// A line that is not UTF-8.
pub fn lines<'a>(
    bytes: &'a [u8],
    path: &'a Path,
) -> impl Iterator<Item = Result<(usize, &'a str), TextFileError>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let lines = bytes.split(|byte| *byte == b'\n');
    lines.enumerate().map(move |(index, line)| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match std::str::from_utf8(line) {
            Ok(line) => Ok((index + 1, line)),
            Err(_) => Err(TextFileError::line(
                path,
                index + 1,
                "bytes that are not text",
                "UTF-8",
            )),
        }
    })
}

/// A text, cut if it is too long for a message.
pub fn shortened(text: &str) -> String {
    cut(text, LONGEST)
}

/// A text of at most `longest` characters and an ellipsis.
pub(crate) fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

/// A text without the quotation marks around it, if it has both.
pub fn unquoted(text: &str) -> &str {
    let text = text.trim();
    for mark in ['"', '\''] {
        let inner = text
            .strip_prefix(mark)
            .and_then(|rest| rest.strip_suffix(mark));
        if let Some(inner) = inner.filter(|inner| !inner.contains(mark)) {
            return inner.trim();
        }
    }
    text
}

/// A finite number, spaces around it ignored.
pub fn finite(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|n: &f64| n.is_finite())
}
