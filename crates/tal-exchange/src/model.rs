//! Annotations as the formats of all tools hold them.

use std::collections::{BTreeMap, BTreeSet};

/// Annotated recordings and their classes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Project {
    /// Names of the classes, each once; those of all events are among them.
    pub classes: Vec<String>,
    /// Recordings in the order of the files.
    pub tracks: Vec<Track>,
    /// Parts of the files that have no place here, by what they are, in the plural, and how often they occurred.
    pub unread: BTreeMap<&'static str, usize>,
}

/// One recording.
///
/// # Units
/// `duration` in seconds, `fps` in frames per second.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Track {
    /// Its id, see [`super::IdSource`].
    pub id: String,
    /// Its length, if it is known.
    pub duration: Option<f64>,
    /// Its frame rate, if it is known.
    pub fps: Option<f64>,
    /// Path, URL or name of the film or sound, if it is known.
    pub media: Option<String>,
    /// What happens in it; events may overlap, also those of one class.
    pub events: Vec<Event>,
}

/// One event: a state with start and end, or a point in time.
///
/// # Units
/// Times in seconds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Event {
    /// Name of the class.
    pub class: String,
    /// Start, or the time of a point event.
    pub start: f64,
    /// End; none for a point event.
    pub end: Option<f64>,
    /// Who or what does it, such as an animal or a player.
    pub subject: Option<String>,
    /// Who annotated it.
    pub annotator: Option<String>,
    /// Closer descriptions.
    pub modifiers: Vec<String>,
    /// Free text.
    pub comment: Option<String>,
    /// Confidence of a detector.
    pub score: Option<f64>,
}

impl Project {
    /// Recordings with their classes, in the order in which these occur.
    pub fn new(tracks: Vec<Track>) -> Self {
        Self::with_classes(Vec::new(), tracks)
    }

    /// Recordings with the classes of a list, and those of events behind them.
    pub fn with_classes(classes: Vec<String>, tracks: Vec<Track>) -> Self {
        let mut project = Self {
            tracks,
            ..Self::default()
        };
        let used = project.tracks.iter().flat_map(|track| &track.events);
        let used = used.map(|event| event.class.clone());
        let mut known = BTreeSet::new();
        project.classes = (classes.into_iter().chain(used))
            .filter(|class| known.insert(class.clone()))
            .collect();
        project
    }

    /// All events.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.tracks.iter().flat_map(|track| &track.events)
    }

    /// Notes parts of a file that have no place here.
    pub(super) fn leave_out(&mut self, what: &'static str, count: usize) {
        if count > 0 {
            *self.unread.entry(what).or_default() += count;
        }
    }
}

impl Event {
    /// A state of a class.
    pub fn new(class: impl Into<String>, start: f64, end: f64) -> Self {
        Self {
            class: class.into(),
            start,
            end: Some(end),
            ..Self::default()
        }
    }

    /// A point event of a class.
    pub fn point(class: impl Into<String>, time: f64) -> Self {
        Self {
            end: None,
            ..Self::new(class, time, time)
        }
    }

    /// The time in the middle, or that of a point event.
    pub fn middle(&self) -> f64 {
        self.start + (self.end_or_start() - self.start) / 2.0
    }

    /// The end, or the time of a point event.
    pub fn end_or_start(&self) -> f64 {
        self.end.unwrap_or(self.start)
    }
}
