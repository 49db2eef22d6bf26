//! Detections in files: the result JSON of the ActivityNet challenge, tables, and pickles of ActionFormer and its relatives.
//!
//! Detections without a label, or with the one label of a class-agnostic run, are proposals; their label is
//! [`tal_core::Detection::NO_CLASS`]. A file has only proposals or none.

mod activity_net;
mod columns;
mod data_frame;
pub(crate) mod error;
mod labels;
mod pickle;
mod table;

use crate::ResultsError;
use std::path::Path;

use tal_core::{ClassMap, DetectionSet};

use crate::text::cut;

pub use activity_net::{parse_json, read_json, write_json};
pub use pickle::{parse_pickle, read_pickle};
pub use table::{parse_csv, read_csv, write_csv};

use labels::Labels;

/// Reads detections; the file's extension (`json`, `csv`, `tsv`; `pkl`, `pickle`, `pt`, `pth`) says how.
///
/// # Units
/// Segments in seconds.
///
/// # Errors
/// Another extension; as [`read_json`], [`read_csv`] and [`read_pickle`].
pub fn read(path: &Path, classes: &ClassMap) -> Result<DetectionSet, ResultsError> {
    match extension(path).as_deref() {
        Some("json") => read_json(path, classes),
        Some("csv" | "tsv") => read_csv(path, classes),
        Some("pkl" | "pickle" | "pt" | "pth") => read_pickle(path, classes),
        _ => Err(ResultsError::Extension {
            path: path.to_owned(),
        }),
    }
}

/// Writes detections; the file's extension (`json`, `csv`, `tsv`) says how. An existing file is replaced at once.
///
/// # Units
/// Segments in seconds.
///
/// # Errors
/// Another extension; a file that cannot be written.
pub fn write(
    path: &Path,
    detections: &DetectionSet,
    classes: &ClassMap,
) -> Result<(), ResultsError> {
    match extension(path).as_deref() {
        Some("json") => write_json(path, detections, classes),
        Some("csv" | "tsv") => write_csv(path, detections, classes),
        _ => Err(ResultsError::Extension {
            path: path.to_owned(),
        }),
    }
}

/// A text, cut if it is too long for a message; longer than usual, as it may be a message itself.
fn shortened(text: &str) -> String {
    cut(text, 200)
}

fn extension(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_ascii_lowercase())
}
