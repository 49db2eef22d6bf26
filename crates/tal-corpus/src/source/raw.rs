//! Content of a file as its parser finds it, before classes have ids.

use std::path::PathBuf;

use tal_core::Segment;

use super::ClassList;

/// How a file names a class.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Label {
    /// By its name.
    Name(String),
    /// By a number of the format's own.
    Number(u32),
}

/// An annotation with finite ends in any order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RawInstance {
    pub(super) segment: Segment,
    pub(super) label: Label,
}

/// A recording of a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RawRecording {
    pub(super) id: String,
    pub(super) subset: Option<String>,
    pub(super) duration: Option<f64>,
    pub(super) fps: Option<f64>,
    pub(super) instances: Vec<RawInstance>,
    /// Annotations that the format itself marks as not to be used, by default.
    pub(super) not_primary: Vec<RawInstance>,
    pub(super) path: PathBuf,
}

/// A file.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) recordings: Vec<RawRecording>,
    /// The classes, if the file lists them.
    pub(super) classes: Option<ClassList>,
}
