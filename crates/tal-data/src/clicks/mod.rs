//! Background clicks: moments of a recording at which no action happens, as an annotator marked them.
//!
//! ```json
//! {"version": 1, "clicks": {"ID": [3.5, 12.25], "OTHER": []}}
//! ```
//!
//! Times are in seconds. A recording that is not listed, or with an empty list, has no clicks. [`human`] reads the files of
//! THUMOS14's annotators, [`released`] the archives that the authors of BackTAL distribute.

mod background;
pub(crate) mod error;
pub mod human;
pub mod released;

use crate::ClickError;
use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};
use tal_core::{FileError, Instance, Recording};

use crate::json::{Entries, from_json, write_pretty};
use crate::text;

pub use background::background_stretches;

/// The version of the format that is read and written.
pub const VERSION: u64 = 1;

/// Background clicks by recording.
///
/// # Units
/// Seconds, finite, not negative, in ascending order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Clicks {
    by_recording: BTreeMap<String, Vec<f64>>,
}

/// A click at which an action is annotated.
#[derive(Debug, Clone, PartialEq)]
pub struct ClickInAction {
    /// The recording's id.
    pub recording: String,
    /// The click in seconds.
    pub click: f64,
    /// The action.
    pub action: Instance,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u64,
    clicks: Entries,
}

impl Clicks {
    /// Reads a click file: THUMOS14's table if the name ends in `.csv` or `.txt`, see [`human`], else our JSON.
    ///
    /// # Units
    /// Seconds.
    ///
    /// # Errors
    /// A file that is missing or unreadable; JSON syntax, a missing or an unknown key (with line and column); another
    /// version; a recording that occurs twice; a click that is not a number, is negative or not finite. As [`human::parse`] for
    /// tables.
    pub fn read(path: &Path) -> Result<Self, ClickError> {
        let bytes = text::open(path).map_err(FileError::at("read click file", path))?;
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        if extension == "csv" || extension == "txt" {
            human::parse(&bytes, path)
        } else {
            Self::parse(&bytes, path)
        }
    }

    /// The content of a JSON click file; errors name `path`.
    ///
    /// # Errors
    /// Those of [`Clicks::read`], except for those of the file system and of tables.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, ClickError> {
        let Document {
            version,
            clicks: Entries(entries),
        } = from_json(bytes, path)?;
        if version != VERSION {
            return Err(ClickError::Version {
                path: path.to_owned(),
                found: version,
                expected: VERSION,
            });
        }
        let mut clicks = Self::default();
        for (recording, value) in entries {
            let seconds = seconds(&value).map_err(|(found, expected)| ClickError::Value {
                path: path.to_owned(),
                recording: recording.clone(),
                found,
                expected,
            })?;
            if clicks.by_recording.contains_key(&recording) {
                return Err(ClickError::RepeatedRecording {
                    path: path.to_owned(),
                    recording,
                });
            }
            clicks.set(recording, seconds);
        }
        Ok(clicks)
    }

    /// Writes a JSON click file that [`Clicks::read`] reads back unchanged; an existing file is replaced at once.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ClickError> {
        let document = json!({"version": VERSION, "clicks": self.by_recording});
        let written = write_pretty(path, &document);
        Ok(written.map_err(FileError::at("write click file", path))?)
    }

    /// The clicks of a recording in seconds; empty if it is not listed.
    pub fn of(&self, recording: &str) -> &[f64] {
        self.by_recording
            .get(recording)
            .map_or(&[], |clicks| clicks.as_slice())
    }

    /// The recordings that are listed, and their clicks in seconds, by id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[f64])> {
        let all = self.by_recording.iter();
        all.map(|(id, clicks)| (id.as_str(), clicks.as_slice()))
    }

    /// Number of clicks.
    pub fn len(&self) -> usize {
        self.by_recording.values().map(Vec::len).sum()
    }

    /// Whether there is no click.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes sure that no click lies behind the end of its recording, where its duration is known. Recordings that are not
    /// among `recordings` are not looked at; errors name `path`.
    ///
    /// # Errors
    /// The first click that does.
    pub fn check_durations<'a>(
        &self,
        recordings: impl IntoIterator<Item = &'a Recording>,
        path: &Path,
    ) -> Result<(), ClickError> {
        for recording in recordings {
            if let Some(duration) = recording.duration {
                self.check_duration(&recording.id, duration, path)?;
            }
        }
        Ok(())
    }

    /// Warns of recordings with clicks that are not known; errors name `path`.
    pub fn warn_of_unknown(&self, is_known: impl Fn(&str) -> bool, path: &Path) {
        let mut unknown = self.iter().filter(|(id, _)| !is_known(id));
        if let Some((first, _)) = unknown.next() {
            tracing::warn!(
                "{}: {} recordings with clicks are not in the annotation file, first {first:?}",
                path.display(),
                1 + unknown.count()
            );
        }
    }

    pub(crate) fn check_duration(
        &self,
        recording: &str,
        duration: f64,
        path: &Path,
    ) -> Result<(), ClickError> {
        match self.of(recording).last() {
            Some(last) if *last > duration => Err(ClickError::Outside {
                path: path.to_owned(),
                recording: recording.to_owned(),
                click: *last,
                duration,
            }),
            _ => Ok(()),
        }
    }

    /// The clicks at which an action is annotated, ends not included. An annotator may err, so these are not errors.
    pub fn in_actions<'a>(
        &self,
        recordings: impl IntoIterator<Item = &'a Recording>,
    ) -> Vec<ClickInAction> {
        let mut found = Vec::new();
        for recording in recordings {
            for click in self.of(&recording.id) {
                let action = recording
                    .instances
                    .iter()
                    .find(|action| action.segment.start < *click && *click < action.segment.end);
                found.extend(action.map(|action| ClickInAction {
                    recording: recording.id.clone(),
                    click: *click,
                    action: *action,
                }));
            }
        }
        found
    }

    /// Sets the clicks of a recording, which are finite and not negative.
    pub fn set(&mut self, recording: impl Into<String>, mut seconds: Vec<f64>) {
        seconds.sort_by(f64::total_cmp);
        self.by_recording.insert(recording.into(), seconds);
    }

    /// Adds a click, which is finite and not negative.
    pub(crate) fn add(&mut self, recording: &str, seconds: f64) {
        let clicks = self.by_recording.entry(recording.to_owned()).or_default();
        let place = clicks.partition_point(|other| *other <= seconds);
        clicks.insert(place, seconds);
    }
}

/// The clicks of a list, or the value found and the right content.
fn seconds(value: &Value) -> Result<Vec<f64>, (String, &'static str)> {
    let Some(list) = value.as_array() else {
        return Err((value.to_string(), "a list of seconds"));
    };
    list.iter()
        .map(|click| {
            let seconds = click.as_f64().filter(|seconds| seconds.is_finite());
            match seconds {
                // Negative zero would sort before zero.
                Some(seconds) if seconds >= 0.0 => Ok(seconds + 0.0),
                Some(seconds) => Err((seconds.to_string(), "seconds from 0")),
                None => Err((click.to_string(), "a number of seconds, finite and from 0")),
            }
        })
        .collect()
}
