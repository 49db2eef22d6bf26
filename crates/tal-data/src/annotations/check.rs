//! From the file's outline to checked recordings.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

use serde_json::{Map, Value};
use tal_core::{ClassMap, GroundTruth, Instance, Recording, Segment};

use super::document::Document;
use super::{AnnotationError, Place};

/// An annotation whose label may still lack its id.
struct Draft {
    segment: Segment,
    label: String,
    id: Option<u32>,
}

pub(super) fn ground_truth(
    document: Document,
    path: &Path,
    num_classes: Option<usize>,
) -> Result<GroundTruth, AnnotationError> {
    let listed = document.class_names();
    let database = document
        .database
        .as_ref()
        .ok_or_else(|| AnnotationError::MissingField {
            place: place(path, "", None),
            field: "database",
            expected: "an object from recording ids to recordings",
        })?;
    let mut seen = HashSet::new();
    let mut recordings = Vec::with_capacity(database.0.len());
    let mut drafts = Vec::with_capacity(database.0.len());
    for (id, value) in &database.0 {
        if !seen.insert(id.as_str()) {
            return Err(AnnotationError::RepeatedRecording {
                place: place(path, id, None),
            });
        }
        let (recording, draft) = read_recording(path, id, value, num_classes)?;
        recordings.push(recording);
        drafts.push(draft);
    }

    let classes = class_map(path, &recordings, &drafts, listed.as_deref())?;
    if let Some(num_classes) = num_classes
        && classes.len() > num_classes
    {
        let names: Vec<&str> = classes.iter().map(|(_, name)| name).take(5).collect();
        let more = if classes.len() > 5 { ", …" } else { "" };
        return Err(AnnotationError::TooManyLabels {
            path: path.to_owned(),
            found: classes.len(),
            names: names.join(", ") + more,
            num_classes,
        });
    }
    let ids: HashMap<&str, u32> = classes.iter().map(|(id, name)| (name, id)).collect();
    for (recording, drafts) in recordings.iter_mut().zip(&drafts) {
        recording.instances = drafts
            .iter()
            .map(|draft| Instance {
                segment: draft.segment,
                label: ids[draft.label.as_str()],
            })
            .collect();
    }
    Ok(GroundTruth {
        classes,
        recordings,
    })
}

fn read_recording(
    path: &Path,
    id: &str,
    value: &Value,
    num_classes: Option<usize>,
) -> Result<(Recording, Vec<Draft>), AnnotationError> {
    let at = || place(path, id, None);
    let entry = object(value, "recording", at)?;
    let subset = match entry.get("subset") {
        Some(Value::String(subset)) => subset.clone(),
        found => {
            return Err(missing_or_wrong(
                found,
                "subset",
                "a text, such as \"training\"",
                at(),
            ));
        }
    };
    let duration = positive(entry, "duration", "seconds above 0", at)?;
    let fps = positive(entry, "fps", "frames per second above 0", at)?;
    let annotations = match entry.get("annotations") {
        Some(Value::Array(annotations)) => annotations.as_slice(),
        // A test set without answers.
        None | Some(Value::Null) => &[],
        found => return Err(missing_or_wrong(found, "annotations", "a list", at())),
    };
    let drafts = annotations
        .iter()
        .enumerate()
        .map(|(index, value)| read_annotation(place(path, id, Some(index)), value, num_classes))
        .collect::<Result<_, _>>()?;
    let recording = Recording {
        id: id.to_owned(),
        subset,
        duration,
        fps,
        instances: Vec::new(),
    };
    Ok((recording, drafts))
}

fn read_annotation(
    place: Box<Place>,
    value: &Value,
    num_classes: Option<usize>,
) -> Result<Draft, AnnotationError> {
    let entry = object(value, "annotation", || place.clone())?;
    let label = match entry.get("label") {
        Some(Value::String(label)) => label.clone(),
        found => {
            return Err(missing_or_wrong(
                found,
                "label",
                "the name of a class",
                place,
            ));
        }
    };
    let segment = match entry.get("segment") {
        Some(Value::Array(ends)) if ends.len() == 2 && ends.iter().all(Value::is_number) => {
            Segment::new(seconds(&ends[0]), seconds(&ends[1]))
        }
        found => {
            let expected = "two numbers, [start, end] in seconds";
            return Err(missing_or_wrong(found, "segment", expected, place));
        }
    };
    if !segment.start.is_finite() || !segment.end.is_finite() {
        return Err(AnnotationError::WrongField {
            place,
            field: "segment",
            found: format!("[{}, {}]", segment.start, segment.end),
            expected: "two finite numbers, [start, end] in seconds",
        });
    }
    if !segment.is_ordered() {
        return Err(AnnotationError::ReversedSegment {
            place,
            start: segment.start,
            end: segment.end,
        });
    }
    let id = match entry.get("label_id") {
        None | Some(Value::Null) => None,
        Some(value) => Some(label_id(value, &label, place, num_classes)?),
    };
    Ok(Draft { segment, label, id })
}

fn label_id(
    value: &Value,
    label: &str,
    place: Box<Place>,
    num_classes: Option<usize>,
) -> Result<u32, AnnotationError> {
    // Some writers turn ids into floats.
    let whole = value.as_u64().or_else(|| {
        value
            .as_f64()
            .filter(|id| *id >= 0.0 && id.fract() == 0.0 && *id < 9e15)
            .map(|id| id as u64)
    });
    let Some(id) = whole else {
        let expected = "a whole number from 0";
        return Err(missing_or_wrong(Some(value), "label_id", expected, place));
    };
    // One below the maximum: the classes' bound is the largest id plus one.
    let bound = num_classes.map_or(u64::from(u32::MAX), |n| n as u64);
    match u32::try_from(id) {
        Ok(small) if id < bound => Ok(small),
        _ => Err(AnnotationError::LabelOutOfRange {
            place,
            label: label.to_owned(),
            id,
            num_classes: num_classes.unwrap_or(u32::MAX as usize),
        }),
    }
}

/// Names by id: those of the annotations. Where they have no ids at all, those of the file's list, or the sorted names where
/// there is none.
fn class_map(
    path: &Path,
    recordings: &[Recording],
    drafts: &[Vec<Draft>],
    listed: Option<&[&str]>,
) -> Result<ClassMap, AnnotationError> {
    let all = || {
        recordings
            .iter()
            .zip(drafts)
            .flat_map(|(recording, drafts)| {
                drafts
                    .iter()
                    .enumerate()
                    .map(move |(index, draft)| (recording.id.as_str(), index, draft))
            })
    };
    let mut classes = ClassMap::default();
    if let Some(names) = listed
        && all().all(|(_, _, draft)| draft.id.is_none())
    {
        classes = ClassMap::from_names(names.iter().copied()).map_err(|source| {
            AnnotationError::ClassList {
                path: path.to_owned(),
                source,
            }
        })?;
        return match all().find(|(_, _, draft)| !names.contains(&draft.label.as_str())) {
            Some((recording, index, draft)) => Err(AnnotationError::UnlistedLabel {
                place: place(path, recording, Some(index)),
                label: draft.label.clone(),
                nearest: classes.nearest(&draft.label).map(str::to_owned),
            }),
            None => Ok(classes),
        };
    }
    if all().all(|(_, _, draft)| draft.id.is_none()) {
        let names: BTreeSet<&str> = all().map(|(_, _, draft)| draft.label.as_str()).collect();
        for (id, name) in names.into_iter().enumerate() {
            // Cannot fail: the names differ and each gets an id of its own.
            let _ = classes.insert(id as u32, name);
        }
        return Ok(classes);
    }
    let mut known: HashMap<&str, u32> = HashMap::new();
    for (recording, index, draft) in all() {
        let Some(id) = draft.id else { continue };
        if known.get(draft.label.as_str()) == Some(&id) {
            continue;
        }
        classes.insert(id, draft.label.as_str()).map_err(|source| {
            AnnotationError::ClassConflict {
                place: place(path, recording, Some(index)),
                source,
            }
        })?;
        known.insert(&draft.label, id);
    }
    match all().find(|(_, _, draft)| !known.contains_key(draft.label.as_str())) {
        Some((recording, index, draft)) => Err(AnnotationError::MissingLabelId {
            place: place(path, recording, Some(index)),
            label: draft.label.clone(),
        }),
        None => Ok(classes),
    }
}

pub(super) fn place(path: &Path, recording: &str, annotation: Option<usize>) -> Box<Place> {
    Box::new(Place {
        path: path.to_owned(),
        recording: recording.to_owned(),
        annotation,
    })
}

/// A number too large for a double reads as infinite, so that the check above names it.
fn seconds(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::INFINITY)
}

fn positive(
    entry: &Map<String, Value>,
    field: &'static str,
    expected: &'static str,
    at: impl Fn() -> Box<Place>,
) -> Result<Option<f64>, AnnotationError> {
    match entry.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_f64() {
            Some(number) if number.is_finite() && number > 0.0 => Ok(Some(number)),
            _ => Err(missing_or_wrong(Some(value), field, expected, at())),
        },
    }
}

pub(super) fn object<'a>(
    value: &'a Value,
    field: &'static str,
    at: impl Fn() -> Box<Place>,
) -> Result<&'a Map<String, Value>, AnnotationError> {
    value
        .as_object()
        .ok_or_else(|| missing_or_wrong(Some(value), field, "an object", at()))
}

pub(super) fn missing_or_wrong(
    found: Option<&Value>,
    field: &'static str,
    expected: &'static str,
    place: Box<Place>,
) -> AnnotationError {
    match found {
        None => AnnotationError::MissingField {
            place,
            field,
            expected,
        },
        Some(value) => AnnotationError::WrongField {
            place,
            field,
            found: shortened(&value.to_string()),
            expected,
        },
    }
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}
