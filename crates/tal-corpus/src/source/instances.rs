//! A table of annotations, one per row: the simplest form for one's own data.

use std::collections::BTreeMap;
use std::path::Path;

use tal_core::{ClassMap, Segment};

use super::class_list::whole;
use super::raw::{Label, Parsed, RawInstance, RawRecording};
use super::{ClassList, SourceError};
use tal_data::Table;
use tal_data::text::finite;

/// The columns, in the order in which they are written; the last three and `subset` may be missing.
pub(crate) const COLUMNS: [&str; 8] = [
    "recording",
    "start",
    "end",
    "label",
    "subset",
    "duration",
    "fps",
    "label_id",
];

/// Column of TSP that holds the name of a file instead of the id.
const FILE: &str = "filename";
/// Column of TSP that is empty if nothing happens.
const TSP_LABEL: &str = "action-label";

/// Names of each column: ours, those of TSP (`filename`, `t-start`, …), and those of the tables of G-TAD and AFSD (`video`, `type`).
const NAMES: [&[&str]; 8] = [
    &[
        "recording",
        "video",
        "video_id",
        "video-id",
        "video-name",
        FILE,
    ],
    &["start", "t-start"],
    &["end", "t-end"],
    &["label", TSP_LABEL, "type"],
    &["subset"],
    &["duration", "video-duration"],
    &["fps"],
    &["label_id"],
];

/// Whether a table has the columns that are needed.
pub(super) fn is_table(table: &Table) -> bool {
    NAMES[..4].iter().all(|names| table.find(names).is_some())
}

pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<Parsed, SourceError> {
    let mut table = Table::new(bytes, path)?;
    let mut columns = [0; 4];
    for (index, column) in columns.iter_mut().enumerate() {
        *column = match table.find(NAMES[index]) {
            Some(found) => found,
            None => table.column(COLUMNS[index], &COLUMNS[..4])?,
        };
    }
    let [id, start, end, label] = columns;
    let is_file = table.header(id) == FILE;
    let [subset, duration, fps, label_id] = [4, 5, 6, 7].map(|index| table.find(NAMES[index]));
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut recordings: Vec<RawRecording> = Vec::new();
    let mut classes = ClassMap::default();
    while table.next_row()? {
        let positive = |text: &str| finite(text).filter(|n| *n > 0.0);
        let mut name = table.text(id, "the id of a recording")?;
        if is_file && let Some(stem) = Path::new(&name).file_stem().and_then(|stem| stem.to_str()) {
            name = stem.to_owned();
        }
        let found = RawRecording {
            id: name.clone(),
            subset: subset
                .map(|column| table.cell(column).to_owned())
                .filter(|text| !text.is_empty()),
            duration: table.optional(duration, "seconds above 0", positive)?,
            fps: table.optional(fps, "frames per second above 0", positive)?,
            instances: Vec::new(),
            not_primary: Vec::new(),
            path: path.to_owned(),
        };
        let place = *places.entry(name).or_insert(recordings.len());
        if place == recordings.len() {
            recordings.push(found);
        } else {
            let known = &recordings[place];
            for (column, same) in [
                (subset, known.subset == found.subset),
                (duration, known.duration == found.duration),
                (fps, known.fps == found.fps),
            ] {
                if let Some(column) = column
                    && !same
                {
                    return Err(table
                        .wrong(column, "the same as in the recording's first row")
                        .into());
                }
            }
        }
        // TSP lists the stretches between actions, too.
        if table.header(label) == TSP_LABEL && table.cell(label).is_empty() {
            continue;
        }
        // A recording without annotations is a row without times and label.
        if [start, end, label]
            .iter()
            .all(|c| table.cell(*c).is_empty())
        {
            continue;
        }
        let text = table.text(label, "the name of a class")?;
        if let Some(column) = label_id {
            let id = table.parse(column, "a whole number from 0", whole)?;
            classes
                .insert(id, text.as_str())
                .map_err(|source| table.wrong(column, &format!("one id per label ({source})")))?;
        }
        recordings[place].instances.push(RawInstance {
            segment: Segment::new(
                table.parse(start, "a finite number of seconds", finite)?,
                table.parse(end, "a finite number of seconds", finite)?,
            ),
            label: Label::Name(text),
        });
    }
    Ok(Parsed {
        recordings,
        classes: label_id.map(|_| ClassList::from_map(classes)),
    })
}
