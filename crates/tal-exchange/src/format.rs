//! A format of an annotation tool, and the things that it can say.

use std::path::Path;

use super::clue::Clue;
use super::model::Project;
use super::{ExchangeError, ReadOptions, WriteOptions};

/// Reads the content of a file, decoded to UTF-8.
pub(super) type Reader = fn(&[u8], &Path, &ReadOptions) -> Result<Project, ExchangeError>;
/// Writes the content of a file; of a format with [`Layout::OneEach`] the project has one recording.
pub(super) type Writer = fn(&Project, &WriteOptions) -> Result<Vec<u8>, ExchangeError>;

/// A format of an annotation tool.
pub struct Format {
    /// Name, as the command line spells it.
    pub name: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// Endings of files, the usual one first, without a dot.
    pub extensions: &'static [&'static str],
    /// Number of recordings in a file.
    pub layout: Layout,
    /// Name of a file that is written, with `{id}` for the id of its recording; else the id, or `annotations`, with the usual
    /// ending.
    pub(super) file_name: Option<&'static str>,
    /// File that is written beside the annotations.
    pub(super) beside: Option<Beside>,
    /// What events can say.
    pub carries: Carries,
    /// Whether the content of a file is of this format.
    pub(super) recognise: fn(&Clue) -> bool,
    pub(super) read: Option<Reader>,
    pub(super) write: Option<Writer>,
}

/// Number of recordings in a file.
#[derive(Debug, Clone, Copy)]
pub enum Layout {
    /// One; the name of the file is its id.
    OneEach,
    /// Any number.
    Together,
    /// Those whose ids give the same text, which is the name of the file.
    Grouped(fn(&str) -> &str),
}

/// A file that an annotation tool needs besides the annotations.
pub(super) struct Beside {
    /// End of its name, behind that of the annotations without ending.
    pub(super) suffix: &'static str,
    pub(super) write: Writer,
}

/// What a format can say, besides class, start and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carries {
    /// Events without an end.
    pub points: bool,
    /// Events with an end.
    pub states: bool,
    /// Events of one class that overlap or touch.
    pub repeats: bool,
    /// Recordings without events.
    pub empty_recordings: bool,
    /// Spaces in names.
    pub spaces: bool,
    /// Scores of a detector.
    pub scores: bool,
    /// Who does it.
    pub subjects: bool,
    /// Who annotated it.
    pub annotators: bool,
    /// Closer descriptions.
    pub modifiers: bool,
    /// Free text.
    pub comments: bool,
    /// Length of a recording.
    pub durations: bool,
    /// Frame rate of a recording.
    pub frame_rates: bool,
    /// Name of the film or sound.
    pub media: bool,
}

impl Carries {
    /// Class, start and end alone.
    pub const SEGMENTS: Self = Self {
        points: false,
        states: true,
        repeats: true,
        empty_recordings: true,
        spaces: true,
        scores: false,
        subjects: false,
        annotators: false,
        modifiers: false,
        comments: false,
        durations: false,
        frame_rates: false,
        media: false,
    };
}

impl Format {
    /// A format that does nothing, for what formats have in common.
    pub(super) const PLAIN: Self = Self {
        name: "",
        title: "",
        extensions: &[],
        layout: Layout::OneEach,
        file_name: None,
        beside: None,
        carries: Carries::SEGMENTS,
        recognise: |_| false,
        read: None,
        write: None,
    };

    /// Whether files of the format can be read.
    pub fn can_read(&self) -> bool {
        self.read.is_some()
    }

    /// Whether files of the format can be written.
    pub fn can_write(&self) -> bool {
        self.write.is_some()
    }

    /// Whether a file's name ends as names of the format do.
    pub fn has_extension(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_lowercase();
        let mut extensions = self.extensions.iter();
        extensions.any(|ending| (name.strip_suffix(ending)).is_some_and(|stem| stem.ends_with('.')))
    }
}

impl std::fmt::Debug for Format {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Format({})", self.name)
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
