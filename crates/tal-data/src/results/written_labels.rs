//! Labels in a file of detections, before its classes are known.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use super::{ResultFormat, ResultsError, json_lines};
use crate::Table;
use crate::json::from_json;
use crate::text;

#[derive(Deserialize)]
struct Document {
    results: BTreeMap<String, Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    label: Option<serde_json::Value>,
}

/// Labels in a file of detections, in the order of the alphabet. A label may be the id of a class: tables and JSON Lines do not
/// tell ids from names, and of the result JSON only texts count.
///
/// # Errors
/// A file that is missing, unreadable or not of its format; [`super::read`] finds more mistakes.
pub fn labels(path: &Path, format: ResultFormat) -> Result<BTreeSet<String>, ResultsError> {
    match format {
        ResultFormat::JsonLines => json_lines::labels(path),
        ResultFormat::ActivityNet => in_json(path),
        ResultFormat::Csv | ResultFormat::Tsv => in_table(path),
    }
}

fn in_json(path: &Path) -> Result<BTreeSet<String>, ResultsError> {
    let document: Document =
        from_json(&text::read(path)?, path).map_err(|error| ResultsError::Syntax {
            path: path.to_owned(),
            message: format!(
                "line {}, column {}: {}",
                error.line, error.column, error.message
            ),
        })?;
    let entries = document.results.into_values().flatten();
    let labels = entries.filter_map(|entry| entry.label?.as_str().map(str::to_owned));
    Ok(labels.collect())
}

fn in_table(path: &Path) -> Result<BTreeSet<String>, ResultsError> {
    let bytes = text::read(path)?;
    let mut table = Table::new(&bytes, path)?;
    let mut labels = BTreeSet::new();
    if let Some(column) = table.find(&["label"]) {
        while table.next_row()? {
            labels.insert(table.cell(column).to_owned());
        }
    }
    Ok(labels)
}
