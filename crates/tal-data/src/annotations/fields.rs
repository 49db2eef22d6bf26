//! Fields of the annotation JSON, and the errors about them.

use serde_json::{Map, Value};

use super::{AnnotationError, Place};
use crate::text::{finite, shortened};

/// A number, also one that is written as a text.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => finite(text),
        value => value.as_f64(),
    }
}

/// Whether [`seconds`] is more than a guess.
pub(super) fn is_number(value: &Value) -> bool {
    value.is_number() || number(value).is_some()
}

/// A number too large for a double reads as infinite, so that a check names it.
pub(super) fn seconds(value: &Value) -> f64 {
    number(value).unwrap_or(f64::INFINITY)
}

pub(super) fn positive(
    entry: &Map<String, Value>,
    field: &'static str,
    expected: &'static str,
    at: impl Fn() -> Box<Place>,
) -> Result<Option<f64>, AnnotationError> {
    match entry.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match number(value) {
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
