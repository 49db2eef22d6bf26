//! Fields of JSON objects, checked by name.

use std::path::Path;

use serde_json::{Map, Value};
use tal_core::Segment;

use super::SourceError;
use tal_data::text::{finite, shortened};

/// An object of a file and its place.
pub(super) struct Object<'a> {
    path: &'a Path,
    place: String,
    fields: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    /// `value` as an object; `place` such as `recording "a"`, empty for the whole file.
    pub(super) fn new(
        value: &'a Value,
        what: &'static str,
        path: &'a Path,
        place: String,
    ) -> Result<Self, SourceError> {
        match value {
            Value::Object(fields) => Ok(Self {
                path,
                place,
                fields,
            }),
            other => Err(wrong(path, &place, what, Some(other), "an object")),
        }
    }

    fn wrong(&self, field: &'static str, expected: &'static str) -> SourceError {
        wrong(
            self.path,
            &self.place,
            field,
            self.fields.get(field),
            expected,
        )
    }

    /// A text that is not empty.
    pub(super) fn text(
        &self,
        field: &'static str,
        expected: &'static str,
    ) -> Result<&'a str, SourceError> {
        match self.fields.get(field) {
            Some(Value::String(text)) if !text.is_empty() => Ok(text),
            _ => Err(self.wrong(field, expected)),
        }
    }

    /// A text that is not empty, or nothing.
    pub(super) fn optional_text(
        &self,
        field: &'static str,
        expected: &'static str,
    ) -> Result<Option<String>, SourceError> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(_) => self.text(field, expected).map(|text| Some(text.to_owned())),
        }
    }

    /// A finite number, also one that is written as a text.
    pub(super) fn number(
        &self,
        field: &'static str,
        expected: &'static str,
    ) -> Result<f64, SourceError> {
        self.fields
            .get(field)
            .and_then(number)
            .ok_or_else(|| self.wrong(field, expected))
    }

    /// A number above 0, or nothing.
    pub(super) fn positive(
        &self,
        field: &'static str,
        expected: &'static str,
    ) -> Result<Option<f64>, SourceError> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match number(value) {
                Some(number) if number > 0.0 => Ok(Some(number)),
                _ => Err(self.wrong(field, expected)),
            },
        }
    }

    /// A yes or no; no if it is missing.
    pub(super) fn flag(&self, field: &'static str) -> Result<bool, SourceError> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.wrong(field, "true or false")),
        }
    }

    /// A list; empty if it may be missing and is.
    pub(super) fn list(
        &self,
        field: &'static str,
        optional: bool,
        expected: &'static str,
    ) -> Result<&'a [Value], SourceError> {
        match self.fields.get(field) {
            Some(Value::Array(values)) => Ok(values),
            None | Some(Value::Null) if optional => Ok(&[]),
            _ => Err(self.wrong(field, expected)),
        }
    }

    /// `[start, end]` in seconds, in any order.
    pub(super) fn segment(&self, field: &'static str) -> Result<Segment<f64>, SourceError> {
        let ends = match self.fields.get(field) {
            Some(Value::Array(ends)) if ends.len() == 2 => number(&ends[0]).zip(number(&ends[1])),
            _ => None,
        };
        ends.map(|(start, end)| Segment::new(start, end))
            .ok_or_else(|| self.wrong(field, "two finite numbers, [start, end] in seconds"))
    }
}

/// An error about a field.
pub(super) fn wrong(
    path: &Path,
    place: &str,
    field: &'static str,
    found: Option<&Value>,
    expected: &'static str,
) -> SourceError {
    SourceError::Field {
        path: path.to_owned(),
        place: match place {
            "" => String::new(),
            place => format!("{place}: "),
        },
        field,
        found: found.map_or_else(|| "missing".to_owned(), |v| shortened(&v.to_string())),
        expected,
    }
}

/// A finite number; HACS writes durations as texts.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => finite(text),
        value => value.as_f64().filter(|n| n.is_finite()),
    }
}
