//! BORIS's exported tables: aggregated events, with start and stop in a row, and tabular events, with a row for each.

use std::collections::BTreeMap;
use std::path::Path;

use tal_data::Table;
use tal_data::text::finite;

use super::clue::Clue;
use super::format::{Carries, Format, Layout};
use super::marks::{NO_SUBJECT, scored, texts};
use super::model::{Event, Project, Track};
use super::options::id_of;
use super::{ExchangeError, ReadOptions};

pub(super) static FORMAT: Format = Format {
    name: "boris-csv",
    title: "BORIS table",
    extensions: &["csv", "tsv"],
    layout: Layout::Together,
    carries: Carries::SEGMENTS,
    recognise: |clue: &Clue| {
        clue.has_columns(&["behavior", "start (s)", "stop (s)"])
            || (clue.has_columns(&["behavior", "time"])
                && (clue.has_columns(&["status"]) || clue.has_columns(&["behavior type"])))
    },
    read: Some(read),
    write: None,
    ..Format::PLAIN
};

/// Columns that versions of BORIS name differently.
const START: [&str; 2] = ["Start (s)", "Start(s)"];
const STOP: [&str; 2] = ["Stop (s)", "Stop(s)"];
const KIND: [&str; 3] = ["Behavior type", "Status", "Event type"];
const MEDIA: [&str; 3] = ["Media file name", "Media file path", "Media file"];
const DURATION: [&str; 2] = ["Media duration (s)", "Total length"];
const FPS: [&str; 3] = ["FPS (frame/s)", "FPS", "Fps"];
const COMMENT: [&str; 2] = ["Comment start", "Comment"];
/// More sets of modifiers than a behaviour has.
const MOST_MODIFIERS: usize = 50;

fn read(bytes: &[u8], path: &Path, _: &ReadOptions) -> Result<Project, ExchangeError> {
    let mut table = Table::new(bytes, path)?;
    let behavior = table.column("Behavior", &["Behavior", "Start (s)", "Stop (s)"])?;
    let is_aggregated = table.find(&START).is_some();
    let time = match table.find(&START) {
        Some(start) => start,
        None => table.column("Time", &["Time", "Behavior", "Behavior type"])?,
    };
    let stop = match is_aggregated {
        true => Some(match table.find(&STOP) {
            Some(stop) => stop,
            None => table.column("Stop (s)", &["Behavior", "Start (s)", "Stop (s)"])?,
        }),
        false => None,
    };
    let kind = match table.find(&KIND) {
        None if !is_aggregated => {
            Some(table.column("Behavior type", &["Time", "Behavior", "Behavior type"])?)
        }
        found => found,
    };
    let id = table.find(&["Observation id"]);
    let subject = table.find(&["Subject"]);
    let [media, duration, fps, comment] =
        [&MEDIA[..], &DURATION, &FPS, &COMMENT].map(|names| table.find(names));
    let numbered = (1..=MOST_MODIFIERS).map(|number| table.find(&[&format!("Modifier #{number}")]));
    let modifiers: Vec<usize> = (numbered.chain([table.find(&["Modifiers"])]))
        .flatten()
        .collect();
    let mut tracks: Vec<Track> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut open: BTreeMap<(usize, [String; 3]), (usize, usize)> = BTreeMap::new();
    while table.next_row()? {
        let name = match id {
            Some(id) => table.text(id, "the id of an observation")?,
            None => id_of(path),
        };
        let text =
            |column: Option<usize>| column.map_or("", |column| table.cell(column)).to_owned();
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        // Of several players or films the cells hold a list.
        let positive = |column| finite(&text(column)).filter(|number| *number > 0.0);
        let place = *places.entry(name.clone()).or_insert_with(|| {
            tracks.push(Track {
                id: name,
                duration: positive(duration),
                fps: positive(fps),
                media: some(text(media)).filter(|media| !media.contains(';')),
                events: Vec::new(),
            });
            tracks.len() - 1
        });
        let class = table.text(behavior, "the name of a behaviour")?;
        let start = table.parse(time, "a time in seconds", finite)?;
        let (score, comment) = scored(&text(comment));
        let joined: Vec<String> = modifiers.iter().map(|column| text(Some(*column))).collect();
        let joined = joined.join("|");
        let event = Event {
            subject: some(text(subject)).filter(|name| name != NO_SUBJECT),
            modifiers: texts(&joined),
            comment,
            score,
            ..Event::point(class.clone(), start)
        };
        let events = &mut tracks[place].events;
        let kind_text = text(kind).to_uppercase();
        let is_point = kind_text.starts_with("POINT");
        let key = (place, [text(subject), class, joined]);
        if let Some(stop) = stop {
            let end = table.parse(stop, "a time in seconds, not before the start", |text| {
                finite(text).filter(|end| *end >= start)
            });
            let end = if is_point { None } else { Some(end?) };
            events.push(Event { end, ..event });
        } else if is_point {
            events.push(event);
        } else {
            let kind = kind.unwrap_or_default();
            match (kind_text.as_str(), open.remove(&key)) {
                ("START", None) => {
                    open.insert(key, (events.len(), table.line()));
                    events.push(event);
                }
                ("START", Some(_)) => {
                    return Err(table.wrong(kind, "STOP: the state has begun before").into());
                }
                ("STOP", Some((at, _))) if events[at].start <= start => {
                    events[at].end = Some(start)
                }
                ("STOP", _) => return Err(table.wrong(kind, "a row with START before it").into()),
                _ => return Err(table.wrong(kind, "START, STOP or POINT").into()),
            }
        }
    }
    match open.into_iter().next() {
        None => Ok(Project::new(tracks)),
        Some(((_, [_, class, _]), (_, line))) => Err(ExchangeError::part(
            path,
            format!("line {line}"),
            &format!("{class} begins and does not end"),
            "a row with STOP behind it; BORIS closes states with \"Fix unpaired events\"",
        )),
    }
}
