//! Errors of this crate.

use std::error::Error;
use std::io;
use std::path::PathBuf;

/// A plot that was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// The picture would have too many rows or columns.
    #[error("cannot draw {}: it would be {width} x {height} pixels, must be at most {limit} in each direction", path.display())]
    TooLarge {
        /// The file that it was meant for.
        path: PathBuf,
        /// The width, in pixels.
        width: i32,
        /// The height, in pixels.
        height: i32,
        /// The largest width and height, in pixels.
        limit: i32,
    },
    /// The drawing library failed.
    #[error("cannot draw {}: {source}", path.display())]
    Draw {
        /// The file that it was meant for.
        path: PathBuf,
        /// The cause.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The file could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The answer of the file system.
        source: io::Error,
    },
}
