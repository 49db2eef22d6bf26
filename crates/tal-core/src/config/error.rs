//! A value that is not allowed.

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
