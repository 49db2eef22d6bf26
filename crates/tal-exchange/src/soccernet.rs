//! `Labels-v2.json` of SoccerNet, and its predictions: point events of a match in milliseconds of its half.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use super::format::{Carries, Format, Layout};
use super::frames::clock;
use super::json::{Item, parsed};
use super::model::{Event, Project, Track};
use super::options::id_of;
use super::{ExchangeError, ReadOptions, WriteOptions, output};

pub(super) static FORMAT: Format = Format {
    name: "soccernet",
    title: "SoccerNet Labels-v2",
    extensions: &["json"],
    layout: Layout::Grouped(match_of),
    carries: Carries {
        points: true,
        states: false,
        scores: true,
        subjects: true,
        modifiers: true,
        ..Carries::SEGMENTS
    },
    recognise: |clue| {
        let lists = LISTS.iter().filter_map(|list| clue.field(list)?.as_array());
        let has_times =
            |events: &Vec<Value>| events.first().is_some_and(|one| one.get(TIME).is_some());
        clue.field(ID).is_some() || lists.into_iter().any(has_times)
    },
    read: Some(read),
    write: Some(write),
    ..Format::PLAIN
};

const ID: &str = "UrlLocal";
const TIME: &str = "gameTime";
/// Annotated events, and those that a detector found.
const LISTS: [&str; 2] = ["annotations", "predictions"];
/// Team of an event that is nobody's.
const NOBODY: &str = "not applicable";
const VISIBLE: &str = "visible";
/// Names of files that do not name the match, but lie in its folder.
const COMMON: [&str; 4] = ["Labels", "Labels-v2", "Labels-ball", "results_spotting"];

/// The match of a recording of one half: `a/b/1` and `a/b/2` are one file.
fn match_of(id: &str) -> &str {
    id.strip_suffix("/1")
        .or(id.strip_suffix("/2"))
        .unwrap_or(id)
}

fn read(bytes: &[u8], path: &Path, _: &ReadOptions) -> Result<Project, ExchangeError> {
    let root: Value = parsed(bytes, path)?;
    let root = Item::new(&root, path);
    let id = match root.get(ID) {
        Some(id) => id
            .name("the folder of the match")?
            .trim_end_matches('/')
            .to_owned(),
        None => name_of(path),
    };
    if LISTS.iter().all(|list| root.get(list).is_none()) {
        return Err(root
            .field(LISTS[0])
            .wrong("a list of events with gameTime and label"));
    }
    let mut halves: BTreeMap<u32, Vec<Event>> = BTreeMap::new();
    for list in LISTS {
        for event in root.optional_items(list)? {
            const FORM: &str = "half and time, such as \"1 - 07:31\"";
            let time = event.field(TIME);
            let (half, seconds) =
                half_and_seconds(&time.name(FORM)?).ok_or_else(|| time.wrong(FORM))?;
            // The clock has whole seconds.
            let start = match event.get("position") {
                Some(position) => position.not_negative("milliseconds from 0")? / 1e3,
                None => seconds,
            };
            let text = |name: &str, nothing: &str| {
                event
                    .get(name)?
                    .optional_text()
                    .filter(|text| text != nothing)
            };
            halves.entry(half).or_default().push(Event {
                subject: text("team", NOBODY),
                modifiers: text("visibility", VISIBLE).into_iter().collect(),
                score: event.field("confidence").optional_finite("a confidence")?,
                ..Event::point(event.field("label").name("the name of a class")?, start)
            });
        }
    }
    // A match has a film for each half, except where all events are of the first.
    let is_whole = halves.keys().all(|half| *half == 1);
    if halves.is_empty() {
        halves.insert(1, Vec::new());
    }
    let tracks = halves.into_iter().map(|(half, events)| Track {
        id: if is_whole {
            id.clone()
        } else {
            format!("{id}/{half}")
        },
        events,
        ..Track::default()
    });
    Ok(Project::new(tracks.collect()))
}

/// Name of the file, or of its folder if files of all matches have that name.
fn name_of(path: &Path) -> String {
    let name = id_of(path);
    let folder = path.parent().and_then(Path::file_name);
    match folder {
        Some(folder) if COMMON.contains(&name.as_str()) => folder.to_string_lossy().into_owned(),
        _ => name,
    }
}

/// `1 - 07:31`.
fn half_and_seconds(text: &str) -> Option<(u32, f64)> {
    let (half, clock) = text.split_once(" - ")?;
    let (minutes, seconds) = clock.split_once(':')?;
    let [half, minutes, seconds] =
        [half, minutes, seconds].map(|part| part.trim().parse::<u32>().ok());
    Some((
        half.filter(|half| *half > 0)?,
        f64::from(minutes?) * 60.0 + f64::from(seconds?),
    ))
}

fn write(project: &Project, _: &WriteOptions) -> Result<Vec<u8>, ExchangeError> {
    let ids: BTreeSet<&str> = project
        .tracks
        .iter()
        .map(|track| track.id.as_str())
        .collect();
    let mut lists: [Vec<Value>; 2] = Default::default();
    for track in &project.tracks {
        let half = if ids.len() > 1 && track.id.ends_with("/2") {
            2
        } else {
            1
        };
        for event in &track.events {
            let position = (event.middle() * 1e3).round();
            let clock = format!("{half} - {}", clock(position));
            match event.score {
                None => lists[0].push(json!({
                    TIME: clock,
                    "label": event.class,
                    "position": position.to_string(),
                    "team": event.subject.as_deref().unwrap_or(NOBODY),
                    "visibility": event.modifiers.first().map_or(VISIBLE, String::as_str),
                })),
                Some(score) => lists[1].push(json!({
                    TIME: clock,
                    "label": event.class,
                    "position": position.to_string(),
                    "half": half.to_string(),
                    "confidence": score.to_string(),
                })),
            }
        }
    }
    let first = project.tracks.first().map_or("", |track| track.id.as_str());
    let id = if ids.len() > 1 {
        match_of(first)
    } else {
        first
    };
    let [annotations, predictions] = lists;
    let mut document = json!({ID: id});
    if predictions.is_empty() || !annotations.is_empty() {
        document[LISTS[0]] = annotations.into();
    }
    if !predictions.is_empty() {
        document[LISTS[1]] = predictions.into();
    }
    Ok(output::pretty(&document))
}
