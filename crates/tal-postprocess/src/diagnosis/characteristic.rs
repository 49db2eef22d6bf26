//! Characteristics by which annotations are grouped.

use std::fmt::{Display, Formatter, Result};

use serde::{Deserialize, Serialize};

/// A property by which annotations are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Characteristic {
    /// Length of the annotation divided by the duration of its recording.
    Coverage,
    /// Length of the annotation in seconds.
    Length,
    /// Number of annotations in the recording, itself included; all, or those of its class, see [`crate::CountedInstances`].
    NumInstances,
}

impl Characteristic {
    /// All characteristics, in the order of the results.
    pub const ALL: [Self; 3] = [Self::Coverage, Self::Length, Self::NumInstances];
}

impl Display for Characteristic {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Coverage => "coverage",
            Self::Length => "length",
            Self::NumInstances => "num_instances",
        })
    }
}
