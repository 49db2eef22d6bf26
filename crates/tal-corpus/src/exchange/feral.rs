//! Labels of FERAL: JSON with a class, or a 0 or 1 for every class, per frame.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::format::{Carries, Format, Layout};
use super::frames::Frames;
use super::json::{Item, parsed};
use super::model::{Event, Project, Track};
use super::options::stem;
use super::{ExchangeError, ReadOptions, WriteOptions, output};

pub(super) static FORMAT: Format = Format {
    name: "feral",
    title: "FERAL",
    extensions: &["json"],
    layout: Layout::Together,
    carries: Carries {
        repeats: false,
        durations: true,
        media: true,
        ..Carries::SEGMENTS
    },
    recognise: |clue| {
        let is_object = |name: &str| clue.field(name).is_some_and(Value::is_object);
        is_object("class_names") && is_object("labels")
    },
    read: Some(read),
    write: Some(write),
    ..Format::PLAIN
};

/// Names of class 0 if it stands for frames in which nothing happens; ours first.
const BACKGROUND: [&str; 6] = [
    "other",
    "none",
    "background",
    "nothing",
    "no_behavior",
    "no behavior",
];
const SPLITS: [&str; 4] = ["train", "val", "test", "inference"];
/// Longest recording that is written, in frames: a day at 240 per second.
const MOST_FRAMES: i64 = 24 * 3600 * 240;

fn read(bytes: &[u8], path: &Path, options: &ReadOptions) -> Result<Project, ExchangeError> {
    let root: Value = parsed(bytes, path)?;
    let root = Item::new(&root, path);
    let frames = Frames::of_file(
        None,
        options,
        path,
        "the labels count frames",
        "name the frame rate (--fps)",
    )?;
    let names = root.field("class_names");
    let mut classes: BTreeMap<u64, String> = BTreeMap::new();
    for (number, name) in names.fields()? {
        let number = number
            .parse()
            .map_err(|_| name.wrong("a whole number as key of a class"))?;
        classes.insert(number, name.name("the name of a class")?);
    }
    let is_background =
        |number: u64, name: &str| number == 0 && BACKGROUND.contains(&name.to_lowercase().as_str());
    let mut tracks = Vec::new();
    for (media, labels) in root.field("labels").fields()? {
        let Some(Value::Array(list)) = labels.value() else {
            return Err(labels.wrong("a list with an item for every frame"));
        };
        let mut events = Vec::new();
        // Start of the event of a class that goes on.
        let mut open: BTreeMap<u64, usize> = BTreeMap::new();
        for (frame, label) in list.iter().enumerate() {
            let now =
                classes_of(label).filter(|all| all.iter().all(|one| classes.contains_key(one)));
            let Some(now) = now else {
                let item = labels.items()?.nth(frame).unwrap_or(labels.clone());
                let expected = "the number of a class of class_names, or a list with a 0 or 1 for each of them";
                return Err(item.wrong(expected));
            };
            open.retain(|class, start| {
                let goes_on = now.contains(class);
                if !goes_on {
                    events.push((*class, *start, frame));
                }
                goes_on
            });
            for class in now {
                open.entry(class).or_insert(frame);
            }
        }
        events.extend(
            open.into_iter()
                .map(|(class, start)| (class, start, list.len())),
        );
        events.retain(|(class, ..)| !is_background(*class, &classes[class]));
        events.sort_by_key(|(class, start, _)| (*start, *class));
        let seconds = |frame: usize| frames.seconds(frame as f64);
        tracks.push(Track {
            id: stem(media).to_owned(),
            duration: Some(seconds(list.len())).filter(|duration| *duration > 0.0),
            fps: Some(frames.fps),
            media: Some(media.to_owned()),
            events: (events.into_iter())
                .map(|(class, start, end)| {
                    Event::new(&classes[&class], seconds(start), seconds(end))
                })
                .collect(),
        });
    }
    let names = classes
        .into_iter()
        .filter(|(number, name)| !is_background(*number, name));
    Ok(Project::with_classes(
        names.map(|(_, name)| name).collect(),
        tracks,
    ))
}

/// Numbers of the classes of a frame.
fn classes_of(label: &Value) -> Option<Vec<u64>> {
    match label {
        Value::Array(flags) => {
            let mut classes = Vec::new();
            for (class, flag) in (0..).zip(flags) {
                match flag.as_f64()? {
                    0.0 => {}
                    1.0 => classes.push(class),
                    _ => return None,
                }
            }
            Some(classes)
        }
        number => Some(vec![number.as_u64()?]),
    }
}

fn write(project: &Project, options: &WriteOptions) -> Result<Vec<u8>, ExchangeError> {
    // The classes of every frame, by recording.
    let mut all: BTreeMap<String, Vec<Vec<usize>>> = BTreeMap::new();
    let numbers: BTreeMap<&str, usize> = (project.classes.iter().map(String::as_str))
        .zip(1..)
        .collect();
    for track in &project.tracks {
        let frames = Frames::of_track(track, options, FORMAT.title)?;
        let last = track
            .events
            .iter()
            .map(|event| frames.range(event).1)
            .max()
            .unwrap_or(0);
        let count = last.max(frames.frame(track.duration.unwrap_or(0.0)));
        if count > MOST_FRAMES {
            return Err(ExchangeError::Unwritable {
                id: track.id.clone(),
                format: FORMAT.title,
                reason: format!(
                    "it has a label per frame, and there are {count}; is the time in seconds?"
                ),
            });
        }
        let mut labels = vec![Vec::new(); count.max(0) as usize];
        for event in &track.events {
            let (first, stop) = frames.range(event);
            let class = numbers.get(event.class.as_str()).copied().unwrap_or(0);
            for frame in &mut labels[first.max(0) as usize..stop.max(0) as usize] {
                if !frame.contains(&class) {
                    frame.push(class);
                }
            }
        }
        all.insert(options.media_of(track), labels);
    }
    let is_multilabel = all.values().flatten().any(|classes| classes.len() > 1);
    let value = |classes: &Vec<usize>| match is_multilabel {
        false => json!(classes.first().unwrap_or(&0)),
        true => {
            let is_there = |class| classes.contains(&class) || (class == 0 && classes.is_empty());
            (0..=project.classes.len())
                .map(|class| Value::from(u8::from(is_there(class))))
                .collect()
        }
    };
    let labels: serde_json::Map<String, Value> = (all.iter())
        .map(|(name, frames)| (name.clone(), frames.iter().map(value).collect()))
        .collect();
    let names = std::iter::once(BACKGROUND[0]).chain(project.classes.iter().map(String::as_str));
    let class_names: serde_json::Map<String, Value> = (0..)
        .zip(names)
        .map(|(number, name): (usize, _)| (number.to_string(), json!(name)))
        .collect();
    let videos: Vec<&String> = labels.keys().collect();
    let splits: serde_json::Map<String, Value> = (SPLITS.into_iter())
        .map(|split| {
            (
                split.to_owned(),
                if split == SPLITS[0] {
                    json!(videos)
                } else {
                    json!([])
                },
            )
        })
        .collect();
    Ok(output::compact(&json!({
        "is_multilabel": is_multilabel,
        "class_names": class_names,
        "splits": splits,
        "labels": labels,
    })))
}
