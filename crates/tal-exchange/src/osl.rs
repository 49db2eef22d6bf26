//! OSL JSON 2.0 of OpenSportsLab: point events of any number of recordings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use super::format::{Carries, Format, Layout};
use super::frames::clock;
use super::json::{Item, parsed};
use super::model::{Event, Project, Track};
use super::options::stem;
use super::{ExchangeError, ReadOptions, WriteOptions, output};

pub(super) static FORMAT: Format = Format {
    name: "osl",
    title: "OSL JSON",
    extensions: &["json"],
    layout: Layout::Together,
    carries: Carries {
        points: true,
        states: false,
        scores: true,
        modifiers: true,
        frame_rates: true,
        media: true,
        ..Carries::SEGMENTS
    },
    recognise: |clue| clue.field("data").is_some_and(Value::is_array),
    read: Some(read),
    write: Some(write),
    ..Format::PLAIN
};

/// The group of classes that readers take if none is named.
const HEAD: &str = "action";

fn read(bytes: &[u8], path: &Path, _: &ReadOptions) -> Result<Project, ExchangeError> {
    let root: Value = parsed(bytes, path)?;
    let root = Item::new(&root, path);
    let mut classes = Vec::new();
    if let Some(heads) = root.get("labels") {
        for (_, head) in heads.fields()? {
            for class in head.optional_items("labels")? {
                classes.push(class.name("the name of a class")?);
            }
        }
    }
    let (mut tracks, mut num_captions, mut num_labels) = (Vec::new(), 0, 0);
    for sample in root.field("data").items()? {
        let (mut media, mut fps) = (None, None);
        if let Some(input) = sample.optional_items("inputs")?.first() {
            media = input.field("path").optional_text();
            fps = input
                .field("fps")
                .optional_above_zero("frames per second above 0")?;
        }
        let id = match (sample.field("id"), &media) {
            (id, Some(media)) if id.is_missing() => stem(media).to_owned(),
            (id, _) => id.name("the id of a recording")?,
        };
        let events = sample.optional_items("events")?;
        num_captions += sample.optional_items("dense_captions")?.len();
        num_labels += usize::from(sample.get("labels").is_some());
        tracks.push(Track {
            id,
            fps,
            media,
            events: events.iter().map(event).collect::<Result<_, _>>()?,
            ..Track::default()
        });
    }
    let mut project = Project::with_classes(classes, tracks);
    project.leave_out("captions", num_captions);
    project.leave_out("labels of whole recordings", num_labels);
    Ok(project)
}

fn event(event: &Item) -> Result<Event, ExchangeError> {
    let time = event
        .field("position_ms")
        .not_negative("milliseconds from 0")?
        / 1e3;
    let class = event.field("label").name("the name of a class")?;
    let head = event
        .field("head")
        .optional_text()
        .filter(|head| head != HEAD);
    let score = event
        .get("confidence")
        .unwrap_or(event.field("confidence_score"));
    Ok(Event {
        modifiers: head.into_iter().collect(),
        score: score.optional_finite("a confidence")?,
        ..Event::point(class, time)
    })
}

fn write(project: &Project, options: &WriteOptions) -> Result<Vec<u8>, ExchangeError> {
    let mut heads: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let data: Vec<Value> = (project.tracks.iter())
        .map(|track| {
            let mut input = json!({"type": "video", "path": options.media_of(track)});
            if let Some(fps) = options.fps_of(track) {
                input["fps"] = json!(fps);
            }
            let events = track.events.iter().map(|event| {
                let head = match event.modifiers.is_empty() {
                    true => HEAD.to_owned(),
                    false => event.modifiers.join(","),
                };
                heads.entry(head.clone()).or_default().insert(&event.class);
                let position = (event.middle() * 1e3).round();
                let mut entry = json!({
                    "head": head,
                    "label": event.class,
                    "position_ms": position as u64,
                    "gameTime": format!("1 - {}", clock(position)),
                });
                if let Some(score) = event.score {
                    entry["confidence"] = json!(score);
                }
                entry
            });
            let events: Vec<Value> = events.collect();
            json!({"id": track.id, "inputs": [input], "events": events})
        })
        .collect();
    // Classes keep their order; those without events belong to the usual group.
    let used: BTreeSet<&str> = heads.values().flatten().copied().collect();
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::from([(HEAD, Vec::new())]);
    groups.extend(heads.keys().map(|head| (head.as_str(), Vec::new())));
    for class in &project.classes {
        for (head, group) in &mut groups {
            let is_here = heads
                .get(*head)
                .is_some_and(|all| all.contains(class.as_str()));
            if is_here || (*head == HEAD && !used.contains(class.as_str())) {
                group.push(class);
            }
        }
    }
    let labels: serde_json::Map<String, Value> = (groups.into_iter())
        .map(|(head, group)| {
            (
                head.to_owned(),
                json!({"type": "single_label", "labels": group}),
            )
        })
        .collect();
    let day = options.date.split('T').next().unwrap_or_default();
    Ok(output::pretty(&json!({
        "version": "2.0",
        "date": day,
        "task": "action_spotting",
        "dataset_name": "tal",
        "modalities": ["video"],
        "labels": labels,
        "data": data,
    })))
}
