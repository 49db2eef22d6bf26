//! Errors of an encoder's sizes.

use tal_core::config::FieldError;

/// Sizes that an encoder or one of its parts cannot have.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{}", listed(errors))]
pub struct EncoderError {
    /// All of them, at least one.
    pub errors: Vec<FieldError>,
}

impl EncoderError {
    /// An error unless there are no `errors`.
    pub(crate) fn unless_empty(errors: Vec<FieldError>) -> Result<(), Self> {
        if errors.is_empty() {
            Ok(())
        } else {
            Err(EncoderError { errors })
        }
    }
}

/// The errors of sizes, given with their names, that are 0.
pub(crate) fn zeros<'a>(
    sizes: impl IntoIterator<Item = (&'a str, usize)>,
) -> impl Iterator<Item = FieldError> {
    let zeros = sizes.into_iter().filter(|(_, size)| *size == 0);
    zeros.map(|(name, size)| FieldError {
        path: name.to_owned(),
        value: size.to_string(),
        allowed: "at least 1".to_owned(),
    })
}

fn listed(errors: &[FieldError]) -> String {
    let lines: Vec<String> = errors.iter().take(20).map(FieldError::to_string).collect();
    lines.join("; ")
}
