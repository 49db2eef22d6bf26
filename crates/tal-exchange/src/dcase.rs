//! Event lists of DCASE and sed_eval: a table with the columns filename, onset, offset, event_label.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use tal_data::Table;
use tal_data::text::{self, TextFileError, finite};

use super::format::{Carries, Format, Layout};
use super::frames::{decimal, event};
use super::model::{Project, Track};
use super::options::id_of;
use super::{ExchangeError, ReadOptions, WriteOptions, output};

pub(super) static FORMAT: Format = Format {
    name: "dcase",
    title: "DCASE event lists",
    extensions: &["tsv", "txt", "csv", "ann"],
    layout: Layout::Together,
    carries: Carries {
        points: true,
        ..Carries::SEGMENTS
    },
    recognise: |clue| clue.has_columns(&COLUMNS) || clue.lines().next().is_some_and(is_row),
    read: Some(read),
    write: Some(write),
    ..Format::PLAIN
};

const COLUMNS: [&str; 4] = ["filename", "onset", "offset", "event_label"];

/// First lines for tables without one, by the number of columns.
const HEADERS: [(usize, &str); 3] = [
    (3, "onset\toffset\tevent_label"),
    (4, "filename\tonset\toffset\tevent_label"),
    (5, "filename\tscene_label\tonset\toffset\tevent_label"),
];

/// Whether a line is a row of a table with four or five columns and no header.
fn is_row(line: &str) -> bool {
    let cells: Vec<&str> = line.split('\t').collect();
    let are_times = |cells: &[&str]| cells.iter().all(|cell| finite(cell).is_some());
    match cells.len() {
        4 => are_times(&cells[1..3]),
        5 => are_times(&cells[2..4]),
        _ => false,
    }
}

/// The content with a header, and the number of lines that were added.
fn with_header<'a>(bytes: &'a [u8], path: &Path) -> Result<(Cow<'a, [u8]>, usize), ExchangeError> {
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut cells = line.split(['\t', ',', ';']).map(text::unquoted);
    if cells.any(|cell| cell == COLUMNS[1]) {
        return Ok((bytes.into(), 0));
    }
    let count = line.split('\t').count();
    let Some((_, header)) = HEADERS.iter().find(|(columns, _)| *columns == count) else {
        let expected = "filename, onset, offset and event_label, separated by tabs";
        return Err(TextFileError::line(path, 1, line.trim_end(), expected).into());
    };
    Ok(([header.as_bytes(), b"\n", bytes].concat().into(), 1))
}

fn read(bytes: &[u8], path: &Path, _: &ReadOptions) -> Result<Project, ExchangeError> {
    let (bytes, num_added) = with_header(bytes, path)?;
    rows(&bytes, path).map_err(|mut error| {
        if let TextFileError::Line { line, .. } | TextFileError::Cell { line, .. } = &mut error {
            *line = line.saturating_sub(num_added);
        }
        error.into()
    })
}

fn rows(bytes: &[u8], path: &Path) -> Result<Project, TextFileError> {
    const TIME: &str = "seconds from 0";
    let mut table = Table::new(bytes, path)?;
    let file = table.find(&["filename", "file"]);
    let onset = table.column("onset", &COLUMNS)?;
    let offset = table.column("offset", &COLUMNS)?;
    let label = match table.find(&["event_label", "event_labels"]) {
        Some(label) => label,
        None => table.column(COLUMNS[3], &COLUMNS)?,
    };
    let num_scenes = usize::from(table.find(&["scene_label"]).is_some());
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut tracks: Vec<Track> = Vec::new();
    while table.next_row()? {
        let media = match file {
            Some(file) => Some(table.text(file, "the name of a sound")?),
            None => None,
        };
        let id = media.as_deref().map_or_else(|| id_of(path), without_ending);
        let place = *places.entry(id).or_insert_with_key(|id| {
            tracks.push(Track {
                id: id.clone(),
                media,
                ..Track::default()
            });
            tracks.len() - 1
        });
        // A recording without events is a row with its name alone.
        if [onset, offset, label]
            .iter()
            .all(|cell| table.cell(*cell).is_empty())
        {
            continue;
        }
        let time = |text: &str| finite(text).filter(|time| *time >= 0.0);
        let start = table.parse(onset, TIME, time)?;
        let not_before = |text: &str| time(text).filter(|end| *end >= start);
        let end = table.parse(offset, "seconds, not before the onset", not_before)?;
        let class = table.text(label, "the name of a class")?;
        tracks[place].events.push(event(&class, start, end));
    }
    let mut project = Project::new(tracks);
    project.leave_out("columns with scenes", num_scenes);
    Ok(project)
}

/// The path of a sound without ending, which is the id of its recording.
fn without_ending(media: &str) -> String {
    match media.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && !ending.contains(['/', '\\']) => {
            stem.to_owned()
        }
        _ => media.to_owned(),
    }
}

fn write(project: &Project, _: &WriteOptions) -> Result<Vec<u8>, ExchangeError> {
    let mut rows = vec![COLUMNS.map(str::to_owned)];
    for track in &project.tracks {
        // Readers of the field take a name for a sound by its ending.
        let media = track.media.as_deref().unwrap_or_default();
        let ending = media.rsplit_once('.').map_or("wav", |(_, ending)| ending);
        let ending = if ending.contains(['/', '\\']) {
            "wav"
        } else {
            ending
        };
        let name = format!("{}.{ending}", track.id);
        if track.events.is_empty() {
            rows.push([name.clone(), String::new(), String::new(), String::new()]);
        }
        rows.extend(track.events.iter().map(|event| {
            let (start, end) = (decimal(event.start), decimal(event.end_or_start()));
            [name.clone(), start, end, event.class.clone()]
        }));
    }
    Ok(output::table(&rows, b'\t'))
}
