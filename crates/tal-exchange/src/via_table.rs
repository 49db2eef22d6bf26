//! VIA 3's exported tables: lines that begin with `#` describe the columns and attributes, cells are JSON.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use tal_data::text::finite;

use super::clue::Clue;
use super::format::{Carries, Format, Layout};
use super::json::Item;
use super::model::{Project, Track};
use super::options::file_name;
use super::via::attributes::{Attributes, without_ending};
use super::via::described::{described, text_attribute};
use super::{ExchangeError, ReadOptions};

pub(super) static FORMAT: Format = Format {
    name: "via-csv",
    title: "VIA 3 table",
    extensions: &["csv"],
    layout: Layout::Together,
    carries: Carries::SEGMENTS,
    recognise: |clue: &Clue| {
        header(clue.text()).is_some_and(|columns| columns.contains(&"metadata_id"))
    },
    read: Some(read),
    write: None,
    ..Format::PLAIN
};

const HEADER: &str = "# CSV_HEADER =";

/// Names of the columns.
fn header(text: &str) -> Option<Vec<&str>> {
    let line = text.lines().find_map(|line| line.strip_prefix(HEADER))?;
    Some(line.split(',').map(str::trim).collect())
}

fn read(bytes: &[u8], path: &Path, options: &ReadOptions) -> Result<Project, ExchangeError> {
    let text = super::xml::text(bytes, path)?;
    let expected = "a line \"# CSV_HEADER = metadata_id,file_list,…\" above the rows";
    let columns = header(text).ok_or_else(|| {
        ExchangeError::part(path, "the file", "no line with CSV_HEADER", expected)
    })?;
    let column = |name: &str| columns.iter().position(|column| *column == name);
    let needed = |name: &str| {
        column(name).ok_or_else(|| {
            ExchangeError::part(
                path,
                "CSV_HEADER",
                &columns.join(","),
                format!("the column {name}"),
            )
        })
    };
    let (files, values) = (needed("file_list")?, needed("metadata")?);
    let ends = [
        column("temporal_segment_start"),
        column("temporal_segment_end"),
    ];
    let times = match ends {
        [Some(start), Some(end)] => vec![start, end],
        _ => vec![needed("temporal_coordinates")?],
    };
    let regions = column("spatial_coordinates");
    // The reader of rows does not count the lines of notes above them.
    let is_note = |line: &&str| line.starts_with('#');
    let notes: Vec<&str> = text.split_inclusive('\n').take_while(is_note).collect();
    let num_notes = notes.len() as u64;
    let line = |row: &csv::StringRecord| row.position().map_or(0, |at| at.line()) + num_notes;
    let cell = |row: &csv::StringRecord, at: usize, name: &str| {
        let text = row.get(at).unwrap_or_default();
        let line = line(row);
        serde_json::from_str::<Value>(text).map_err(|_| {
            ExchangeError::part(path, format!("line {line}, column {name}"), text, "JSON")
        })
    };
    let rows = || {
        csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .has_headers(false)
            .flexible(true)
            .from_reader(&text.as_bytes()[notes.concat().len()..])
            .into_records()
            .filter_map(Result::ok)
    };
    let attributes = described(text, path)?;
    let attributes = match attributes {
        Some(attributes) => attributes,
        // Without a description every attribute is a text, named by its number.
        None => {
            let mut all = BTreeMap::new();
            for row in rows() {
                if let Value::Object(fields) = cell(&row, values, "metadata")? {
                    all.extend(
                        fields
                            .into_iter()
                            .map(|(name, _)| (name.clone(), text_attribute(&name))),
                    );
                }
            }
            json!(all)
        }
    };
    let attributes = Attributes::new(&Item::new(&attributes, path), options)?;
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut tracks: Vec<Track> = Vec::new();
    let (mut num_regions, mut num_of_files, mut num_without) = (0, 0, 0);
    for row in rows() {
        let line = line(&row);
        let wrong = |name: &str, found: &str, expected: &str| {
            ExchangeError::part(path, format!("line {line}, column {name}"), found, expected)
        };
        let list = cell(&row, files, "file_list")?;
        let Some(media) = list
            .get(0)
            .and_then(Value::as_str)
            .filter(|name| !name.is_empty())
        else {
            return Err(wrong(
                "file_list",
                &list.to_string(),
                "a list with the name of a file",
            ));
        };
        let id = without_ending(file_name(media)).to_owned();
        let place = *places.entry(id.clone()).or_insert_with(|| {
            let media = Some(media.to_owned());
            tracks.push(Track {
                id,
                media,
                ..Track::default()
            });
            tracks.len() - 1
        });
        let seconds: Vec<f64> = match times[..] {
            [start, end] => {
                let number = |at| row.get(at).and_then(finite);
                let ends = number(start).zip(number(end));
                let (start, end) = ends.ok_or_else(|| {
                    wrong(
                        "temporal_segment_start",
                        row.get(start).unwrap_or_default(),
                        "seconds",
                    )
                })?;
                vec![start, end]
            }
            _ => {
                let list = cell(&row, times[0], "temporal_coordinates")?;
                let numbers = list
                    .as_array()
                    .map(|all| all.iter().map(Value::as_f64).collect::<Option<Vec<f64>>>());
                numbers.flatten().ok_or_else(|| {
                    wrong(
                        "temporal_coordinates",
                        &list.to_string(),
                        "a list of seconds",
                    )
                })?
            }
        };
        let is_region = regions.is_some_and(|at| {
            row.get(at)
                .is_some_and(|cell| !matches!(cell.trim(), "" | "[]"))
        });
        let (start, end) = match seconds[..] {
            _ if is_region => {
                num_regions += 1;
                continue;
            }
            [] => {
                num_of_files += 1;
                continue;
            }
            [time] => (time, None),
            [start, end] if start <= end => (start, Some(end)),
            _ => {
                return Err(wrong(
                    "temporal_coordinates",
                    &format!("{seconds:?}"),
                    "a time, or start and end, in seconds",
                ));
            }
        };
        let value = cell(&row, values, "metadata")?;
        let events = attributes.events(
            &Item::at(&value, path, format!("line {line}, column metadata")),
            start,
            end,
        )?;
        num_without += usize::from(events.is_empty());
        tracks[place].events.extend(events);
    }
    let mut project = Project::with_classes(attributes.classes(), tracks);
    project.leave_out("regions of pictures", num_regions);
    project.leave_out("descriptions of whole files", num_of_files);
    project.leave_out("segments without a value", num_without);
    Ok(project)
}
