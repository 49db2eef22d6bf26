//! Labels of FERAL, written.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::frames::Frames;
use crate::{ExchangeError, Project, WriteOptions};

/// Name for people.
pub(super) const TITLE: &str = "FERAL";
/// Name of class 0, which stands for frames in which nothing happens.
pub(super) const OTHER: &str = "other";
/// Longest recording that is written, in frames: a day at 60 per second.
const MOST_FRAMES: i64 = 24 * 3600 * 60;

pub(super) fn write(project: &Project, options: &WriteOptions) -> Result<Vec<u8>, ExchangeError> {
    // The classes of every frame, by recording. Writing to memory does not fail.
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
    let names = std::iter::once(OTHER).chain(project.classes.iter().map(String::as_str));
    let class_names: Map<String, Value> = (0..)
        .zip(names)
        .map(|(number, name): (usize, _)| (number.to_string(), json!(name)))
        .collect();
    let mut splits = json!({"train": all.keys().collect::<Vec<_>>()});
    for split in ["val", "test", "inference"] {
        splits[split] = json!([]);
    }
    let head =
        json!({"is_multilabel": is_multilabel, "class_names": class_names, "splits": splits});
    // As text, because values of their own for every frame and class would take much more memory.
    let mut text = head.to_string();
    text.truncate(text.len() - 1);
    text.push_str(",\"labels\":{");
    for (number, (name, frames)) in all.iter().enumerate() {
        let comma = if number == 0 { "" } else { "," };
        let _ = write!(text, "{comma}{}:[", json!(name));
        for (frame, classes) in frames.iter().enumerate() {
            text.push_str(if frame == 0 { "" } else { "," });
            match is_multilabel {
                true => push_flags(&mut text, classes, project.classes.len()),
                false => {
                    let _ = write!(text, "{}", classes.first().unwrap_or(&0));
                }
            }
        }
        text.push(']');
    }
    text.push_str("}}\n");
    Ok(text.into_bytes())
}

/// A 0 or 1 for class 0, which stands for none of the others, and for every other class.
fn push_flags(text: &mut String, classes: &[usize], count: usize) {
    for class in 0..=count {
        let is_there = classes.contains(&class) || (class == 0 && classes.is_empty());
        text.push(if class == 0 { '[' } else { ',' });
        text.push(if is_there { '1' } else { '0' });
    }
    text.push(']');
}
