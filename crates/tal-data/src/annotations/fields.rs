//! Fields of the annotation JSON, and the errors about them.

use serde_json::{Map, Value};

use super::{AnnotationError, Place};
use crate::text::shortened;

/// A number too large for a double reads as infinite, so that the check above names it.
pub(super) fn seconds(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::INFINITY)
}

pub(super) fn positive(
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
