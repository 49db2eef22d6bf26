//! What can be wrong with a configuration.

use std::path::PathBuf;

/// A value that is not allowed.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldError {
    /// Path of the field, such as `train.learning_rate`.
    pub path: String,
    /// The value found.
    pub value: String,
    /// What would be right.
    pub allowed: String,
}

impl std::fmt::Display for FieldError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} is {}, must be {}",
            self.path, self.value, self.allowed
        )
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not YAML, or not a mapping.
    #[error("{origin}: {message}")]
    Syntax {
        /// The file, or which override.
        origin: String,
        /// What is wrong and where.
        message: String,
    },
    /// A key that does not exist.
    #[error("{origin}: unknown key {path}{}", suggestion(nearest))]
    UnknownKey {
        /// The file, or which override.
        origin: String,
        /// Path of the key.
        path: String,
        /// The nearest key that exists there.
        nearest: Option<String>,
    },
    /// A value of the wrong type, an unknown choice or a missing key.
    #[error("{origin}: {path}: {message}")]
    Value {
        /// The file, or which override.
        origin: String,
        /// Path of the field.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// A `${NAME}` that has no value.
    #[error(
        "{origin}: {path} is {value:?}, but the environment variable {variable} is not set; set it, or write a path"
    )]
    Variable {
        /// The file.
        origin: String,
        /// Path of the field.
        path: String,
        /// The text of the field.
        value: String,
        /// The missing variable.
        variable: String,
    },
    /// Values out of range.
    #[error("{origin}: {}", join(errors))]
    Invalid {
        /// The file.
        origin: String,
        /// All of them.
        errors: Vec<FieldError>,
    },
}

fn suggestion(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map(|name| format!("; did you mean {name}?"))
        .unwrap_or_default()
}

/// A configuration belongs to the request.
impl crate::Usage for ConfigError {
    fn is_usage(&self) -> bool {
        true
    }
}

fn join(errors: &[FieldError]) -> String {
    let lines: Vec<_> = errors.iter().map(FieldError::to_string).collect();
    lines.join("\n  ")
}
