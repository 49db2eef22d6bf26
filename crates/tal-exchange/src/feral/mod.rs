//! Labels of FERAL: JSON with a class, or a 0 or 1 for every class, per frame.

mod write;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::format::{Carries, Format, Layout};
use crate::frames::Frames;
use crate::json::{Item, parsed};
use crate::model::{Event, Project, Track};
use crate::options::stem;
use crate::{ExchangeError, ReadOptions};
use write::{OTHER, TITLE};

pub(super) static FORMAT: Format = Format {
    name: "feral",
    title: TITLE,
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
    write: Some(write::write),
    ..Format::PLAIN
};

/// Names of class 0 if it stands for frames in which nothing happens.
const BACKGROUND: [&str; 6] = [
    OTHER,
    "none",
    "background",
    "nothing",
    "no_behavior",
    "no behavior",
];

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
