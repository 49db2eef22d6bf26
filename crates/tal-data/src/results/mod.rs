//! Detections in files: the result JSON of the ActivityNet challenge, and CSV.

mod activity_net;
mod error;
mod table;

use std::collections::BTreeMap;
use std::path::Path;

use tal_core::{ClassMap, Detection, DetectionSet, Segment};

pub use activity_net::{parse_json, read_json, write_json};
pub use error::ResultsError;
pub use table::{parse_csv, read_csv, write_csv};

/// Reads detections; the file's extension (`json`, `csv`) says how.
///
/// # Units
/// Segments in seconds.
///
/// # Errors
/// Another extension; as [`read_json`] and [`read_csv`].
pub fn read(path: &Path, classes: &ClassMap) -> Result<DetectionSet, ResultsError> {
    match extension(path).as_deref() {
        Some("json") => read_json(path, classes),
        Some("csv") => read_csv(path, classes),
        _ => Err(ResultsError::Extension {
            path: path.to_owned(),
        }),
    }
}

/// Writes detections; the file's extension (`json`, `csv`) says how. An existing file is replaced at once.
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
        Some("csv") => write_csv(path, detections, classes),
        _ => Err(ResultsError::Extension {
            path: path.to_owned(),
        }),
    }
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
            .or_else(|| name.strip_prefix("class_")?.parse().ok())
    }
}

/// A detection from its parts; `at` names the place for errors.
fn detection(
    labels: &Labels<'_>,
    path: &Path,
    at: impl Fn() -> String,
    label: &str,
    score: f64,
    segment: Segment,
) -> Result<Detection, ResultsError> {
    let wrong = |message: String| ResultsError::Value {
        path: path.to_owned(),
        place: at(),
        message,
    };
    let Some(id) = labels.id(label) else {
        let known: Vec<&str> = labels.ids.keys().copied().take(5).collect();
        return Err(wrong(format!(
            "label {label:?} is no class; the classes begin with {}",
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
