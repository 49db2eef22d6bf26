//! Detections as a table: `recording,start,end,label,score`.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tal_core::atomic::write_atomic;
use tal_core::{ClassMap, DetectionSet, Segment};

use super::{Labels, ResultsError, detection};

/// The columns, in the order in which they are written.
const COLUMNS: [&str; 5] = ["recording", "start", "end", "label", "score"];

#[derive(Serialize, Deserialize)]
struct Row {
    recording: String,
    start: f64,
    end: f64,
    label: String,
    score: f64,
}

/// Reads a table with the columns `recording`, `start`, `end`, `label` and `score` in any order.
///
/// A recording without detections has no row, and so is not among the answers.
///
/// # Units
/// `start` and `end` in seconds.
///
/// # Errors
/// A file that is missing, unreadable or not of this form; an unknown label; a score or segment that is not finite; a
/// segment with `end < start`. Each names the line.
pub fn read_csv(path: &Path, classes: &ClassMap) -> Result<DetectionSet, ResultsError> {
    let bytes = std::fs::read(path).map_err(|source| ResultsError::Read {
        path: path.to_owned(),
        source,
    })?;
    parse_csv(&bytes, path, classes)
}

/// [`read_csv`] of a file's content; `path` is only named in errors.
///
/// # Units
/// `start` and `end` in seconds.
///
/// # Errors
/// As [`read_csv`], except for those of the file system.
pub fn parse_csv(
    bytes: &[u8],
    path: &Path,
    classes: &ClassMap,
) -> Result<DetectionSet, ResultsError> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let syntax = |error: csv::Error, headers: &csv::StringRecord| ResultsError::Syntax {
        path: path.to_owned(),
        message: describe(&error, headers),
    };
    let headers = reader
        .headers()
        .map_err(|error| syntax(error, &csv::StringRecord::new()))?
        .clone();
    if let Some(missing) = COLUMNS
        .iter()
        .find(|name| !headers.iter().any(|found| found == **name))
    {
        return Err(ResultsError::Syntax {
            path: path.to_owned(),
            message: format!(
                "no column {missing:?} in the first line; expected {}",
                COLUMNS.join(",")
            ),
        });
    }
    let labels = Labels::new(classes);
    let mut all = DetectionSet::new();
    for record in reader.records() {
        let record = record.map_err(|error| syntax(error, &headers))?;
        let line = record.position().map_or(0, csv::Position::line);
        let row: Row = record
            .deserialize(Some(&headers))
            .map_err(|error| syntax(error, &headers))?;
        let segment = Segment::new(row.start, row.end);
        let at = || format!("line {line}, recording {:?}", row.recording);
        let found = detection(&labels, path, at, &row.label, row.score, segment)?;
        all.entry(row.recording).or_default().push(found);
    }
    Ok(all)
}

/// What is wrong with a line, without the reader's own vocabulary.
fn describe(error: &csv::Error, headers: &csv::StringRecord) -> String {
    let line = |position: &Option<csv::Position>| position.as_ref().map_or(0, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::Deserialize { pos, err } => {
            let column = err.field().and_then(|index| headers.get(index as usize));
            let column = column.map_or_else(String::new, |name| format!(", column {name:?}"));
            format!("line {}{column}: {}", line(pos), err.kind())
        }
        csv::ErrorKind::UnequalLengths {
            pos,
            expected_len,
            len,
        } => format!(
            "line {} has {len} fields; expected {expected_len}, as in the first line",
            line(pos)
        ),
        _ => error.to_string(),
    }
}

/// Writes the table, recordings by id, detections in their order; an existing file is replaced at once.
///
/// # Units
/// `start` and `end` in seconds.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_csv(
    path: &Path,
    detections: &DetectionSet,
    classes: &ClassMap,
) -> Result<(), ResultsError> {
    write_atomic(path, |out| {
        let mut writer = csv::WriterBuilder::new()
            .has_headers(false)
            .from_writer(out);
        writer.write_record(COLUMNS)?;
        for (id, detections) in detections {
            for detection in detections {
                writer.serialize(Row {
                    recording: id.clone(),
                    start: detection.segment.start,
                    end: detection.segment.end,
                    label: classes.display_name(detection.label),
                    score: detection.score,
                })?;
            }
        }
        writer.flush()
    })
    .map_err(|source| ResultsError::Write {
        path: path.to_owned(),
        source,
    })
}
