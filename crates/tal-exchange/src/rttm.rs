//! RTTM of NIST: a line per event with ten fields that spaces separate.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use tal_data::text::{self, TextFileError, finite};

use super::clue::Clue;
use super::format::{Carries, Format, Layout};
use super::frames::{end_of, event};
use super::lanes::step;
use super::model::{Project, Track};
use super::names::without_spaces;
use super::{ExchangeError, ReadOptions, WriteOptions};

pub(super) static FORMAT: Format = Format {
    name: "rttm",
    title: "RTTM",
    extensions: &["rttm"],
    layout: Layout::Together,
    carries: Carries {
        points: true,
        scores: true,
        spaces: false,
        empty_recordings: false,
        ..Carries::SEGMENTS
    },
    recognise,
    read: Some(read),
    write: Some(write),
    ..Format::PLAIN
};

/// Types of lines that other tools write; those of speakers are events.
const TYPES: [&str; 9] = [
    SPEAKER,
    "SPKR-INFO",
    "SEGMENT",
    "NOSCORE",
    "NO_RT_METADATA",
    "LEXEME",
    "NON-LEX",
    "NON-SPEECH",
    "SU",
];
const SPEAKER: &str = "SPEAKER";
const UNKNOWN: &str = "<NA>";
/// Steps in a second.
const MICROSECONDS: f64 = 1e6;

fn recognise(clue: &Clue) -> bool {
    let mut lines = clue.lines().filter(|line| !line.starts_with(";;"));
    lines.next().is_some_and(|line| {
        let mut fields = line.split_whitespace();
        fields.next().is_some_and(|kind| TYPES.contains(&kind)) && fields.count() >= 7
    })
}

fn read(bytes: &[u8], path: &Path, _: &ReadOptions) -> Result<Project, ExchangeError> {
    const FIELDS: &str =
        "SPEAKER, recording, channel, start, duration, <NA>, <NA>, class, <NA>, <NA>";
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut tracks: Vec<Track> = Vec::new();
    let mut num_others = 0;
    for line in text::lines(bytes, path) {
        let (number, line) = line?;
        if line.trim().is_empty() || line.starts_with(";;") {
            continue;
        }
        let wrong = |expected: &str| TextFileError::line(path, number, line, expected);
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [kind, id, _, start, length, _, _, class, rest @ ..] = &fields[..] else {
            return Err(wrong(FIELDS).into());
        };
        if *kind != SPEAKER {
            if !TYPES.contains(kind) {
                return Err(wrong(FIELDS).into());
            }
            num_others += 1;
            continue;
        }
        let not_negative = |text: &str| finite(text).filter(|number| *number >= 0.0);
        let (Some(start), Some(length)) = (not_negative(start), not_negative(length)) else {
            return Err(
                wrong("seconds from 0 as fourth field, start, and as fifth, duration").into(),
            );
        };
        let score = match rest.first() {
            None | Some(&UNKNOWN) => None,
            Some(text) => {
                Some(finite(text).ok_or_else(|| wrong("a confidence or <NA> as ninth field"))?)
            }
        };
        let place = *places.entry(*id).or_insert_with(|| {
            tracks.push(Track {
                id: (*id).to_owned(),
                ..Track::default()
            });
            tracks.len() - 1
        });
        let mut event = event(class, start, end_of(start, length));
        event.score = score;
        tracks[place].events.push(event);
    }
    let mut project = Project::new(tracks);
    project.leave_out("lines that are not of the type SPEAKER", num_others);
    Ok(project)
}

fn write(project: &Project, _: &WriteOptions) -> Result<Vec<u8>, ExchangeError> {
    let mut text = String::new();
    for track in &project.tracks {
        for event in &track.events {
            let [start, end] =
                [event.start, event.end_or_start()].map(|time| step(time, MICROSECONDS));
            let [start, length] = [start, end - start].map(|time| time as f64 / MICROSECONDS);
            let score = event
                .score
                .map_or_else(|| UNKNOWN.to_owned(), |score| score.to_string());
            // Writing to memory does not fail.
            let _ = writeln!(
                text,
                "{SPEAKER} {} 1 {start:.6} {length:.6} {UNKNOWN} {UNKNOWN} {} {score} {UNKNOWN}",
                without_spaces(&track.id),
                without_spaces(&event.class)
            );
        }
    }
    Ok(text.into_bytes())
}
