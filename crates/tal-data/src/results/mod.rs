//! Detections in files: the result JSON of the ActivityNet challenge, and tables.

mod activity_net;
pub(crate) mod error;
mod table;

use crate::ResultsError;
use std::collections::BTreeMap;
use std::path::Path;

use tal_core::{ClassMap, Detection, DetectionSet, Segment};

use crate::text::cut;

pub use activity_net::{parse_json, read_json, write_json};
pub use table::{parse_csv, read_csv, write_csv};

/// Reads detections; the file's extension (`json`, `csv`, `tsv`) says how.
///
/// # Units
/// Segments in seconds.
///
/// # Errors
/// Another extension; as [`read_json`] and [`read_csv`].
pub fn read(path: &Path, classes: &ClassMap) -> Result<DetectionSet, ResultsError> {
    match extension(path).as_deref() {
        Some("json") => read_json(path, classes),
        Some("csv" | "tsv") => read_csv(path, classes),
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

/// Ids by name, those without a name under the name that is written for them.
struct Labels<'a> {
    ids: BTreeMap<&'a str, u32>,
}

impl<'a> Labels<'a> {
    fn new(classes: &'a ClassMap) -> Self {
        Self {
            ids: classes.iter().map(|(id, name)| (name, id)).collect(),
        }
    }

    fn id(&self, name: &str) -> Option<u32> {
        self.ids
            .get(name)
            .copied()
            .or_else(|| number(name.strip_prefix("class_")?))
    }

    /// Those of [`Labels::id`], or the id itself; a name comes first.
    fn id_or_number(&self, name: &str) -> Option<u32> {
        self.id(name).or_else(|| number(name))
    }
}

/// Digits alone: the standard parser would also take a plus sign.
fn number(text: &str) -> Option<u32> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// A detection from its parts; `label` is the id that was found and the text it was found for, `at` names the place for errors.
fn detection(
    labels: &Labels<'_>,
    path: &Path,
    at: impl Fn() -> String,
    label: (Option<u32>, &str),
    score: f64,
    segment: Segment,
) -> Result<Detection, ResultsError> {
    let wrong = |message: String| ResultsError::Value {
        path: path.to_owned(),
        place: at(),
        message,
    };
    let (Some(id), _) = label else {
        let known: Vec<&str> = labels.ids.keys().copied().take(5).collect();
        return Err(wrong(format!(
            "label {:?} is not a class; the classes begin with {}",
            shortened(label.1),
            known.join(", ")
        )));
    };
    if !score.is_finite() {
        return Err(wrong(format!("score {score}; expected a finite number")));
    }
    if !segment.is_ordered() {
        return Err(wrong(format!(
            "segment [{}, {}]; expected finite start <= end (seconds)",
            segment.start, segment.end
        )));
    }
    Ok(Detection {
        segment,
        label: id,
        score,
    })
}
