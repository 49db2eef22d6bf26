//! Labels of FERAL, written.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::exchange::frames::Frames;
use crate::exchange::{ExchangeError, Project, WriteOptions, output};

/// Name for people.
pub(super) const TITLE: &str = "FERAL";
/// Name of class 0, which stands for frames in which nothing happens.
pub(super) const OTHER: &str = "other";
const SPLITS: [&str; 4] = ["train", "val", "test", "inference"];
/// Longest recording that is written, in frames: a day at 240 per second.
const MOST_FRAMES: i64 = 24 * 3600 * 240;

pub(super) fn write(project: &Project, options: &WriteOptions) -> Result<Vec<u8>, ExchangeError> {
    // The classes of every frame, by recording.
    let mut all: BTreeMap<String, Vec<Vec<usize>>> = BTreeMap::new();
    let numbers: BTreeMap<&str, usize> = (project.classes.iter().map(String::as_str))
        .zip(1..)
        .collect();
    for track in &project.tracks {
        let frames = Frames::of_track(track, options, TITLE)?;
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
                format: TITLE,
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
    let names = std::iter::once(OTHER).chain(project.classes.iter().map(String::as_str));
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
