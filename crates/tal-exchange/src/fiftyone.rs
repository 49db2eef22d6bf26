//! `labels.json` of FiftyOne's temporal detections: frames from 1, first and last one included.

use std::path::Path;

use serde_json::{Value, json};

use super::format::{Carries, Format, Layout};
use super::frames::Frames;
use super::json::{Item, parsed};
use super::model::{Event, Project, Track};
use super::{ExchangeError, ReadOptions, WriteOptions, output};

pub(super) static FORMAT: Format = Format {
    name: "fiftyone",
    title: "FiftyOne temporal detections",
    extensions: &["json"],
    layout: Layout::Together,
    file_name: Some("labels.json"),
    carries: Carries {
        scores: true,
        subjects: true,
        comments: true,
        ..Carries::SEGMENTS
    },
    recognise: |clue| {
        let labels = clue.field("labels").and_then(Value::as_object);
        let is_detection = |one: &Value| SPANS.iter().any(|span| one.get(span).is_some());
        let of_first = |lists: &serde_json::Map<String, Value>| {
            let mut all = lists.values().filter_map(Value::as_array).flatten();
            all.next()
                .map_or(clue.field("classes").is_some(), is_detection)
        };
        labels.is_some_and(of_first)
    },
    read: Some(read),
    write: Some(write),
    ..Format::PLAIN
};

/// Frames, or seconds.
const SPANS: [&str; 2] = ["support", "timestamps"];

fn read(bytes: &[u8], path: &Path, options: &ReadOptions) -> Result<Project, ExchangeError> {
    let root: Value = parsed(bytes, path)?;
    let root = Item::new(&root, path);
    let mut classes = Vec::new();
    for class in root.optional_items("classes")? {
        classes.push(class.name("the name of a class")?);
    }
    let mut tracks = Vec::new();
    for (id, list) in root.field("labels").fields()? {
        let mut track = Track {
            id: id.to_owned(),
            ..Track::default()
        };
        // A video without detections may have null.
        let items = match list.is_missing() {
            true => Vec::new(),
            false => list.items()?.collect(),
        };
        for item in items {
            let (event, frames) = event(&item, &classes, path, options)?;
            track.events.push(event);
            track.fps = track.fps.or(frames.map(|frames| frames.fps));
        }
        tracks.push(track);
    }
    Ok(Project::with_classes(classes, tracks))
}

fn event(
    item: &Item,
    classes: &[String],
    path: &Path,
    options: &ReadOptions,
) -> Result<(Event, Option<Frames>), ExchangeError> {
    let label = item.field("label");
    let class = match label.value() {
        Some(Value::String(name)) if !name.trim().is_empty() => Some(name.trim()),
        number => (number.and_then(Value::as_u64))
            .and_then(|number| classes.get(usize::try_from(number).ok()?))
            .map(String::as_str),
    };
    let class =
        class.ok_or_else(|| label.wrong("the name of a class, or its number among classes"))?;
    let (start, end, frames) = if let Some(span) = item.get(SPANS[0]) {
        let what = "support counts frames";
        let frames = Frames::of_file(None, options, path, what, "name the frame rate (--fps)")?;
        let expected = "the first and the last frame, whole numbers from 1";
        let (first, last) = pair(&span).ok_or_else(|| span.wrong(expected))?;
        if first < 1.0
            || last < first
            || !Frames::holds(last)
            || first.fract() != 0.0
            || last.fract() != 0.0
        {
            return Err(span.wrong(expected));
        }
        (
            frames.seconds(first - 1.0),
            frames.seconds(last),
            Some(frames),
        )
    } else {
        let span = item.field(SPANS[1]);
        let expected = "support, frames, or the start and the end in seconds from 0";
        let ends = pair(&span).filter(|(start, end)| *start >= 0.0 && end >= start);
        let (start, end) = ends.ok_or_else(|| span.wrong(expected))?;
        (start, end, None)
    };
    let attributes = item.field("attributes");
    let text = |name: &str| attributes.field(name).optional_text();
    let event = Event {
        subject: text("subject"),
        comment: text("comment"),
        score: item.field("confidence").optional_finite("a confidence")?,
        ..Event::new(class, start, end)
    };
    Ok((event, frames))
}

fn pair(span: &Item) -> Option<(f64, f64)> {
    match span.value()?.as_array()?.as_slice() {
        [first, second] => first.as_f64().zip(second.as_f64()),
        _ => None,
    }
}

fn write(project: &Project, options: &WriteOptions) -> Result<Vec<u8>, ExchangeError> {
    let mut labels = serde_json::Map::new();
    for track in &project.tracks {
        let mut list = Vec::new();
        for event in &track.events {
            let frames = Frames::of_track(track, options, FORMAT.title)?;
            let (first, stop) = frames.range(event);
            let mut entry = json!({"label": event.class, "support": [first + 1, stop]});
            if let Some(score) = event.score {
                entry["confidence"] = json!(score);
            }
            for (name, text) in [("subject", &event.subject), ("comment", &event.comment)] {
                if let Some(text) = text {
                    entry["attributes"][name] = json!(text);
                }
            }
            list.push(entry);
        }
        labels.insert(track.id.clone(), list.into());
    }
    Ok(output::pretty(
        &json!({"classes": project.classes, "labels": labels}),
    ))
}
