//! Errors of the system about a file or folder.

use std::io;
use std::path::{Path, PathBuf};

/// A file or folder that cannot be read, written or made.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}", path.display())]
pub struct FileError {
    /// The action that failed, such as `read` or `write click file`.
    pub action: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// The error of the system.
    pub source: io::Error,
}

impl FileError {
    /// Adds action and path to an error of the system, for `map_err`.
    pub fn at(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self {
            action,
            path: path.to_owned(),
            source,
        }
    }
}
