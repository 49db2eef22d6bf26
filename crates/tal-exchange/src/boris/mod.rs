//! BORIS projects (`.boris`, `.boris.gz`): JSON with an ethogram and observations, whose rows begin and end states by turns.

mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::clue::Clue;
use crate::format::{Carries, Format, Layout};
use crate::json::{self, Item};
use crate::marks::{NO_SUBJECT, OVERLAPPING, scored, texts};
use crate::model::{Event, Project, Track};
use crate::{ExchangeError, ReadOptions};

pub(super) static FORMAT: Format = Format {
    name: "boris",
    title: "BORIS project",
    extensions: &["boris", "boris.gz"],
    layout: Layout::Together,
    carries: Carries {
        points: true,
        scores: true,
        subjects: true,
        modifiers: true,
        comments: true,
        durations: true,
        frame_rates: true,
        media: true,
        ..Carries::SEGMENTS
    },
    recognise: |clue: &Clue| {
        let is_object = |name| clue.field(name).is_some_and(Value::is_object);
        is_object("observations") && is_object("behaviors_conf")
    },
    read: Some(read),
    write: Some(write::write),
    ..Format::PLAIN
};

fn read(bytes: &[u8], path: &Path, _: &ReadOptions) -> Result<Project, ExchangeError> {
    let content = json::parsed(bytes, path)?;
    let root = Item::new(&content, path);
    let mut classes = Vec::new();
    let mut points = BTreeSet::new();
    for (_, behaviour) in root.field("behaviors_conf").fields()? {
        let code = behaviour.field("code").name("the code of a behaviour")?;
        let kind = behaviour
            .field("type")
            .text("\"State event\" or \"Point event\"")?;
        match kind.to_lowercase() {
            kind if kind.starts_with("point") => drop(points.insert(code.clone())),
            kind if kind.starts_with("state") => {}
            _ => {
                return Err(behaviour
                    .field("type")
                    .wrong("\"State event\" or \"Point event\""));
            }
        }
        classes.push(code);
    }
    let overlapping = overlapping(&root)?;
    let mut tracks = Vec::new();
    let mut num_offsets = 0;
    let mut num_further = 0;
    for (id, observation) in root.field("observations").fields()? {
        let files = observation.field("file").field("1");
        let mut names = Vec::new();
        if !files.is_missing() {
            for file in files.items()? {
                names.extend(file.optional_text());
            }
        }
        num_further += names.len().saturating_sub(1);
        num_offsets += usize::from(
            observation
                .field("time offset")
                .optional_number()
                .is_some_and(|n| n != 0.0),
        );
        let info = observation.field("media_info");
        // Films of a list are one after the other.
        let lengths: Option<Vec<f64>> = names
            .iter()
            .map(|name| info.field("length").field(name).positive())
            .collect();
        tracks.push(Track {
            id: id.to_owned(),
            duration: lengths.map(|all| all.iter().sum()).filter(|sum| *sum > 0.0),
            fps: names
                .first()
                .and_then(|name| info.field("fps").field(name).positive()),
            media: names.first().cloned(),
            events: events(&observation.field("events"), &points, &overlapping)?,
        });
    }
    let mut project = Project::with_classes(classes, tracks);
    project.leave_out("time offsets of observations", num_offsets);
    project.leave_out(
        "further films of an observation, whose times follow those of the first",
        num_further,
    );
    Ok(project)
}

/// Subjects that stand for another one while its events overlap, with that one's name.
fn overlapping(root: &Item) -> Result<BTreeMap<String, String>, ExchangeError> {
    let mut all = BTreeMap::new();
    let subjects = root.field("subjects_conf");
    if subjects.is_missing() {
        return Ok(all);
    }
    for (_, subject) in subjects.fields()? {
        let name = subject.field("name").optional_text();
        let description = subject.field("description").optional_text();
        if let Some(name) = name
            && description.is_some_and(|text| text == OVERLAPPING)
            && let Some((first, _)) = name.rsplit_once('#')
        {
            all.insert(name.clone(), first.trim().to_owned());
        }
    }
    Ok(all)
}

/// Rows of an observation: time, subject, code, modifiers, comment.
fn events(
    rows: &Item,
    points: &BTreeSet<String>,
    overlapping: &BTreeMap<String, String>,
) -> Result<Vec<Event>, ExchangeError> {
    let mut all = Vec::new();
    for row in rows.items()? {
        let cells: Vec<Item> = row.items()?.collect();
        let cell = |at: usize, what: &str| {
            let missing = || {
                row.wrong(format!(
                    "time, subject, code, modifier and comment; there is no {what}"
                ))
            };
            cells.get(at).ok_or_else(missing)
        };
        let time = cell(0, "time")?.number("a time in seconds")?;
        let subject = cell(1, "subject")?.optional_text().unwrap_or_default();
        let code = cell(2, "code")?.name("the code of a behaviour")?;
        let modifiers = cells
            .get(3)
            .and_then(Item::optional_text)
            .unwrap_or_default();
        let comment = cells
            .get(4)
            .and_then(Item::optional_text)
            .unwrap_or_default();
        all.push((time, [subject, code, modifiers], comment));
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut open: BTreeMap<[String; 3], usize> = BTreeMap::new();
    let mut events: Vec<Event> = Vec::new();
    for (time, key, comment) in all {
        let is_point = points.contains(&key[1]);
        if !is_point && let Some(start) = open.remove(&key) {
            let event = &mut events[start];
            event.end = Some(time);
            let (score, comment) = scored(&comment);
            event.score = event.score.or(score);
            let texts = event.comment.take().into_iter().chain(comment);
            event.comment = Some(Vec::from_iter(texts).join("; ")).filter(|text| !text.is_empty());
            continue;
        }
        let (score, comment) = scored(&comment);
        let subject = overlapping.get(&key[0]).unwrap_or(&key[0]);
        events.push(Event {
            subject: Some(subject.clone()).filter(|name| !name.is_empty() && name != NO_SUBJECT),
            modifiers: texts(&key[2]),
            comment,
            score,
            ..Event::point(key[1].clone(), time)
        });
        if !is_point {
            open.insert(key, events.len() - 1);
        }
    }
    match open.into_iter().next() {
        None => Ok(events),
        Some(([subject, code, _], at)) => Err(rows.wrong_about(
            &format!(
                "{code:?} of {:?} begins at {} s and has no end",
                subject, events[at].start
            ),
            "an even number of rows for each state; BORIS closes them with \"Fix unpaired events\"",
        )),
    }
}
