//! The outcome of loading weights into a network.

use std::fmt;

/// A variable whose weights have another shape or kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The variable.
    pub name: String,
    /// Shape and kind of the variable.
    pub expected: String,
    /// Shape and kind of the weights.
    pub found: String,
}

/// Names of the variables and weights that loading matched, and of those that it could not match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Variables that got their weights.
    pub loaded: Vec<String>,
    /// Variables without weights.
    pub missing: Vec<String>,
    /// Weights without a variable.
    pub unexpected: Vec<String>,
    /// Variables whose weights have another shape or kind.
    pub mismatched: Vec<Mismatch>,
}

impl LoadReport {
    /// Whether every variable got its weights and no weights were left over.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.mismatched.is_empty()
    }
}

/// Counts, then every name that does not fit.
impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} loaded, {} missing, {} unexpected, {} mismatched",
            self.loaded.len(),
            self.missing.len(),
            self.unexpected.len(),
            self.mismatched.len()
        )?;
        for (what, names) in [("missing", &self.missing), ("unexpected", &self.unexpected)] {
            for name in names {
                write!(f, "\n  {what}: {name}")?;
            }
        }
        for Mismatch {
            name,
            expected,
            found,
        } in &self.mismatched
        {
            write!(
                f,
                "\n  mismatched: {name} is {expected}, the weights are {found}"
            )?;
        }
        Ok(())
    }
}
