//! Detections as a table: `recording,start,end,label,score`.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use tal_core::{ClassMap, DetectionSet, Segment};

use super::columns;
use super::{Labels, ResultFormat, ResultsError, shortened, writer};
use crate::bounded;
use crate::table::{delimiter, with_point};
use crate::text::unquoted;

/// Reads a table with the columns `recording`, `start`, `end`, `label` and `score` in any order, separated by commas, semicolons
/// (then with a decimal comma, if there is one) or tabs. Without the column `label` its rows are proposals.
///
/// `video-id`, `t-start` and `t-end`, the names of the data frames of ActionFormer, TriDet and OpenTAD, are understood too. Other
/// columns are ignored, also one without a name, as pandas writes for its index. A label is the name of a class, `class_ID`, or
/// the id alone; a number that is the name of a class is taken as that name. White space around a value is dropped, and
/// rows without any value are skipped. The text may be UTF-16. A recording without detections has no row, and so is not among the answers.
///
/// The table is read row by row, and a row above 1 MiB is refused, however long the file is.
///
/// # Units
/// `start` and `end` in seconds.
///
/// # Errors
/// A file that is missing, unreadable or not of this form; an unknown label; a score or segment that is not finite; a
/// segment with `end < start`. Each names the line.
pub fn read_csv(path: &Path, classes: &ClassMap) -> Result<DetectionSet, ResultsError> {
    let file = File::open(path).map_err(|source| unreadable(path, source))?;
    from_reader(file, path, classes)
}

/// [`read_csv`] of a file's content; errors name `path`.
///
/// # Units
/// `start` and `end` in seconds.
///
/// # Errors
/// Those of [`read_csv`], except for those of the file system.
pub fn parse_csv(
    bytes: &[u8],
    path: &Path,
    classes: &ClassMap,
) -> Result<DetectionSet, ResultsError> {
    from_reader(bytes, path, classes)
}

fn unreadable(path: &Path, source: std::io::Error) -> ResultsError {
    ResultsError::Read {
        path: path.to_owned(),
        source,
    }
}

fn from_reader(
    reader: impl Read,
    path: &Path,
    classes: &ClassMap,
) -> Result<DetectionSet, ResultsError> {
    let syntax = |message: String| ResultsError::Syntax {
        path: path.to_owned(),
        message,
    };
    let (head, reader) = bounded::first_line(reader).map_err(|source| unreadable(path, source))?;
    let delimiter = delimiter(&head);
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .delimiter(delimiter)
        .flexible(true)
        .buffer_capacity(1 << 16)
        .from_reader(bounded::Rows::new(reader));
    let headers = match reader.headers() {
        Ok(headers) => headers.clone(),
        Err(error) => return Err(explain(error, &reader, path)),
    };
    let columns = columns::find(headers.iter(), " in the first line").map_err(syntax)?;
    let mut labels = Labels::new(path, classes);
    let mut all = DetectionSet::new();
    let mut row = csv::StringRecord::new();
    loop {
        let start = reader.position().byte();
        reader.get_mut().begin_row(start);
        match reader.read_record(&mut row) {
            Ok(true) => {}
            Ok(false) => return labels.checked(all),
            Err(error) => return Err(explain(error, &reader, path)),
        }
        if row.iter().all(str::is_empty) {
            continue;
        }
        let line = reader.get_ref().line(start);
        if row.len() != headers.len() {
            let (found, expected) = (row.len(), headers.len());
            return Err(syntax(format!(
                "line {line} has {found} fields; expected {expected}, as in the first line"
            )));
        }
        let [id, start, end, label, score] = columns.map(|index| {
            (
                index,
                unquoted(index.and_then(|i| row.get(i)).unwrap_or_default()),
            )
        });
        let number = |(index, text): (Option<usize>, &str)| {
            with_point(text, delimiter).parse::<f64>().map_err(|_| {
                let name = index.and_then(|i| headers.get(i)).unwrap_or_default();
                let text = shortened(text);
                syntax(format!(
                    "line {line}, column {name:?}: {text:?} is not a number"
                ))
            })
        };
        let segment = Segment::new(number(start)?, number(end)?);
        let score = number(score)?;
        let at = || format!("line {line}, recording {:?}", shortened(id.1));
        let label = label.0.map(|_| label.1).filter(|label| !label.is_empty());
        all.push(id.1, labels.detection(at, label, score, segment)?);
    }
}

/// Fault of a line, without the reader's own vocabulary.
fn explain<R: Read>(
    error: csv::Error,
    reader: &csv::Reader<bounded::Rows<R>>,
    path: &Path,
) -> ResultsError {
    let line = |position: Option<csv::Position>| {
        let start = position.map_or(0, |position| position.byte());
        reader.get_ref().line(start)
    };
    let message = match error.into_kind() {
        csv::ErrorKind::Io(source) if !reader.get_ref().is_refused() => {
            return unreadable(path, source);
        }
        csv::ErrorKind::Io(_) => format!(
            "a row of more than 1 MiB ends at line {} or later; is a quotation mark left open?",
            reader.position().line()
        ),
        csv::ErrorKind::Utf8 { pos, .. } => {
            format!("line {} is not UTF-8 text", line(pos))
        }
        other => format!("{other:?}"),
    };
    ResultsError::Syntax {
        path: path.to_owned(),
        message,
    }
}

/// Writes the table (tabs if the name ends in `.tsv`), recordings one after the other; an existing file is replaced at once.
/// Proposals without a class have an empty column `label`.
///
/// # Units
/// `start` and `end` in seconds.
///
/// # Errors
/// If the file cannot be written.
pub fn write_csv(
    path: &Path,
    detections: &DetectionSet,
    classes: &ClassMap,
) -> Result<(), ResultsError> {
    let format = match ResultFormat::of_path(path) {
        Some(ResultFormat::Tsv) => ResultFormat::Tsv,
        _ => ResultFormat::Csv,
    };
    writer::write_set(path, format, detections, classes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endless_nonsense_is_refused() {
        let head = "recording,start,end,label,score\n";
        for (start, byte, part) in [
            ("", b' ', "no column \"recording\""),
            ("", 0, "no column \"recording\""),
            ("", b',', "no column \"recording\""),
            ("\"", b'x', "more than 1 MiB"),
            (head, b'x', "more than 1 MiB"),
            (head, b',', "more than 1 MiB"),
            (head, b'\n', "more than 1 MiB"),
            (
                "recording,start,end,label,score\na,0,1,class_0,\"",
                b'\n',
                "more than 1 MiB",
            ),
        ] {
            let reader = start.as_bytes().chain(std::io::repeat(byte));
            let error = from_reader(reader, Path::new("d.csv"), &ClassMap::default()).unwrap_err();
            let text = error.to_string();
            assert!(
                text.contains(part) || text.contains("more than 1 MiB"),
                "{start}: {text}"
            );
            assert!(text.len() < 1000, "{} bytes", text.len());
        }
    }
}
