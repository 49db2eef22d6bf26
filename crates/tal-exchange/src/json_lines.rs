//! JSON Lines of events: an object per line, which programs read while it is written.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use tal_data::text;

use super::clue::Clue;
use super::format::{Carries, Format, Layout};
use super::json::{Item, parsed};
use super::model::{Event, Project, Track};
use super::{ExchangeError, ReadOptions, WriteOptions};

pub(super) static FORMAT: Format = Format {
    name: "jsonl",
    title: "JSON Lines",
    extensions: &["jsonl", "ndjson"],
    layout: Layout::Together,
    carries: Carries {
        points: true,
        scores: true,
        subjects: true,
        annotators: true,
        modifiers: true,
        comments: true,
        ..Carries::SEGMENTS
    },
    recognise,
    read: Some(read),
    write: Some(write),
    ..Format::PLAIN
};

const ID: &str = "recording";

fn recognise(clue: &Clue) -> bool {
    let first = clue.lines().next().unwrap_or_default();
    let first: Option<Value> = serde_json::from_str(first).ok();
    first.is_some_and(|first| first.get(ID).is_some_and(Value::is_string))
}

/// Lines of recordings, each written as soon as it is known.
///
/// Every event is an object with `recording`, `start`, `end`, `label` and, if known, `score`, `subject`, `annotator`,
/// `modifiers`, `comment`; a point event has no `end`. A recording without events is an object with `recording` alone.
///
/// # Units
/// Times in seconds.
#[derive(Debug)]
pub struct JsonLines<W> {
    out: W,
}

impl<W: Write> JsonLines<W> {
    /// Lines that go to `out`.
    pub fn new(out: W) -> Self {
        Self { out }
    }

    /// Writes the lines of one recording and hands them on at once.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn append(&mut self, track: &Track) -> io::Result<()> {
        let events = track.events.iter().map(Some);
        // A recording without events has a line, too.
        let nothing = track.events.is_empty().then_some(None);
        for event in events.chain(nothing) {
            serde_json::to_writer(&mut self.out, &Line::new(&track.id, event))?;
            self.out.write_all(b"\n")?;
        }
        self.out.flush()
    }

    /// The target of the lines.
    pub fn into_inner(self) -> W {
        self.out
    }
}

/// Fields of a line in the order in which they are written.
#[derive(Serialize)]
struct Line<'a> {
    recording: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotator: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    modifiers: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
}

impl<'a> Line<'a> {
    fn new(recording: &'a str, event: Option<&'a Event>) -> Self {
        Self {
            recording,
            start: event.map(|event| event.start),
            end: event.and_then(|event| event.end),
            label: event.map(|event| event.class.as_str()),
            score: event.and_then(|event| event.score),
            subject: event.and_then(|event| event.subject.as_deref()),
            annotator: event.and_then(|event| event.annotator.as_deref()),
            modifiers: event.map_or(&[][..], |event| &event.modifiers[..]),
            comment: event.and_then(|event| event.comment.as_deref()),
        }
    }
}

fn read(bytes: &[u8], path: &Path, _: &ReadOptions) -> Result<Project, ExchangeError> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut tracks: Vec<Track> = Vec::new();
    for line in text::lines(bytes, path) {
        let (number, line) = line?;
        if line.trim().is_empty() {
            continue;
        }
        let value = parsed(line.as_bytes(), path).map_err(|mut error| {
            if let ExchangeError::Json(error) = &mut error {
                error.line = number;
            }
            error
        })?;
        let node = Item::at(&value, path, format!("line {number}"));
        let id = node.field(ID).name("the id of a recording")?;
        let place = *places.entry(id).or_insert_with_key(|id| {
            tracks.push(Track {
                id: id.clone(),
                ..Track::default()
            });
            tracks.len() - 1
        });
        if node.get("label").is_some() || node.get("start").is_some() {
            tracks[place].events.push(event(&node)?);
        }
    }
    Ok(Project::new(tracks))
}

fn event(node: &Item) -> Result<Event, ExchangeError> {
    let class = node.field("label").name("the name of a class")?;
    let start = node.field("start").not_negative("seconds from 0")?;
    let end = match node.get("end") {
        None => None,
        Some(end) => match end.number("seconds")? {
            time if time >= start => Some(time),
            _ => return Err(end.wrong("an end that is not before the start")),
        },
    };
    let text = |name: &str| node.field(name).optional_text();
    let modifiers = node.optional_items("modifiers")?;
    let modifiers = modifiers.iter().map(|one| one.name("a text"));
    Ok(Event {
        class,
        start,
        end,
        subject: text("subject"),
        annotator: text("annotator"),
        modifiers: modifiers.collect::<Result<_, _>>()?,
        comment: text("comment"),
        score: node.field("score").optional_finite("a finite number")?,
    })
}

fn write(project: &Project, _: &WriteOptions) -> Result<Vec<u8>, ExchangeError> {
    let mut lines = JsonLines::new(Vec::new());
    for track in &project.tracks {
        // Memory does not fail.
        let _ = lines.append(track);
    }
    Ok(lines.into_inner())
}
