//! Audacity's label tracks: a line with start, end and label per label, separated by tabs.

use std::path::Path;

use tal_data::text::{self, TextFileError, finite};

use super::clue::Clue;
use super::format::{Carries, Format, Layout};
use super::model::{Event, Project, Track};
use super::options::id_of;
use super::{ExchangeError, ReadOptions, WriteOptions};

pub(super) static FORMAT: Format = Format {
    name: "audacity",
    title: "Audacity labels",
    extensions: &["txt"],
    layout: Layout::OneEach,
    carries: Carries {
        points: true,
        ..Carries::SEGMENTS
    },
    recognise,
    read: Some(read),
    write: Some(write),
    ..Format::PLAIN
};

/// Begins the line behind a label that tells its frequencies.
const FREQUENCIES: char = '\\';

fn recognise(clue: &Clue) -> bool {
    let mut lines = clue
        .lines()
        .filter(|line| !line.starts_with(FREQUENCIES))
        .peekable();
    lines.peek().is_some()
        && lines.all(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            (2..=3).contains(&cells.len()) && cells[..2].iter().all(|cell| seconds(cell).is_some())
        })
}

fn read(bytes: &[u8], path: &Path, _: &ReadOptions) -> Result<Project, ExchangeError> {
    let mut events = Vec::new();
    let mut num_frequencies = 0;
    for line in text::lines(bytes, path) {
        let (number, line) = line?;
        if line.starts_with(FREQUENCIES) {
            num_frequencies += 1;
            continue;
        }
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |expected| TextFileError::line(path, number, line, expected);
        let mut cells = line.splitn(3, '\t');
        let mut time = || cells.next().and_then(seconds);
        let (start, end) = (time().zip(time()))
            .ok_or_else(|| wrong("start, end and label, separated by tabs, times in seconds"))?;
        let class = cells.next().unwrap_or_default().trim();
        if class.is_empty() {
            return Err(wrong("the name of a class as label behind start and end").into());
        }
        if end < start {
            return Err(wrong("an end that is not before the start").into());
        }
        events.push(match end == start {
            true => Event::point(class, start),
            false => Event::new(class, start, end),
        });
    }
    let id = id_of(path);
    let mut project = Project::new(vec![Track {
        id,
        events,
        ..Track::default()
    }]);
    project.leave_out("frequency ranges", num_frequencies);
    Ok(project)
}

/// Seconds; some languages have a decimal comma.
fn seconds(cell: &str) -> Option<f64> {
    finite(&cell.replacen(',', ".", 1))
}

fn write(project: &Project, _: &WriteOptions) -> Result<Vec<u8>, ExchangeError> {
    let line = |event: &Event| {
        let (start, end) = (event.start, event.end_or_start());
        format!("{start:.6}\t{end:.6}\t{}\n", event.class)
    };
    Ok(project.events().map(line).collect::<String>().into_bytes())
}
