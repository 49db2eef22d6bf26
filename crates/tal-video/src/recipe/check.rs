//! Collection of the errors in a recipe.

use std::fmt::Display;

use tal_core::config::FieldError;

/// Notes an error unless `holds`.
pub(super) fn require(
    errors: &mut Vec<FieldError>,
    holds: bool,
    path: &str,
    value: impl Display,
    allowed: impl Into<String>,
) {
    if !holds {
        errors.push(FieldError {
            path: path.to_owned(),
            value: value.to_string(),
            allowed: allowed.into(),
        });
    }
}
