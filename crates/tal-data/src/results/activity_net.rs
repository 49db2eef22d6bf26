//! `{"version", "results": {id: [{"label", "score", "segment": [start, end]}]}, "external_data": {}}`.

use std::fmt;
use std::path::Path;

use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use tal_core::atomic::write_atomic;
use tal_core::{ClassMap, DetectionSet, Segment};

use super::{Labels, ResultsError, detection};

#[derive(Serialize, Deserialize)]
struct Document {
    #[serde(default)]
    version: String,
    results: Results,
    #[serde(default)]
    external_data: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    label: String,
    score: f64,
    segment: [f64; 2],
}

/// Pairs in the file's order; a repeated recording is an error.
struct Results(Vec<(String, Vec<Entry>)>);

impl Serialize for Results {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(id, entries)| (id, entries)))
    }
}

impl<'de> Deserialize<'de> for Results {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ResultsVisitor;
        impl<'de> Visitor<'de> for ResultsVisitor {
            type Value = Results;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object from recording ids to lists of detections")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Results, M::Error> {
                let mut seen = std::collections::HashSet::new();
                let mut all = Vec::new();
                while let Some((id, entries)) = map.next_entry::<String, Vec<Entry>>()? {
                    if !seen.insert(id.clone()) {
                        return Err(M::Error::custom(format!("recording {id:?} occurs twice")));
                    }
                    all.push((id, entries));
                }
                Ok(Results(all))
            }
        }
        deserializer.deserialize_map(ResultsVisitor)
    }
}

/// Reads an ActivityNet result file; labels are names of `classes`, or `class_ID`.
///
/// # Units
/// Segments in seconds.
///
/// # Errors
/// A file that is missing, unreadable or not of this form (with line and column); a recording that occurs twice; an unknown
/// label; a score or segment that is not finite; a segment with `end < start`.
pub fn read_json(path: &Path, classes: &ClassMap) -> Result<DetectionSet, ResultsError> {
    let bytes = std::fs::read(path).map_err(|source| ResultsError::Read {
        path: path.to_owned(),
        source,
    })?;
    parse_json(&bytes, path, classes)
}

/// [`read_json`] of a file's content; `path` is only named in errors.
///
/// # Units
/// Segments in seconds.
///
/// # Errors
/// As [`read_json`], except for those of the file system.
pub fn parse_json(
    bytes: &[u8],
    path: &Path,
    classes: &ClassMap,
) -> Result<DetectionSet, ResultsError> {
    let document: Document =
        serde_json::from_slice(bytes).map_err(|error| ResultsError::Syntax {
            path: path.to_owned(),
            message: error.to_string(),
        })?;
    let labels = Labels::new(classes);
    let mut all = DetectionSet::new();
    for (id, entries) in document.results.0 {
        let detections = entries
            .iter()
            .enumerate()
            .map(|(index, entry)| {
                let at = || format!("recording {id:?}, detection {index}");
                let segment = Segment::new(entry.segment[0], entry.segment[1]);
                detection(&labels, path, at, &entry.label, entry.score, segment)
            })
            .collect::<Result<_, _>>()?;
        all.insert(id, detections);
    }
    Ok(all)
}

/// Writes an ActivityNet result file, recordings by id, detections in their order; an existing file is replaced at once.
///
/// # Units
/// Segments in seconds.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_json(
    path: &Path,
    detections: &DetectionSet,
    classes: &ClassMap,
) -> Result<(), ResultsError> {
    let entries = |id: &String| {
        detections[id]
            .iter()
            .map(|detection| Entry {
                label: classes.display_name(detection.label),
                score: detection.score,
                segment: [detection.segment.start, detection.segment.end],
            })
            .collect()
    };
    let document = Document {
        version: "VERSION 1.3".into(),
        results: Results(
            detections
                .keys()
                .map(|id| (id.clone(), entries(id)))
                .collect(),
        ),
        external_data: serde_json::Map::new(),
    };
    write_atomic(path, |out| {
        serde_json::to_writer(&mut *out, &document)?;
        out.write_all(b"\n")
    })
    .map_err(|source| ResultsError::Write {
        path: path.to_owned(),
        source,
    })
}
