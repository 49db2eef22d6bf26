//! Detections in files: the result JSON of the ActivityNet challenge, tables, JSON Lines, and pickles of ActionFormer and its
//! relatives.
//!
//! Detections without a label, or with the one label of a class-agnostic run, are proposals; their label is
//! [`tal_core::Detection::NO_CLASS`]. A file has only proposals or none.

mod activity_net;
mod columns;
mod data_frame;
pub(crate) mod error;
mod format;
mod json_lines;
mod labels;
mod merge;
mod pickle;
mod shards;
mod table;
mod writer;
mod written_labels;

use crate::ResultsError;
use std::path::Path;

use tal_core::{ClassMap, DetectionSet};

use crate::text::cut;

pub use activity_net::{parse_json, read_json, write_json};
pub use format::ResultFormat;
pub use json_lines::{parse_json_lines, read_json_lines, write_json_lines};
pub use merge::{MergeError, MergeReport, merge};
pub use pickle::{parse_pickle, read_pickle};
pub use shards::{PARTIAL, Shard};
pub use table::{parse_csv, read_csv, write_csv};
pub use writer::{DetectedRecording, ResultsWriter, json_line};
pub use written_labels::labels;

use self::labels::Labels;

/// Reads detections; the file's extension (`json`, `jsonl`, `csv`, `tsv`; `pkl`, `pickle`, `pt`, `pth`) says how. A folder
/// has JSON Lines.
///
/// # Units
/// Segments in seconds.
///
/// # Errors
/// Another extension; as [`read_json`], [`read_csv`], [`read_json_lines`] and [`read_pickle`].
pub fn read(path: &Path, classes: &ClassMap) -> Result<DetectionSet, ResultsError> {
    if path.is_dir() {
        return read_json_lines(path, classes);
    }
    match (ResultFormat::of_path(path), extension(path).as_deref()) {
        (Some(ResultFormat::ActivityNet), _) => read_json(path, classes),
        (Some(ResultFormat::Csv | ResultFormat::Tsv), _) => read_csv(path, classes),
        (Some(ResultFormat::JsonLines), _) => read_json_lines(path, classes),
        (None, Some("pkl" | "pickle" | "pt" | "pth")) => read_pickle(path, classes),
        (None, _) => Err(ResultsError::Extension {
            path: path.to_owned(),
        }),
    }
}

/// Writes detections; the file's extension (`json`, `jsonl`, `csv`, `tsv`) says how. An existing file is replaced at once.
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
    match ResultFormat::of_path(path) {
        Some(format) => writer::write_set(path, format, detections, classes),
        None => Err(ResultsError::Extension {
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
