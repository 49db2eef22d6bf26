//! Where the values of a configuration come from.

use std::collections::BTreeMap;

use tal_core::config::Preset;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// The preset.
    Preset(Preset),
    /// Nobody named it: the default of the key.
    Default,
    /// A configuration file or an overlay.
    File {
        /// The file.
        name: String,
        /// The line of the key, counted from 1, where it is known.
        line: Option<usize>,
    },
    /// `--set` on the command line.
    Override,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Preset(preset) => write!(f, "preset {}", preset.name()),
            Self::Default => f.write_str("default"),
            Self::File { name, line: None } => f.write_str(name),
            Self::File {
                name,
                line: Some(line),
            } => write!(f, "{name}:{line}"),
            Self::Override => f.write_str("--set"),
        }
    }
}

/// Where each value of a configuration comes from, and paths as they were written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Provenance {
    pub(super) origins: BTreeMap<String, Origin>,
    pub(super) written: BTreeMap<String, String>,
}

impl Provenance {
    /// Where the value at a path (`train.learning_rate`) comes from; a list counts as one value.
    pub fn origin(&self, path: &str) -> &Origin {
        self.origins.get(path).unwrap_or(&Origin::Default)
    }

    /// The text of a path of the file system before variables were filled in and it was made absolute.
    pub fn written(&self, path: &str) -> Option<&str> {
        self.written.get(path).map(String::as_str)
    }
}
