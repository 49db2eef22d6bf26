//! Origins of the values of a configuration.

use std::collections::BTreeMap;

use tal_core::config::Preset;

/// Origin of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// The preset.
    Preset(Preset),
    /// The default of the key, which nothing set.
    Default,
    /// A configuration file or an overlay.
    File {
        /// The file.
        name: String,
        /// The line of the key, counted from 1, if it is known.
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

/// Origins of all values of a configuration, and paths as they were written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Provenance {
    pub(crate) origins: BTreeMap<String, Origin>,
    pub(crate) written: BTreeMap<String, String>,
}

impl Provenance {
    /// Origin of the value at a path, such as `train.learning_rate`; a list counts as one value.
    pub fn origin(&self, path: &str) -> &Origin {
        self.origins.get(path).unwrap_or(&Origin::Default)
    }

    /// A path of the file system as it was written, before variables were filled in.
    pub fn written(&self, path: &str) -> Option<&str> {
        self.written.get(path).map(String::as_str)
    }
}
