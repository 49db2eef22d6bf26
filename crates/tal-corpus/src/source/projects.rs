//! Annotations of a tool, as if a file of a data set held them.

use std::path::Path;

use tal_core::{ClassMap, Segment};

use super::raw::{Label, Parsed, RawInstance, RawRecording};
use super::{ClassList, SourceError};
use tal_exchange::{Event, Project, Track};

pub(super) fn parsed(
    project: &Project,
    origin: &Path,
    point_width: Option<f64>,
) -> Result<Parsed, SourceError> {
    let mut points = project.events().filter(|event| event.end.is_none());
    if point_width.is_none()
        && let Some(first) = points.next()
    {
        return Err(SourceError::Points {
            path: origin.to_owned(),
            count: 1 + points.count(),
            label: first.class.clone(),
            time: first.start,
        });
    }
    let half = point_width.unwrap_or_default() / 2.0;
    let segment = |event: &Event, track: &Track| match event.end {
        Some(end) => Segment::new(event.start, end),
        None => Segment::new(
            (event.start - half).max(0.0),
            (event.start + half).min(track.duration.unwrap_or(f64::INFINITY)),
        ),
    };
    let recordings = project.tracks.iter().map(|track| RawRecording {
        id: track.id.clone(),
        subset: None,
        duration: track.duration.filter(|duration| *duration > 0.0),
        fps: track.fps.filter(|fps| *fps > 0.0),
        instances: (track.events.iter())
            .map(|event| RawInstance {
                segment: segment(event, track),
                label: Label::Name(event.class.clone()),
            })
            .collect(),
        not_primary: Vec::new(),
        path: origin.to_owned(),
    });
    let mut names = project.classes.clone();
    names.sort();
    // Names of a project differ.
    let classes = ClassMap::from_names(names).ok().map(ClassList::from_map);
    Ok(Parsed {
        recordings: recordings.collect(),
        classes,
    })
}
