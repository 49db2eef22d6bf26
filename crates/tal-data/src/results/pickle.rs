//! Detections in a pickle: `eval_results.pkl` of ActionFormer, TriDet, TemporalMaxer and CLTDR-GMG.

use std::path::Path;

use tal_core::{ClassMap, DetectionSet, Segment};
use tal_pth::{PthFile, Value};

use super::columns::{self, COLUMNS};
use super::data_frame::{self, Column};
use super::{Labels, ResultsError};

/// Reads a pickle without running code of it: a dictionary of columns, or a data frame of pandas.
///
/// Columns are lists, arrays of NumPy or tensors, with the names of [`super::read_csv`]. Labels are the ids of the classes, or
/// names; without a column `label` the rows are proposals. Rows keep their order.
///
/// # Units
/// Segments in seconds.
///
/// # Errors
/// A file that is missing, unreadable or no pickle; one that would run code; other content; columns of different lengths;
/// those of [`super::read_csv`] for labels, scores and segments.
pub fn read_pickle(path: &Path, classes: &ClassMap) -> Result<DetectionSet, ResultsError> {
    from_file(&PthFile::open(path)?, path, classes)
}

/// [`read_pickle`] of a file's content; errors name `path`.
///
/// # Units
/// Segments in seconds.
///
/// # Errors
/// Those of [`read_pickle`], except for those of the file system.
pub fn parse_pickle(
    bytes: &[u8],
    path: &Path,
    classes: &ClassMap,
) -> Result<DetectionSet, ResultsError> {
    from_file(&PthFile::from_bytes(path, bytes.to_vec())?, path, classes)
}

fn from_file(
    file: &PthFile,
    path: &Path,
    classes: &ClassMap,
) -> Result<DetectionSet, ResultsError> {
    let syntax = |message: String| ResultsError::Syntax {
        path: path.to_owned(),
        message,
    };
    let table = match file.root() {
        Value::Dict(entries) => {
            let named = entries
                .iter()
                .filter_map(|(name, column)| Some((name.as_str()?, column)));
            named.collect::<Vec<_>>()
        }
        root if root.as_object("DataFrame").is_some() => Vec::new(),
        other => {
            return Err(syntax(format!(
                "the pickle holds {}; expected a dictionary of columns or a data frame",
                other.describe()
            )));
        }
    };
    let columns = match file.root().as_object("DataFrame") {
        Some(frame) => data_frame::columns(frame, file).map_err(syntax)?,
        None => {
            let wanted = columns::find(table.iter().map(|(name, _)| *name), " in the dictionary");
            let wanted = wanted.map_err(syntax)?;
            let mut columns = Vec::new();
            for place in wanted.into_iter().flatten() {
                let (name, value) = table[place];
                let column = data_frame::column(value, file)
                    .map_err(|found| syntax(format!("column {name:?} {found}")))?;
                columns.push((name.to_owned(), column));
            }
            columns
        }
    };
    detections(&columns, path, classes)
}

/// The rows of these columns.
fn detections(
    columns: &[(String, Column)],
    path: &Path,
    classes: &ClassMap,
) -> Result<DetectionSet, ResultsError> {
    let syntax = |message: String| ResultsError::Syntax {
        path: path.to_owned(),
        message,
    };
    let names = columns.iter().map(|(name, _)| name.as_str());
    let places = columns::find(names, "").map_err(syntax)?;
    let [id, start, end, label, score] = places.map(|place| place.map(|place| &columns[place].1));
    let num_rows = id.map_or(0, Column::len);
    for (ours, column) in COLUMNS.iter().zip([id, start, end, label, score]) {
        if let Some(column) = column
            && column.len() != num_rows
        {
            return Err(syntax(format!(
                "column {ours:?} has {} rows; expected {num_rows}, as many as {:?}",
                column.len(),
                COLUMNS[0]
            )));
        }
    }
    let mut labels = Labels::new(path, classes);
    let mut all = DetectionSet::new();
    for row in 0..num_rows {
        let at = || format!("row {row}");
        let number = |column: Option<&Column>, name: &str| {
            let number = column.and_then(|column| column.number(row));
            number.ok_or_else(|| syntax(format!("row {row}: {name:?} is not a number")))
        };
        let segment = Segment::new(number(start, "start")?, number(end, "end")?);
        let score = number(score, "score")?;
        let label = label.map(|column| column.text(row));
        let id = id.map(|column| column.text(row)).unwrap_or_default();
        all.push(&id, labels.detection(at, label.as_deref(), score, segment)?);
    }
    labels.checked(all)
}
