//! Drafts: what a detector found, as files that annotation tools open, for people to correct.

mod cut;

use std::path::{Path, PathBuf};

use tal_core::{ClassMap, Detection, Segment};

use crate::{Event, ExchangeError, Format, Project, Track, WriteOptions};

/// Name of the class of detections that say where something happens, but not what.
const NO_CLASS: &str = "proposal";

/// A recording with what was found in it.
///
/// # Units
/// `duration` in seconds, `fps` in frames per second.
#[derive(Debug, Clone, PartialEq)]
pub struct DraftRecording<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its length, if it is known.
    pub duration: Option<f64>,
    /// Its frame rate, if it is known.
    pub fps: Option<f64>,
    /// Path, URL or name of the film or sound, if it is known.
    pub media: Option<String>,
    /// What was found.
    pub detections: &'a [Detection],
}

/// How detections become events. Thresholds and gaps are for the caller: `tal_postprocess::DetectionRules`.
///
/// # Units
/// `min_duration` in seconds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DraftOptions {
    /// Shortest event; it is checked last.
    pub min_duration: f64,
    /// At most one event at a time: the best score keeps its time, of the others the longest part outside it stays.
    pub one_at_a_time: bool,
    /// Films, frame rate and date.
    pub write: WriteOptions,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Written {
    /// The files.
    pub paths: Vec<PathBuf>,
    /// Number of events in them.
    pub num_events: usize,
    /// What the format cannot say, in a sentence; none if it says all.
    pub losses: Option<String>,
}

/// Writes detections in the format of an annotation tool: to `out` itself if it ends as files of the format do, else into the
/// folder `out`, which is made. Existing files are replaced.
///
/// # Errors
/// Those of [`crate::write()`].
pub fn write(
    format: &Format,
    recordings: &[DraftRecording],
    classes: &ClassMap,
    out: &Path,
    options: &DraftOptions,
) -> Result<Written, ExchangeError> {
    let project = project(recordings, classes, options);
    // What the recordings are is known without the files.
    let mut events = project.clone();
    for track in &mut events.tracks {
        (track.duration, track.fps, track.media) = (None, None, None);
    }
    Ok(Written {
        paths: crate::write(format, &project, out, &options.write)?,
        num_events: project.events().count(),
        losses: format.losses(&events),
    })
}

/// The detections that the options let through, as annotations.
pub fn project(
    recordings: &[DraftRecording],
    classes: &ClassMap,
    options: &DraftOptions,
) -> Project {
    let name = |label: u32| match label {
        Detection::NO_CLASS => NO_CLASS.to_owned(),
        label => classes.display_name(label),
    };
    let tracks = recordings.iter().map(|recording| {
        let found = recording.detections.iter();
        let kept = found.filter(|one| one.segment.is_ordered());
        let mut kept: Vec<Detection> = kept.copied().collect();
        if options.one_at_a_time {
            kept = cut::one_at_a_time(kept);
        }
        kept.retain(|one| one.segment.length() >= options.min_duration);
        kept.sort_by(|a, b| {
            let Segment { start, end } = a.segment;
            (start.total_cmp(&b.segment.start)).then(end.total_cmp(&b.segment.end))
        });
        let event = |one: &Detection| Event {
            score: Some(one.score),
            ..Event::new(name(one.label), one.segment.start, one.segment.end)
        };
        Track {
            id: recording.id.to_owned(),
            duration: recording.duration,
            fps: recording.fps,
            media: recording.media.clone(),
            events: kept.iter().map(event).collect(),
        }
    });
    let names = classes.iter().map(|(_, name)| name.to_owned());
    Project::with_classes(names.collect(), tracks.collect())
}
