//! Errors of annotation files.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::json::JsonError;

/// Where in an annotation file something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// The recording's id; empty if the place belongs to no recording.
    pub recording: String,
    /// Index of the annotation within the recording, from 0.
    pub annotation: Option<usize>,
}

impl Place {
    pub(super) fn of(path: &Path, recording: &str, annotation: Option<usize>) -> Box<Self> {
        Box::new(Self {
            path: path.to_owned(),
            recording: recording.to_owned(),
            annotation,
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if !self.recording.is_empty() {
            write!(f, ": recording {:?}", self.recording)?;
        }
        if let Some(index) = self.annotation {
            write!(f, ", annotation {index}")?;
        }
        Ok(())
    }
}

/// Reason why an annotation file cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnnotationError {
    /// The file is missing or unreadable.
    #[error("cannot read annotation file {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write annotation file {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The file is not JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A field is missing.
    #[error("{place}: field {field:?} is missing; expected {expected}")]
    MissingField {
        /// Where.
        place: Box<Place>,
        /// The field.
        field: &'static str,
        /// Right content.
        expected: &'static str,
    },
    /// A field has a wrong value.
    #[error("{place}: field {field:?} is {found}; expected {expected}")]
    WrongField {
        /// Where.
        place: Box<Place>,
        /// The field.
        field: &'static str,
        /// Value found.
        found: String,
        /// Right content.
        expected: &'static str,
    },
    /// A recording id occurs twice in the file.
    #[error("{place} occurs twice; give each recording an id of its own")]
    RepeatedRecording {
        /// Where.
        place: Box<Place>,
    },
    /// A segment ends before it starts.
    #[error(
        "{place}: segment [{start}, {end}] ends before it starts; expected start <= end (seconds)"
    )]
    ReversedSegment {
        /// Where.
        place: Box<Place>,
        /// Its start in seconds.
        start: f64,
        /// Its end in seconds.
        end: f64,
    },
    /// A segment has no length.
    #[error("{place}: segment [{at}, {at}] has no length; expected start < end (seconds)")]
    EmptySegment {
        /// Where.
        place: Box<Place>,
        /// Its start and end in seconds.
        at: f64,
    },
    /// The file has another layout than the shared JSON.
    #[error(
        "{}: field \"database\" is missing; expected an object from recording ids to recordings{hint}",
        path.display()
    )]
    NoDatabase {
        /// The file.
        path: PathBuf,
        /// The layout that it looks like, and how to read that.
        hint: String,
    },
    /// A label id is not a class.
    #[error("{place}: label {label:?} has label_id {id}; expected 0 to {} (num_classes is {num_classes})", num_classes.saturating_sub(1))]
    LabelOutOfRange {
        /// Where.
        place: Box<Place>,
        /// The label's name.
        label: String,
        /// Its id.
        id: u64,
        /// Number of classes of the configuration.
        num_classes: usize,
    },
    /// A label has two ids, or an id two labels.
    #[error("{place}: {source}")]
    ClassConflict {
        /// Place of the second one.
        place: Box<Place>,
        /// Which.
        source: tal_core::ClassMapError,
    },
    /// The file has more labels than the configuration has classes.
    #[error(
        "{}: {found} labels ({names}), but num_classes is {num_classes}; expected at most {num_classes}",
        path.display()
    )]
    TooManyLabels {
        /// The file.
        path: PathBuf,
        /// Number of labels.
        found: usize,
        /// Their names, the first few.
        names: String,
        /// Number of classes of the configuration.
        num_classes: usize,
    },
    /// The list of all classes has a name twice.
    #[error("{}: \"classes\": {source}", path.display())]
    ClassList {
        /// The file.
        path: PathBuf,
        /// Which.
        source: tal_core::ClassMapError,
    },
    /// A label has no id anywhere and is not in the list of all classes.
    #[error(
        "{place}: label {label:?} is not in the file's list of \"classes\"; expected one of these{}",
        nearest.as_ref().map_or_else(String::new, |name| format!("; did you mean {name:?}?"))
    )]
    UnlistedLabel {
        /// Where.
        place: Box<Place>,
        /// The label's name.
        label: String,
        /// The class that is spelled most like it, if one is similar at all.
        nearest: Option<String>,
    },
    /// A label has no id anywhere, while other labels have one.
    #[error(
        "{place}: label {label:?} has no label_id here or elsewhere, but other labels do; give every label an id, or none"
    )]
    MissingLabelId {
        /// Where.
        place: Box<Place>,
        /// The label's name.
        label: String,
    },
}

impl AnnotationError {
    /// The recording or annotation that is wrong; `None` if it is the file as a whole.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::MissingField { place, .. }
            | Self::WrongField { place, .. }
            | Self::RepeatedRecording { place }
            | Self::ReversedSegment { place, .. }
            | Self::EmptySegment { place, .. }
            | Self::LabelOutOfRange { place, .. }
            | Self::ClassConflict { place, .. }
            | Self::MissingLabelId { place, .. }
            | Self::UnlistedLabel { place, .. } => Some(place),
            _ => None,
        }
    }
}
