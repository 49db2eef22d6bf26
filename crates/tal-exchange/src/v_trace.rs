//! V-TRACE: CSV with the columns labelId, timestamp and endTimestamp, and score for what a detector found.

use std::path::Path;

use tal_data::Table;
use tal_data::text::finite;

use super::clue::Clue;
use super::format::{Carries, Format, Layout};
use super::model::{Event, Project, Track};
use super::options::id_of;
use super::{ExchangeError, ReadOptions, WriteOptions};

pub(super) static FORMAT: Format = Format {
    name: "v-trace",
    title: "V-TRACE",
    extensions: &["csv"],
    layout: Layout::OneEach,
    carries: Carries {
        scores: true,
        ..Carries::SEGMENTS
    },
    recognise,
    read: Some(read),
    write: Some(write),
    ..Format::PLAIN
};

const COLUMNS: [&str; 3] = ["labelId", "timestamp", "endTimestamp"];

fn recognise(clue: &Clue) -> bool {
    let mut lines = clue.lines().skip_while(|line| line.starts_with('#'));
    lines
        .next()
        .is_some_and(|line| COLUMNS.iter().all(|column| line.contains(column)))
}

fn read(bytes: &[u8], path: &Path, _: &ReadOptions) -> Result<Project, ExchangeError> {
    // Lines with settings stand before the table; left empty they still count.
    let mut table = bytes;
    while table.first() == Some(&b'#') {
        let end = table.iter().position(|byte| *byte == b'\n');
        table = end.map_or(&[][..], |end| &table[end + 1..]);
    }
    let settings = &bytes[..bytes.len() - table.len()];
    let num_settings = settings.iter().filter(|byte| **byte == b'\n').count();
    let text = [&vec![b'\n'; num_settings], table].concat();
    let mut table = Table::new(&text, path)?;
    let mut columns = [0; 3];
    for (place, name) in columns.iter_mut().zip(COLUMNS) {
        *place = table.column(name, &COLUMNS)?;
    }
    let [label, from, to] = columns;
    let score = table.find(&["score", "confidence"]);
    let mut events = Vec::new();
    while table.next_row()? {
        let start = table.parse(from, "seconds", finite)?;
        let end = table.parse(to, "seconds, not before timestamp", |text| {
            finite(text).filter(|end| *end >= start)
        })?;
        events.push(Event {
            score: table.optional(score, "a finite number", finite)?,
            ..Event::new(table.text(label, "the name of a class")?, start, end)
        });
    }
    let id = id_of(path);
    let mut project = Project::new(vec![Track {
        id,
        events,
        ..Track::default()
    }]);
    project.leave_out("lines with settings", num_settings);
    Ok(project)
}

fn write(project: &Project, _: &WriteOptions) -> Result<Vec<u8>, ExchangeError> {
    let has_scores = project.events().any(|event| event.score.is_some());
    let mut table = csv::Writer::from_writer(Vec::new());
    let score = has_scores.then_some("score");
    let mut rows = vec![Vec::from_iter(
        COLUMNS.into_iter().chain(score).map(str::to_owned),
    )];
    for event in project.events() {
        let mut row = vec![
            event.class.clone(),
            format!("{:.3}", event.start),
            format!("{:.3}", event.end_or_start()),
        ];
        if has_scores {
            row.push(
                event
                    .score
                    .map_or_else(String::new, |score| format!("{score:.4}")),
            );
        }
        rows.push(row);
    }
    for row in rows {
        // Memory does not fail, and all rows have as many cells.
        let _ = table.write_record(row);
    }
    Ok(table.into_inner().unwrap_or_default())
}
