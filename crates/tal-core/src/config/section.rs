//! Checks of single sections, for constructors that take one.

use std::fmt;

use super::check::{Check, errors_of};
use super::{ActionSensitivityConfig, BackTalConfig, DecoderConfig, FieldError};

/// Values of a section that are not allowed.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldErrors(pub Vec<FieldError>);

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(FieldError::to_string).collect();
        f.write_str(&lines.join("; "))
    }
}

impl std::error::Error for FieldErrors {}

impl DecoderConfig {
    /// Checks the section for a pyramid of `num_levels` levels.
    ///
    /// # Errors
    /// All values that are wrong, each with the field's path and what is allowed.
    pub fn validate(&self, num_levels: usize) -> Result<(), FieldErrors> {
        validate("decoder", |check| self.check(num_levels, check))
    }
}

impl ActionSensitivityConfig {
    /// Checks the section for a pyramid of `num_levels` levels.
    ///
    /// # Errors
    /// All values that are wrong, each with the field's path and what is allowed.
    pub fn validate(&self, num_levels: usize) -> Result<(), FieldErrors> {
        validate("loss.action_sensitivity", |check| {
            self.check(num_levels, check)
        })
    }
}

impl BackTalConfig {
    /// Checks the section.
    ///
    /// # Errors
    /// All values that are wrong, each with the field's path and what is allowed.
    pub fn validate(&self) -> Result<(), FieldErrors> {
        validate("backtal", |check| self.check(check))
    }
}

fn validate(path: &str, body: impl FnOnce(&mut Check<'_>)) -> Result<(), FieldErrors> {
    match errors_of(path, body) {
        errors if errors.is_empty() => Ok(()),
        errors => Err(FieldErrors(errors)),
    }
}
