//! VIA 3 projects: JSON with files, attributes and segments of time.

pub(super) mod attributes;
pub(super) mod described;
mod write;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::clue::Clue;
use crate::format::{Carries, Format, Layout};
use crate::json::{self, Item};
use crate::model::{Project, Track};
use crate::{ExchangeError, ReadOptions};
use attributes::{Attributes, without_ending};

pub(super) static FORMAT: Format = Format {
    name: "via",
    title: "VIA 3 project",
    extensions: &["json"],
    layout: Layout::Together,
    carries: Carries {
        points: true,
        scores: true,
        subjects: true,
        annotators: true,
        modifiers: true,
        comments: true,
        media: true,
        ..Carries::SEGMENTS
    },
    recognise: |clue: &Clue| {
        let is_object = |name| {
            clue.field(name)
                .is_some_and(|one: &Value| one.is_object() || one.is_array())
        };
        is_object("metadata") && is_object("attribute") && is_object("view") && is_object("file")
    },
    read: Some(read),
    write: Some(write::write),
    ..Format::PLAIN
};

fn read(bytes: &[u8], path: &Path, options: &ReadOptions) -> Result<Project, ExchangeError> {
    let content = json::parsed(bytes, path)?;
    let root = Item::new(&content, path);
    let attributes = Attributes::new(&root.field("attribute"), options)?;
    let files = root.field("file");
    // The film of each view; others beside it show the same time.
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut tracks: Vec<Track> = Vec::new();
    let mut num_beside = 0;
    for (view, item) in root.field("view").fields()? {
        let list = item.field("fid_list");
        let ids: Vec<String> = list
            .items()?
            .map(|one| one.name("the id of a file"))
            .collect::<Result<_, _>>()?;
        let Some(first) = ids.first() else {
            continue;
        };
        num_beside += ids.len() - 1;
        let file = files.field(first);
        let name = file.field("fname").name("the name of a film or sound")?;
        let source = file
            .field("src")
            .optional_text()
            .filter(|source| !source.starts_with("data:"));
        places.insert(view, tracks.len());
        tracks.push(Track {
            id: without_ending(&name).to_owned(),
            media: Some(source.unwrap_or(name)),
            ..Track::default()
        });
    }
    let mut unread = Unread::default();
    for (_, item) in root.field("metadata").fields()? {
        let view = item.field("vid").name("the id of a view")?;
        let Some(place) = places.get(view.as_str()) else {
            return Err(item.field("vid").wrong("the id of a view with a file"));
        };
        let times = item.field("z");
        let times: Vec<f64> = (times.items()?)
            .map(|time| time.number("seconds"))
            .collect::<Result<_, _>>()?;
        let is_region = item
            .field("xy")
            .value()
            .and_then(Value::as_array)
            .is_some_and(|xy| !xy.is_empty());
        let (start, end) = match times[..] {
            _ if is_region => {
                unread.regions += 1;
                continue;
            }
            [] => {
                unread.of_files += 1;
                continue;
            }
            [time] => (time, None),
            [start, end] if start <= end => (start, Some(end)),
            _ => {
                return Err(item
                    .field("z")
                    .wrong("a time, or start and end, in seconds"));
            }
        };
        let events = attributes.events(&item.field("av"), start, end)?;
        unread.without_value += usize::from(events.is_empty());
        tracks[*place].events.extend(events);
    }
    let mut project = Project::with_classes(attributes.classes(), tracks);
    project.leave_out("regions of pictures", unread.regions);
    project.leave_out("descriptions of whole files", unread.of_files);
    project.leave_out("segments without a value", unread.without_value);
    project.leave_out("films beside others", num_beside);
    Ok(project)
}

#[derive(Default)]
struct Unread {
    regions: usize,
    of_files: usize,
    without_value: usize,
}
