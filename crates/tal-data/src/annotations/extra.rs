//! Fields of the annotation JSON that only weak supervision uses.
//!
//! ```json
//! {"classes": ["run", "jump"],
//!  "database": {"ID": {"subset": "training", "duration": 12.3, "labels": ["jump"],
//!    "annotations": [], "cut_off": [{"segment": [11.9, 12.3], "label": "run"}]}}}
//! ```
//!
//! `labels` names the classes that happen in a recording without saying when. `classes` names all classes by their ids; it is
//! needed only if the annotated actions of the file do not name them all, and also numbers the classes of annotated
//! actions without ids. `cut_off` holds remainders of actions at the
//! ends of a clip, which are too short to count as actions and are not background either.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use tal_core::Segment;

use super::fields::{missing_or_wrong, object};
use super::{AnnotationError, Place, read_bytes};
use crate::json::{Entries, from_json};

/// Content of the fields.
///
/// # Units
/// Segments in seconds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Extra {
    /// Ids of all recordings of the file.
    pub recordings: BTreeSet<String>,
    /// Names of the classes in the order of their ids, if the file lists them.
    pub classes: Option<Vec<String>>,
    /// Names of the classes of a recording by its id, for those that have a list.
    pub labels: BTreeMap<String, Vec<String>>,
    /// Remainders of actions by recording, for those that have any.
    pub cut_off: BTreeMap<String, Vec<Segment>>,
}

#[derive(Deserialize)]
struct Outline {
    database: Option<Entries>,
    classes: Option<Vec<String>>,
}

/// Reads the fields of an annotation file; all else in it is left to [`super::read`].
///
/// # Errors
/// A file that is missing, unreadable or no JSON; a field that holds something else.
pub fn read(path: &Path) -> Result<Extra, AnnotationError> {
    parse(&read_bytes(path)?, path)
}

/// [`read`] of a file's content; errors name `path`.
///
/// # Errors
/// Those of [`read`], except for those of the file system.
pub fn parse(bytes: &[u8], path: &Path) -> Result<Extra, AnnotationError> {
    let outline: Outline = from_json(bytes, path)?;
    let mut extra = Extra {
        classes: outline.classes,
        ..Extra::default()
    };
    let database = outline.database.map_or_else(Vec::new, |entries| entries.0);
    for (id, value) in database {
        let at = || Place::of(path, &id, None);
        let entry = object(&value, "recording", at)?;
        if let Some(value) = entry.get("labels").filter(|value| !value.is_null()) {
            extra.labels.insert(id.clone(), labels(value, at)?);
        }
        if let Some(value) = entry.get("cut_off").filter(|value| !value.is_null()) {
            extra.cut_off.insert(id.clone(), segments(value, at)?);
        }
        extra.recordings.insert(id);
    }
    Ok(extra)
}

fn labels(value: &Value, at: impl Fn() -> Box<Place>) -> Result<Vec<String>, AnnotationError> {
    let wrong = || missing_or_wrong(Some(value), "labels", "a list of class names", at());
    let list = value.as_array().ok_or_else(wrong)?;
    list.iter()
        .map(|label| label.as_str().map(str::to_owned).ok_or_else(wrong))
        .collect()
}

fn segments(value: &Value, at: impl Fn() -> Box<Place>) -> Result<Vec<Segment>, AnnotationError> {
    let expected = "a list of {\"segment\": [start, end]}, in seconds";
    let wrong = || missing_or_wrong(Some(value), "cut_off", expected, at());
    let list = value.as_array().ok_or_else(wrong)?;
    list.iter()
        .map(|entry| {
            let ends = entry.get("segment").and_then(Value::as_array);
            let segment = match ends.map(Vec::as_slice) {
                Some([start, end]) => match (start.as_f64(), end.as_f64()) {
                    (Some(start), Some(end)) => Segment::new(start, end),
                    _ => return Err(wrong()),
                },
                _ => return Err(wrong()),
            };
            segment.is_ordered().then_some(segment).ok_or_else(wrong)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Extra, String> {
        parse(text.as_bytes(), Path::new("a.json")).map_err(|error| error.to_string())
    }

    #[test]
    fn the_fields_are_found() {
        let extra = read(
            r#"{"version": "x", "classes": ["run", "jump"], "database": {
                "b": {"labels": ["jump", "run"], "cut_off": [{"segment": [1, 2.5], "label": "run"}]},
                "a": {"labels": [], "annotations": []}, "c": {"labels": null}}}"#,
        )
        .unwrap();
        assert_eq!(extra.classes.unwrap(), ["run", "jump"]);
        assert_eq!(extra.labels["b"], ["jump", "run"]);
        assert!(extra.labels["a"].is_empty());
        assert_eq!(extra.labels.len(), 2);
        assert_eq!(extra.recordings.len(), 3);
        assert_eq!(extra.cut_off["b"], [Segment::new(1.0, 2.5)]);
        assert_eq!(extra.cut_off.len(), 1);
    }

    #[test]
    fn other_types_are_named() {
        assert_eq!(
            read(r#"{"database": {"b": {"labels": "jump"}}}"#).unwrap_err(),
            "a.json: recording \"b\": field \"labels\" is \"jump\"; expected a list of class names"
        );
        let error = read(r#"{"database": {"b": {"labels": ["a", 3]}}}"#).unwrap_err();
        assert!(error.contains("expected a list of class names"), "{error}");
        for cut_off in [
            "3",
            "[3]",
            r#"[{"segment": [2, 1]}]"#,
            r#"[{"segment": [1]}]"#,
        ] {
            let text = format!(r#"{{"database": {{"b": {{"cut_off": {cut_off}}}}}}}"#);
            let error = read(&text).unwrap_err();
            assert!(
                error.contains("recording \"b\": field \"cut_off\""),
                "{error}"
            );
        }
        let error = read(r#"{"classes": {"run": 0}, "database": {}}"#).unwrap_err();
        assert!(error.contains("a.json: line 1"), "{error}");
    }
}
