//! `events.tsv` of BIDS: a table with the columns onset, duration, trial_type.

use std::path::Path;

use tal_data::Table;
use tal_data::text::finite;

use super::format::{Carries, Format, Layout};
use super::frames::{decimal, end_of, event};
use super::model::{Project, Track};
use super::options::id_of;
use super::{ExchangeError, ReadOptions, WriteOptions, output};

pub(super) static FORMAT: Format = Format {
    name: "bids",
    title: "BIDS events",
    extensions: &["tsv"],
    layout: Layout::OneEach,
    file_name: Some("{id}_events.tsv"),
    carries: Carries {
        points: true,
        scores: true,
        ..Carries::SEGMENTS
    },
    recognise: |clue| clue.has_columns(&COLUMNS[..2]),
    read: Some(read),
    write: Some(write),
    ..Format::PLAIN
};

const COLUMNS: [&str; 3] = ["onset", "duration", "trial_type"];
/// Column of ours: BIDS allows any beside its own.
const SCORE: &str = "score";
/// End of a file's name behind the id.
const SUFFIX: &str = "_events";
/// A cell without value.
const ABSENT: &str = "n/a";

fn read(bytes: &[u8], path: &Path, _: &ReadOptions) -> Result<Project, ExchangeError> {
    let mut table = Table::new(bytes, path)?;
    let [onset, duration, class] = [
        table.column(COLUMNS[0], &COLUMNS)?,
        table.column(COLUMNS[1], &COLUMNS)?,
        table.column(COLUMNS[2], &COLUMNS)?,
    ];
    let score = table.find(&[SCORE]);
    let mut events = Vec::new();
    let (mut num_unnamed, mut num_unknown) = (0, 0);
    while table.next_row()? {
        if ["", ABSENT].contains(&table.cell(class)) {
            num_unnamed += 1;
            continue;
        }
        let start = table.parse(onset, "seconds", finite)?;
        let length = match table.cell(duration) {
            ABSENT => {
                num_unknown += 1;
                0.0
            }
            _ => table.parse(duration, "seconds from 0, or n/a", |text| {
                finite(text).filter(|length| *length >= 0.0)
            })?,
        };
        let mut event = event(
            &table.text(class, "the name of a class")?,
            start,
            end_of(start, length),
        );
        event.score = match score {
            Some(score) if table.cell(score) != ABSENT => {
                table.optional(Some(score), "a finite number, or n/a", finite)?
            }
            _ => None,
        };
        events.push(event);
    }
    let id = id_of(path);
    let id = id.strip_suffix(SUFFIX).unwrap_or(&id).to_owned();
    let mut project = Project::new(vec![Track {
        id,
        events,
        ..Track::default()
    }]);
    project.leave_out("events without trial_type", num_unnamed);
    project.leave_out(
        "unknown durations, whose events are read as points",
        num_unknown,
    );
    Ok(project)
}

fn write(project: &Project, _: &WriteOptions) -> Result<Vec<u8>, ExchangeError> {
    let mut events: Vec<_> = project.events().collect();
    // BIDS wants rows in the order of time.
    events.sort_by(|a, b| a.start.total_cmp(&b.start));
    let has_scores = events.iter().any(|event| event.score.is_some());
    let num_columns = COLUMNS.len() + usize::from(has_scores);
    let header = COLUMNS.into_iter().chain([SCORE]).map(str::to_owned);
    let mut rows = vec![header.take(num_columns).collect::<Vec<_>>()];
    rows.extend(events.into_iter().map(|event| {
        let length = decimal(event.end_or_start() - event.start);
        let score = event
            .score
            .map_or_else(|| ABSENT.to_owned(), |score| score.to_string());
        let row = [decimal(event.start), length, event.class.clone(), score];
        row.into_iter().take(num_columns).collect()
    }));
    Ok(output::table(&rows, b'\t'))
}
