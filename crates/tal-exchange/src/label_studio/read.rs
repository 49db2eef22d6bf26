//! Tasks of Label Studio, read.

use std::path::Path;

use serde_json::Value;

use super::media::{is_file, name_of};
use super::words::{DATA, DURATION, FPS, LISTS, RECORDING, Words};
use crate::frames::Frames;
use crate::json::{Item, parsed};
use crate::options::{EndFrame, LabelStudioTemplate};
use crate::{Event, ExchangeError, Project, ReadOptions, Track};

const EXPORT: &str = "tasks with data and annotations or predictions, as Label Studio exports them as JSON (not JSON-MIN)";
const TEMPLATES: [LabelStudioTemplate; 3] = [
    LabelStudioTemplate::Timeline,
    LabelStudioTemplate::Labels,
    LabelStudioTemplate::TimeSeries,
];

/// Numbers of things that have no place among events.
#[derive(Default)]
struct Unread {
    /// Choices, texts, rectangles and the like.
    results: usize,
    cancelled: usize,
    predictions: usize,
}

pub(super) fn read(
    bytes: &[u8],
    path: &Path,
    options: &ReadOptions,
) -> Result<Project, ExchangeError> {
    let root: Value = parsed(bytes, path)?;
    let root = Item::new(&root, path);
    let tasks = match root.value() {
        Some(Value::Array(_)) => root.items()?.collect(),
        _ => vec![root],
    };
    // Drafts count only if nobody has annotated yet: else they would pass for annotations.
    let is_annotated = |task: &Item| {
        let list = task.field(LISTS[0]).value();
        // Something else than a list is an error when it is read.
        list.is_some_and(|list| list.as_array().is_none_or(|list| !list.is_empty()))
    };
    let list = LISTS[usize::from(!tasks.iter().any(is_annotated))];
    let mut unread = Unread::default();
    let mut tracks = Vec::new();
    for (number, task) in (1..).zip(&tasks) {
        tracks.push(track(task, number, list, path, options, &mut unread)?);
    }
    let mut project = Project::new(tracks);
    project.leave_out("results other than labels in time", unread.results);
    project.leave_out("cancelled annotations", unread.cancelled);
    project.leave_out("predictions beside annotations", unread.predictions);
    Ok(project)
}

fn track(
    task: &Item,
    number: usize,
    list: &str,
    path: &Path,
    options: &ReadOptions,
    unread: &mut Unread,
) -> Result<Track, ExchangeError> {
    let data = task.field(DATA);
    for part in [
        Some(DATA),
        LISTS
            .iter()
            .all(|list| task.get(list).is_none())
            .then_some(LISTS[0]),
    ] {
        if let Some(missing) = part.filter(|part| task.get(part).is_none()) {
            return Err(task.field(missing).wrong(EXPORT));
        }
    }
    let fps = data
        .field(FPS)
        .optional_above_zero("frames per second above 0")?;
    let media = data.fields()?.find_map(|(name, value)| {
        let is_media = |text: &&str| name != RECORDING && is_file(text);
        value.value()?.as_str().filter(is_media).map(str::to_owned)
    });
    let id = match (data.field(RECORDING).optional_text(), &media) {
        (Some(id), _) => id,
        (None, Some(media)) => name_of(media),
        (None, None) => {
            let id = task.field("id").optional_text();
            format!("task-{}", id.unwrap_or_else(|| number.to_string()))
        }
    };
    let mut track = Track {
        id,
        duration: data
            .field(DURATION)
            .optional_above_zero("seconds above 0")?,
        fps: fps.or(options.fps),
        media,
        ..Track::default()
    };
    if list == LISTS[0] {
        unread.predictions += task.optional_items(LISTS[1])?.len();
    }
    for whole in task.optional_items(list)? {
        if is_true(&whole.field("was_cancelled")) {
            unread.cancelled += 1;
            continue;
        }
        let annotator = whole.field("completed_by").value().and_then(annotator);
        for region in whole.optional_items("result")? {
            let mut events = events(&region, fps, path, options)?;
            unread.results += usize::from(events.is_empty());
            events
                .iter_mut()
                .for_each(|event| event.annotator.clone_from(&annotator));
            track.events.append(&mut events);
            track.duration = track
                .duration
                .or(region.field("original_length").positive());
        }
    }
    Ok(track)
}

/// The events of a result, one for each label and range; none if it is of another kind.
fn events(
    region: &Item,
    fps: Option<f64>,
    path: &Path,
    options: &ReadOptions,
) -> Result<Vec<Event>, ExchangeError> {
    let Some(value) = region.get("value") else {
        return Ok(Vec::new());
    };
    let found = TEMPLATES
        .iter()
        .find_map(|one| Some((*one, value.get(Words::of(*one).kind)?)));
    // Labels of texts have positions of letters, and timeline labels that are copies of rectangles have no ranges.
    let is_other = |template| match template {
        LabelStudioTemplate::Timeline => value.get("ranges").is_none(),
        _ => value.get("start").is_none() || value.get("text").is_some(),
    };
    let Some((template, labels)) = found.filter(|(template, _)| !is_other(*template)) else {
        return Ok(Vec::new());
    };
    let mut spans = Vec::new();
    if template == LabelStudioTemplate::Timeline {
        let what = format!(
            "{}: timeline labels count frames, and no {DATA}.{FPS} says how many per second",
            region.place()
        );
        let option = "name the frame rate (--fps), or add fps to the data of the tasks";
        let frames = Frames::of_file(fps, options, path, &what, option)?;
        for range in value.field("ranges").items()? {
            const FRAME: &str = "the number of a frame from 1";
            let (start, end) = (range.field("start"), range.field("end"));
            for frame in [&start, &end] {
                if !Frames::holds(frame.not_negative(FRAME)?) {
                    return Err(frame.wrong(FRAME));
                }
            }
            let start = start.not_negative(FRAME)?.max(1.0);
            let stop = match options.end_frame {
                EndFrame::Included => end.not_negative(FRAME)?.max(1.0) + 1.0,
                EndFrame::Excluded => end.not_negative(FRAME)?.max(start + 1.0),
            };
            if stop <= start {
                return Err(end.wrong("a frame that is not before start"));
            }
            spans.push((
                frames.seconds(start - 1.0),
                Some(frames.seconds(stop - 1.0)),
            ));
        }
    } else {
        const TIME: &str =
            "seconds from 0; export time series with a column of seconds, not of dates";
        let start = value.field("start").not_negative(TIME)?;
        let end = value.field("end");
        let is_instant = is_true(&value.field("instant"));
        let stop = end.not_negative(TIME)?;
        if stop < start {
            return Err(end.wrong("an end that is not before the start"));
        }
        spans.push((
            start,
            Some(stop).filter(|stop| !is_instant && *stop > start),
        ));
    }
    let score = region.field("score").optional_finite("a score")?;
    let comment = region.field("meta").field("text").value();
    let comment = comment.and_then(|text| match text {
        Value::String(text) => Some(text.clone()),
        Value::Array(lines) => {
            let lines: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
            Some(lines.join(" ")).filter(|text| !text.is_empty())
        }
        _ => None,
    });
    let mut events = Vec::new();
    for label in labels.items()? {
        let class = label.name("the name of a class")?;
        events.extend(spans.iter().map(|(start, end)| Event {
            end: *end,
            score,
            comment: comment.clone(),
            ..Event::point(&class, *start)
        }));
    }
    Ok(events)
}

fn is_true(flag: &Item) -> bool {
    flag.value() == Some(&Value::Bool(true))
}

/// Address or number of a person.
fn annotator(who: &Value) -> Option<String> {
    match who {
        Value::Object(fields) => annotator(fields.get("email").or(fields.get("id"))?),
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
