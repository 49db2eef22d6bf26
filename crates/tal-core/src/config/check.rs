//! Collection of the errors in a configuration: field path, value and what is allowed.

use std::fmt::Display;
use std::ops::RangeInclusive;

use super::FieldError;

/// A walk over the configuration that remembers where it is.
pub(super) struct Check<'a> {
    path: Vec<String>,
    errors: &'a mut Vec<FieldError>,
}

/// The errors that `body` notes in the section `name`.
pub(super) fn errors_of(name: &str, body: impl FnOnce(&mut Check<'_>)) -> Vec<FieldError> {
    let mut errors = Vec::new();
    Check::new(&mut errors).section(name, body);
    errors
}

impl<'a> Check<'a> {
    pub(super) fn new(errors: &'a mut Vec<FieldError>) -> Self {
        Self {
            path: Vec::new(),
            errors,
        }
    }

    /// Runs `body` one level deeper.
    pub(super) fn section(&mut self, name: &str, body: impl FnOnce(&mut Check<'_>)) {
        let mut path = self.path.clone();
        path.push(name.to_owned());
        body(&mut Check {
            path,
            errors: self.errors,
        });
    }

    /// Notes an error unless `holds`.
    pub(super) fn require(
        &mut self,
        holds: bool,
        field: &str,
        value: impl Display,
        allowed: impl Display,
    ) {
        if holds {
            return;
        }
        let mut path = self.path.clone();
        path.push(field.to_owned());
        self.errors.push(FieldError {
            path: path.join("."),
            value: value.to_string(),
            allowed: allowed.to_string(),
        });
    }

    pub(super) fn at_least(&mut self, field: &str, value: usize, least: usize) {
        self.require(value >= least, field, value, format!("at least {least}"));
    }

    pub(super) fn between(&mut self, field: &str, value: usize, least: usize, most: usize) {
        let holds = (least..=most).contains(&value);
        self.require(holds, field, value, format!("{least} to {most}"));
    }

    pub(super) fn odd(&mut self, field: &str, value: usize) {
        self.require(value % 2 == 1, field, value, "an odd number");
    }

    /// Requires a multiple of `unit`, which is `what`.
    pub(super) fn multiple_of(
        &mut self,
        field: &str,
        value: usize,
        unit: usize,
        what: impl Display,
    ) {
        let allowed = format!("a multiple of {unit} ({what})");
        self.require(value.is_multiple_of(unit), field, value, allowed);
    }

    pub(super) fn not_empty(&mut self, field: &str, len: usize) {
        self.require(len > 0, field, "[]", "at least one entry");
    }

    pub(super) fn filled(&mut self, field: &str, text: &str) {
        self.require(!text.is_empty(), field, "\"\"", "a non-empty text");
    }

    pub(super) fn filled_if_set(&mut self, field: &str, text: &Option<String>) {
        if let Some(text) = text {
            self.filled(field, text);
        }
    }

    pub(super) fn positive(&mut self, field: &str, value: impl Into<f64> + Display + Copy) {
        let holds = value.into().is_finite() && value.into() > 0.0;
        self.require(holds, field, value, "a number above 0");
    }

    pub(super) fn not_negative(&mut self, field: &str, value: impl Into<f64> + Display + Copy) {
        let holds = value.into().is_finite() && value.into() >= 0.0;
        self.require(holds, field, value, "a number of at least 0");
    }

    pub(super) fn within(
        &mut self,
        field: &str,
        value: impl Into<f64> + Display + Copy,
        range: RangeInclusive<f64>,
    ) {
        let allowed = format!("{} to {}", range.start(), range.end());
        self.require(range.contains(&value.into()), field, value, allowed);
    }

    pub(super) fn below_one(&mut self, field: &str, value: f64) {
        let holds = (0.0..1.0).contains(&value);
        self.require(holds, field, value, "at least 0 and below 1");
    }

    pub(super) fn open_unit(&mut self, field: &str, value: f64) {
        let holds = value > 0.0 && value < 1.0;
        self.require(holds, field, value, "above 0 and below 1");
    }
}
