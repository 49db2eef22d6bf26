//! Recordings of an annotation file, checked.
//!
//! Every error goes to a sink. A sink that returns it ends the check, as reading does; one that keeps it lets the check go
//! on without what is wrong, as an audit does.

use std::collections::HashSet;
use std::path::Path;

use serde_json::Value;
use tal_core::{ClassMap, GroundTruth, Instance, Recording, Segment};

use super::classes::class_map;
use super::document::Document;
use super::draft::{Draft, Sink};
use super::fields::{is_number, missing_or_wrong, number, object, positive, seconds};
use super::rule::{LeftOut, SegmentFault, SegmentRule, Treatment, segment_fault};
use super::{AnnotationError, Place};

pub(super) fn ground_truth(
    document: &Document,
    path: &Path,
    num_classes: Option<usize>,
    rule: SegmentRule,
    sink: &mut Sink<'_>,
) -> Result<GroundTruth, AnnotationError> {
    let database = &document.entries(path)?.0;
    let mut seen = HashSet::new();
    let mut recordings = Vec::with_capacity(database.len());
    let mut drafts = Vec::new();
    let mut left_out = LeftOut::default();
    for (id, value) in database {
        let at = |annotation| Place::of(path, id, annotation);
        if !seen.insert(id.as_str()) {
            sink(AnnotationError::RepeatedRecording { place: at(None) })?;
            continue;
        }
        let (recording, annotations) = match read_recording(id, value, || at(None)) {
            Ok(found) => found,
            Err(error) => {
                sink(error)?;
                continue;
            }
        };
        for (index, value) in annotations.iter().enumerate() {
            let number = recordings.len();
            match read_annotation(number, at(Some(index)), value, num_classes) {
                Ok(mut draft) => {
                    let fault = segment_fault(draft.segment);
                    match fault.map(|fault| (fault, rule.of(fault))) {
                        None | Some((_, Treatment::Kept)) => drafts.push(draft),
                        Some((fault, Treatment::LeftOut)) => {
                            left_out.add(fault, &draft.place, draft.segment);
                            // Its class stays a class: ids must not depend on what is left out.
                            draft.is_left_out = true;
                            drafts.push(draft);
                        }
                        Some((fault, Treatment::Refused)) => sink(faulty(fault, draft))?,
                    }
                }
                Err(error) => sink(error)?,
            }
        }
        recordings.push(recording);
    }
    left_out.warn(path);
    let classes = class_map(path, &mut drafts, document.class_names().as_deref(), sink)?;
    if let Some(num_classes) = num_classes
        && classes.len() > num_classes
    {
        sink(too_many(path, &classes, num_classes))?;
    }
    for draft in drafts.into_iter().filter(|draft| !draft.is_left_out) {
        // Every label has an id by now.
        let Some(label) = draft.id else { continue };
        let segment = draft.segment;
        let instances = &mut recordings[draft.recording].instances;
        instances.push(Instance { segment, label });
    }
    Ok(GroundTruth {
        classes,
        recordings,
    })
}

fn too_many(path: &Path, classes: &ClassMap, num_classes: usize) -> AnnotationError {
    let names: Vec<&str> = classes.iter().map(|(_, name)| name).take(5).collect();
    let more = if classes.len() > 5 { ", …" } else { "" };
    AnnotationError::TooManyLabels {
        path: path.to_owned(),
        found: classes.len(),
        names: names.join(", ") + more,
        num_classes,
    }
}

/// A recording without its actions, and the values of these.
fn read_recording<'a>(
    id: &str,
    value: &'a Value,
    at: impl Fn() -> Box<Place>,
) -> Result<(Recording, &'a [Value]), AnnotationError> {
    let entry = object(value, "recording", &at)?;
    let subset = match entry.get("subset") {
        Some(Value::String(subset)) => subset.clone(),
        found => {
            let expected = "a text, such as \"training\"";
            return Err(missing_or_wrong(found, "subset", expected, at()));
        }
    };
    let duration = positive(entry, "duration", "seconds above 0", &at)?;
    let fps = positive(entry, "fps", "frames per second above 0", &at)?;
    let annotations = match entry.get("annotations") {
        Some(Value::Array(annotations)) => annotations.as_slice(),
        // A test set without answers.
        None | Some(Value::Null) => &[],
        found => return Err(missing_or_wrong(found, "annotations", "a list", at())),
    };
    let recording = Recording {
        id: id.to_owned(),
        subset,
        duration,
        fps,
        instances: Vec::new(),
    };
    Ok((recording, annotations))
}

fn read_annotation(
    recording: usize,
    place: Box<Place>,
    value: &Value,
    num_classes: Option<usize>,
) -> Result<Draft<'_>, AnnotationError> {
    let entry = object(value, "annotation", || place.clone())?;
    let label = match entry.get("label") {
        Some(Value::String(label)) => label.as_str(),
        found => {
            let expected = "the name of a class";
            return Err(missing_or_wrong(found, "label", expected, place));
        }
    };
    let segment = match entry.get("segment") {
        Some(Value::Array(ends)) if ends.len() == 2 && ends.iter().all(is_number) => {
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
    let id = match entry.get("label_id") {
        None | Some(Value::Null) => None,
        Some(value) => Some(label_id(value, label, &place, num_classes)?),
    };
    Ok(Draft {
        recording,
        place,
        segment,
        label,
        id,
        is_left_out: false,
    })
}

fn faulty(fault: SegmentFault, draft: Draft<'_>) -> AnnotationError {
    let Segment { start, end } = draft.segment;
    let place = draft.place;
    match fault {
        SegmentFault::Reversed => AnnotationError::ReversedSegment { place, start, end },
        SegmentFault::Empty => AnnotationError::EmptySegment { place, at: start },
    }
}

fn label_id(
    value: &Value,
    label: &str,
    place: &Place,
    num_classes: Option<usize>,
) -> Result<u32, AnnotationError> {
    // Some writers turn ids into floats.
    let whole = value.as_u64().or_else(|| {
        number(value)
            .filter(|id| *id >= 0.0 && id.fract() == 0.0 && *id < 9e15)
            .map(|id| id as u64)
    });
    let place = || Box::new(place.clone());
    let Some(id) = whole else {
        let expected = "a whole number from 0";
        return Err(missing_or_wrong(Some(value), "label_id", expected, place()));
    };
    // One below the maximum: the classes' bound is the largest id plus one.
    let bound = num_classes.map_or(u64::from(u32::MAX), |n| n as u64);
    match u32::try_from(id) {
        Ok(small) if id < bound => Ok(small),
        _ => Err(AnnotationError::LabelOutOfRange {
            place: place(),
            label: label.to_owned(),
            id,
            num_classes: num_classes.unwrap_or(u32::MAX as usize),
        }),
    }
}
