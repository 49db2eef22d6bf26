//! Errors in configuration files.

use tal_core::FileError;
use tal_core::config::FieldError;

/// An error in a configuration file, an overlay or an override.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] FileError),
    /// The file is not YAML, or not a mapping.
    #[error("{origin}: {message}")]
    Syntax {
        /// The file or override.
        origin: String,
        /// The error and its place.
        message: String,
    },
    /// A key that does not exist.
    #[error("{origin}: unknown key {path}{}", suggestion(nearest))]
    UnknownKey {
        /// The file or override.
        origin: String,
        /// Path of the key.
        path: String,
        /// The nearest key that exists there.
        nearest: Option<String>,
    },
    /// A value of the wrong type, an unknown choice or a missing key.
    #[error("{origin}: {path}: {message}")]
    Value {
        /// The file or override.
        origin: String,
        /// Path of the field.
        path: String,
        /// The error.
        message: String,
    },
    /// An environment variable that is not set.
    #[error(
        "{origin}: {path} is {value:?}, but the environment variable {variable} is not set; set it, or write a path"
    )]
    Variable {
        /// The file or override.
        origin: String,
        /// Path of the field.
        path: String,
        /// The text of the field.
        value: String,
        /// The missing variable.
        variable: String,
    },
    /// Values out of range.
    #[error("{origin}: {}", listed(errors))]
    Invalid {
        /// The file or override.
        origin: String,
        /// All errors.
        errors: Vec<FieldError>,
    },
}

fn suggestion(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map(|name| format!("; did you mean {name}?"))
        .unwrap_or_default()
}

fn listed(errors: &[FieldError]) -> String {
    let lines: Vec<_> = errors.iter().take(20).map(FieldError::to_string).collect();
    lines.join("\n  ")
}

/// A configuration belongs to the request.
impl tal_core::Usage for ConfigError {
    fn is_usage(&self) -> bool {
        true
    }
}
