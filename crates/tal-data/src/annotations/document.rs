//! Outline of an annotation file.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::{AnnotationError, Place};
use crate::json::Entries;

/// The file's outline; the fields of a recording are checked later, when an error can name it.
#[derive(Deserialize)]
pub(super) struct Document {
    database: Option<Entries>,
    /// Names of the classes by their ids, if it is a list of texts.
    classes: Option<Value>,
}

impl Document {
    /// The recordings of the file in its order, repetitions included.
    pub(super) fn entries(&self, path: &Path) -> Result<&Entries, AnnotationError> {
        self.database
            .as_ref()
            .ok_or_else(|| AnnotationError::MissingField {
                place: Place::of(path, "", None),
                field: "database",
                expected: "an object from recording ids to recordings",
            })
    }

    /// The names of the classes by their ids, if the file lists them. Other formats may use the field for something else.
    pub(super) fn class_names(&self) -> Option<Vec<&str>> {
        let names = self.classes.as_ref()?.as_array()?;
        names.iter().map(Value::as_str).collect()
    }
}
