//! What can be read of a broken annotation file, with everything that is wrong in it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};
use tal_core::GroundTruth;

use super::document::{self, Document, Entries};
use super::{AnnotationError, Place, check};

/// Conflicts between labels and ids that are told apart; a file with more has ids that mean nothing.
const MAX_CONFLICTS: usize = 100;

/// What [`salvage`] found.
#[derive(Debug)]
pub struct Salvage {
    /// The recordings and annotations that are right.
    pub truth: GroundTruth,
    /// What is wrong, in the order of the file.
    pub errors: Vec<AnnotationError>,
    /// The subsets in which recordings that occur twice or more stand, by their ids.
    pub repeated: BTreeMap<String, Vec<String>>,
}

/// Reads an annotation file as [`super::read`] does, but leaves out what is wrong instead of stopping there.
///
/// An annotation that is wrong by itself is left out, a recording that is wrong by itself with all its annotations. Of a
/// label with two ids, or an id with two labels, the pair that stands first in the file stays.
///
/// # Errors
/// A file that is unreadable, no JSON, or without database.
pub fn salvage(path: &Path, num_classes: Option<usize>) -> Result<Salvage, AnnotationError> {
    let bytes = std::fs::read(path).map_err(|source| AnnotationError::Read {
        path: path.to_owned(),
        source,
    })?;
    let Document { database, classes } = document::parse(&bytes, path)?;
    let Some(Entries(database)) = database else {
        return Err(AnnotationError::MissingField {
            place: Box::new(Place {
                path: path.to_owned(),
                recording: String::new(),
                annotation: None,
            }),
            field: "database",
            expected: "an object from recording ids to recordings",
        });
    };
    let mut reader = Reader {
        path,
        num_classes,
        classes,
        errors: Vec::new(),
    };
    let mut subsets: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut entries = Vec::with_capacity(database.len());
    for (id, value) in database {
        let of_id = subsets.entry(id.clone()).or_default();
        let subset = value.get("subset").and_then(Value::as_str);
        of_id.push(subset.unwrap_or_default().to_owned());
        if of_id.len() > 1 {
            let place = Box::new(Place {
                path: path.to_owned(),
                recording: id,
                annotation: None,
            });
            let error = AnnotationError::RepeatedRecording { place };
            reader.errors.push(error);
            continue;
        }
        entries.extend(reader.recording(id, value));
    }
    let truth = reader.together(entries)?;
    subsets.retain(|_, subsets| subsets.len() > 1);
    Ok(Salvage {
        truth,
        errors: reader.errors,
        repeated: subsets,
    })
}

/// A recording that is right by itself.
struct Entry {
    id: String,
    /// Its fields but for the annotations.
    fields: Map<String, Value>,
    /// Its annotations with their places in the file.
    annotations: Vec<(usize, Value)>,
}

impl Entry {
    fn pair(&self) -> (String, Value) {
        let annotations = self.annotations.iter().map(|(_, value)| value.clone());
        let mut fields = self.fields.clone();
        fields.insert(
            "annotations".to_owned(),
            Value::Array(annotations.collect()),
        );
        (self.id.clone(), Value::Object(fields))
    }
}

struct Reader<'a> {
    path: &'a Path,
    num_classes: Option<usize>,
    /// The file's list of classes.
    classes: Option<Value>,
    errors: Vec<AnnotationError>,
}

impl Reader<'_> {
    /// Checks a recording by itself: first its own fields, then each annotation.
    fn recording(&mut self, id: String, value: Value) -> Option<Entry> {
        let (mut fields, annotations) = match value {
            Value::Object(mut fields) => match fields.remove("annotations") {
                Some(Value::Array(annotations)) => (fields, annotations),
                None | Some(Value::Null) => (fields, Vec::new()),
                Some(other) => {
                    fields.insert("annotations".to_owned(), other);
                    (fields, Vec::new())
                }
            },
            other => {
                self.errors.extend(self.check(&id, other));
                return None;
            }
        };
        if let Some(error) = self.check(&id, Value::Object(fields.clone())) {
            self.errors.push(error);
            return None;
        }
        let mut kept = Vec::with_capacity(annotations.len());
        for (index, annotation) in annotations.into_iter().enumerate() {
            let alone = Value::Array(vec![annotation.clone()]);
            fields.insert("annotations".to_owned(), alone);
            match self.check(&id, Value::Object(fields.clone())) {
                None => kept.push((index, annotation)),
                Some(mut error) => {
                    if let Some(place) = place_mut(&mut error) {
                        place.annotation = Some(index);
                    }
                    self.errors.push(error);
                }
            }
        }
        fields.remove("annotations");
        Some(Entry {
            id,
            fields,
            annotations: kept,
        })
    }

    /// What is wrong with a recording by itself. How its labels agree with others shows only later.
    fn check(&self, id: &str, value: Value) -> Option<AnnotationError> {
        let alone = Entries(vec![(id.to_owned(), value)]);
        let document = Document {
            database: Some(alone),
            classes: self.classes.clone(),
        };
        check::ground_truth(document, self.path, self.num_classes)
            .err()
            .filter(|error| {
                !matches!(
                    error,
                    AnnotationError::ClassConflict { .. }
                        | AnnotationError::MissingLabelId { .. }
                        | AnnotationError::TooManyLabels { .. }
                        | AnnotationError::ClassList { .. }
                )
            })
    }

    /// Reads the recordings together. Every round leaves out what the last one stumbled over.
    fn together(&mut self, mut entries: Vec<Entry>) -> Result<GroundTruth, AnnotationError> {
        let mut num_conflicts = 0;
        loop {
            let document = Document {
                database: Some(Entries(entries.iter().map(Entry::pair).collect())),
                classes: self.classes.clone(),
            };
            let error = match check::ground_truth(document, self.path, self.num_classes) {
                Ok(truth) => return Ok(truth),
                Err(error) => error,
            };
            let conflict = match &error {
                AnnotationError::ClassConflict { place, .. }
                | AnnotationError::MissingLabelId { place, .. } => at(&entries, place),
                AnnotationError::TooManyLabels { .. } => {
                    self.num_classes = None;
                    self.errors.push(error);
                    continue;
                }
                AnnotationError::ClassList { .. } | AnnotationError::UnlistedLabel { .. } => {
                    self.classes = None;
                    self.errors.push(error);
                    continue;
                }
                _ => return Err(error),
            };
            let Some((index, name)) = conflict else {
                return Err(error);
            };
            let mut error = error;
            if let Some(place) = place_mut(&mut error) {
                place.annotation = Some(index);
            }
            self.errors.push(error);
            num_conflicts += 1;
            for entry in &mut entries {
                if num_conflicts < MAX_CONFLICTS {
                    entry
                        .annotations
                        .retain(|(_, annotation)| named(annotation) != name);
                } else {
                    for (_, annotation) in &mut entry.annotations {
                        if let Value::Object(fields) = annotation {
                            fields.remove("label_id");
                        }
                    }
                }
            }
        }
    }
}

/// Label and id of an annotation.
type Named = (Option<String>, Option<f64>);

fn named(annotation: &Value) -> Named {
    let label = annotation.get("label").and_then(Value::as_str);
    let id = annotation.get("label_id").and_then(Value::as_f64);
    (label.map(str::to_owned), id)
}

/// The annotation of a place among those that are left: its index in the file, its label and id.
fn at(entries: &[Entry], place: &Place) -> Option<(usize, Named)> {
    let entry = entries.iter().find(|entry| entry.id == place.recording)?;
    let (index, annotation) = entry.annotations.get(place.annotation?)?;
    Some((*index, named(annotation)))
}

fn place_mut(error: &mut AnnotationError) -> Option<&mut Place> {
    match error {
        AnnotationError::MissingField { place, .. }
        | AnnotationError::WrongField { place, .. }
        | AnnotationError::RepeatedRecording { place }
        | AnnotationError::ReversedSegment { place, .. }
        | AnnotationError::LabelOutOfRange { place, .. }
        | AnnotationError::ClassConflict { place, .. }
        | AnnotationError::MissingLabelId { place, .. }
        | AnnotationError::UnlistedLabel { place, .. } => Some(place),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn salvaged(database: Value, num_classes: usize) -> Salvage {
        text(&json!({ "database": database }).to_string(), num_classes)
    }

    fn text(text: &str, num_classes: usize) -> Salvage {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        std::fs::write(&path, text).unwrap();
        salvage(&path, Some(num_classes)).unwrap()
    }

    fn action(start: f64, end: f64, label: &str, id: u32) -> Value {
        json!({"segment": [start, end], "label": label, "label_id": id})
    }

    #[test]
    fn everything_wrong_is_named_and_the_rest_is_read() {
        let salvage = salvaged(
            json!({
                "a": {"subset": "training", "annotations": [
                    action(0.0, 1.0, "run", 0), action(3.0, 2.0, "run", 0), action(1.0, 2.0, "jump", 7),
                    {"segment": "x", "label": "run"}, action(4.0, 5.0, "jump", 1)]},
                "b": {"annotations": [action(0.0, 1.0, "run", 0)]},
                "c": {"subset": "test", "fps": -1, "annotations": []},
                "d": {"subset": "test", "annotations": {}},
                "e": 5,
                "f": {"subset": "test"},
            }),
            2,
        );
        let places: Vec<String> = salvage
            .errors
            .into_iter()
            .map(|mut error| {
                let place = place_mut(&mut error).unwrap();
                format!("{} {:?}", place.recording, place.annotation)
            })
            .collect();
        assert_eq!(
            places,
            [
                "a Some(1)",
                "a Some(2)",
                "a Some(3)",
                "b None",
                "c None",
                "d None",
                "e None"
            ]
        );
        let left = salvage.truth.recordings;
        let left: Vec<_> = left
            .iter()
            .map(|r| (r.id.as_str(), r.instances.len()))
            .collect();
        assert_eq!(left, [("a", 2), ("f", 0)]);
    }

    #[test]
    fn conflicting_labels_are_told_once() {
        let salvage = salvaged(
            json!({
                "a": {"subset": "s", "annotations": [action(0.0, 1.0, "run", 0), action(0.0, 1.0, "fall", 0)]},
                "b": {"subset": "s", "annotations": [action(0.0, 1.0, "fall", 0), action(2.0, 3.0, "run", 1)]},
                "c": {"subset": "s", "annotations": [
                    {"segment": [0, 1], "label": "run"}, {"segment": [0, 1], "label": "jump"}]},
            }),
            2,
        );
        let errors: Vec<String> = salvage.errors.iter().map(ToString::to_string).collect();
        assert_eq!(errors.len(), 3, "{errors:?}");
        assert!(errors[0].contains("recording \"a\", annotation 1: class id 0 has two names"));
        assert!(
            errors[1].contains("recording \"b\", annotation 1: class \"run\" has two ids, 0 and 1")
        );
        assert!(
            errors[2].contains("recording \"c\", annotation 1: label \"jump\" has no label_id")
        );
        let counts: Vec<_> = salvage
            .truth
            .recordings
            .iter()
            .map(|r| r.instances.len())
            .collect();
        assert_eq!(counts, [1, 0, 1]);
    }

    #[test]
    fn repeated_recordings_tell_their_subsets() {
        let salvage = text(
            r#"{"database": {"a": {"subset": "training"}, "a": {"subset": "test"}, "b": {"subset": "test"}}}"#,
            2,
        );
        assert_eq!(salvage.truth.recordings.len(), 2);
        assert_eq!(salvage.repeated["a"], ["training", "test"]);
        assert_eq!(salvage.repeated.len(), 1);
        assert!(matches!(
            salvage.errors[..],
            [AnnotationError::RepeatedRecording { .. }]
        ));
    }

    #[test]
    fn too_many_labels_and_meaningless_ids_leave_names() {
        let names = ["a", "b", "c"].map(|label| json!({"segment": [0, 1], "label": label}));
        let salvage = salvaged(json!({"r": {"subset": "s", "annotations": names}}), 2);
        assert!(matches!(
            salvage.errors[..],
            [AnnotationError::TooManyLabels { found: 3, .. }]
        ));
        assert_eq!(salvage.truth.classes.len(), 3);
        let ids: Vec<Value> = (0..300).map(|id| action(0.0, 1.0, "run", id)).collect();
        let salvage = salvaged(json!({"r": {"subset": "s", "annotations": ids}}), 1000);
        assert_eq!(salvage.errors.len(), MAX_CONFLICTS);
        assert_eq!(salvage.truth.classes.len(), 1);
    }
}
