//! The formats in which detections are written.

use std::path::Path;

/// A format of a file of detections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultFormat {
    /// The result JSON of the ActivityNet challenge.
    ActivityNet,
    /// A table separated by commas.
    Csv,
    /// A table separated by tabs.
    Tsv,
    /// An object per recording and line.
    JsonLines,
}

impl ResultFormat {
    /// All formats.
    pub const ALL: [Self; 4] = [Self::ActivityNet, Self::Csv, Self::Tsv, Self::JsonLines];

    /// The name, which is also the extension of a file.
    pub fn name(self) -> &'static str {
        match self {
            Self::ActivityNet => "json",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::JsonLines => "jsonl",
        }
    }

    /// The format of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// The format that the extension of a file names.
    pub fn of_path(path: &Path) -> Option<Self> {
        Self::of_name(path.extension()?.to_str()?)
    }
}
