//! Errors in the values of a configuration.

/// A value that is not allowed.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldError {
    /// Path of the field, such as `train.learning_rate`.
    pub path: String,
    /// The value found.
    pub value: String,
    /// What is allowed.
    pub allowed: String,
}

impl std::fmt::Display for FieldError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            path,
            value,
            allowed,
        } = self;
        write!(f, "{path} is {value}, must be {allowed}")
    }
}
