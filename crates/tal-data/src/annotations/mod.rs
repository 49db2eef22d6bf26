//! The annotation JSON that ActionFormer, TriDet and OpenTAD share.
//!
//! ```json
//! {"version": "…", "database": {"ID": {"subset": "training", "duration": 12.3, "fps": 30.0,
//!   "annotations": [{"segment": [1.0, 2.5], "label": "jump", "label_id": 0}]}}}
//! ```
//!
//! `duration`, `fps` and `label_id` may be missing; other fields are ignored here ([`extra`] reads those of weak
//! supervision), but for a list of all class names, `classes`, which gives ids if no annotation has one. Times are in
//! seconds.
//!
//! [`subsets`] changes which subset a recording belongs to.

mod check;
mod classes;
mod document;
mod draft;
pub(crate) mod error;
pub mod extra;
mod fields;
mod rule;
mod salvage;
pub mod subsets;

use std::path::Path;

use serde_json::{Map, Value, json};
use tal_core::GroundTruth;
use tal_core::atomic::write_atomic;

pub use error::Place;
pub use rule::{SegmentFault, SegmentRule, Treatment, segment_fault};

pub use salvage::{Salvage, salvage};

use crate::AnnotationError;
use crate::json::from_json;
use crate::text;

/// Reads an annotation file.
///
/// Label ids are those of the file. If no annotation of the whole file has one, ids follow the file's `classes`, or the
/// sorted label names if it has no such list; an annotation without id takes the id that its label has elsewhere. Repeated annotations are kept, see
/// [`tal_core::remove_duplicates`]. Annotations that end before they start or have no length are left out with one warning,
/// see [`SegmentRule`]; [`read_with`] takes another rule. Numbers may be written as texts.
///
/// `num_classes` bounds the label ids and the number of labels; `None` leaves them unbounded.
///
/// # Units
/// Segments and durations in seconds, `fps` in frames per second.
///
/// # Errors
/// A file that is missing or unreadable; JSON syntax (with line and column); a missing or wrong field; a recording that
/// occurs twice; a segment with ends that are not finite; a label id outside `0..num_classes`; a label with
/// two ids or an id with two labels (the released code lets the last one win); a label that `classes` lacks if it gives
/// the ids, or a name that it has twice; more labels than `num_classes`.
///
/// # Source
/// The authors' public code.
pub fn read(path: &Path, num_classes: Option<usize>) -> Result<GroundTruth, AnnotationError> {
    read_with(path, num_classes, SegmentRule::USUAL)
}

/// [`read`] with another rule for annotations without length and reversed ones.
///
/// # Errors
/// Those of [`read`], and such an annotation if the rule refuses it.
pub fn read_with(
    path: &Path,
    num_classes: Option<usize>,
    rule: SegmentRule,
) -> Result<GroundTruth, AnnotationError> {
    parse_with(&read_bytes(path)?, path, num_classes, rule)
}

/// [`read`] of a file's content; errors name `path`.
///
/// # Errors
/// Those of [`read`], except for those of the file system.
pub fn parse(
    bytes: &[u8],
    path: &Path,
    num_classes: Option<usize>,
) -> Result<GroundTruth, AnnotationError> {
    parse_with(bytes, path, num_classes, SegmentRule::USUAL)
}

/// [`read_with`] of a file's content; errors name `path`.
///
/// # Errors
/// Those of [`read_with`], except for those of the file system.
pub fn parse_with(
    bytes: &[u8],
    path: &Path,
    num_classes: Option<usize>,
    rule: SegmentRule,
) -> Result<GroundTruth, AnnotationError> {
    let document = from_json(bytes, path)?;
    check::ground_truth(&document, path, num_classes, rule, &mut Err)
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, AnnotationError> {
    text::open(path).map_err(|source| AnnotationError::Read {
        path: path.to_owned(),
        source,
    })
}

/// Writes an annotation file that [`read`] reads back unchanged; an existing file is replaced at once.
///
/// # Units
/// Segments and durations in seconds.
///
/// # Errors
/// If the file cannot be written.
pub fn write(path: &Path, truth: &GroundTruth, version: &str) -> Result<(), AnnotationError> {
    let document = to_json(truth, version);
    write_atomic(path, |out| {
        serde_json::to_writer_pretty(&mut *out, &document)?;
        out.write_all(b"\n")
    })
    .map_err(|source| AnnotationError::Write {
        path: path.to_owned(),
        source,
    })
}

/// The content of a file that [`write()`] makes.
pub fn to_json(truth: &GroundTruth, version: &str) -> Value {
    let mut database = Map::new();
    for recording in &truth.recordings {
        let mut entry = Map::new();
        entry.insert("subset".into(), json!(recording.subset));
        if let Some(duration) = recording.duration {
            entry.insert("duration".into(), json!(duration));
        }
        if let Some(fps) = recording.fps {
            entry.insert("fps".into(), json!(fps));
        }
        let annotations: Vec<Value> = recording
            .instances
            .iter()
            .map(|instance| {
                json!({
                    "segment": [instance.segment.start, instance.segment.end],
                    "label": truth.classes.display_name(instance.label),
                    "label_id": instance.label,
                })
            })
            .collect();
        entry.insert("annotations".into(), Value::Array(annotations));
        database.insert(recording.id.clone(), Value::Object(entry));
    }
    json!({"version": version, "database": database})
}

#[cfg(test)]
mod tests {
    use super::*;
    use tal_core::{ClassMap, Instance, Recording, Segment};

    fn instance(start: f64, end: f64, label: u32) -> Instance {
        Instance {
            segment: Segment::new(start, end),
            label,
        }
    }

    #[test]
    fn written_files_read_back_unchanged() {
        let truth = GroundTruth {
            classes: ClassMap::from_names(["run", "jump"]).unwrap(),
            recordings: vec![
                Recording {
                    id: "b".into(),
                    subset: "training".into(),
                    duration: Some(10.1),
                    fps: Some(29.97),
                    instances: vec![instance(0.1, 1.0 / 3.0, 1), instance(0.1, 0.2, 0)],
                },
                Recording {
                    id: "a".into(),
                    subset: "test".into(),
                    duration: None,
                    fps: None,
                    instances: Vec::new(),
                },
            ],
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("annotations.json");
        write(&path, &truth, "1").unwrap();
        assert_eq!(read(&path, Some(2)).unwrap(), truth);
    }
}
