//! Detections of a data set.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tal_core::{ClassMap, Detection, DetectionSet, FileError};
use tal_data::{Table, results};
use tal_pth::Value;

use crate::error::InspectError;
use crate::section::{Section, facts, grouped};
use crate::statistics::{Spread, histogram};

/// Bars of the histogram of scores.
const NUM_BINS: usize = 60;

/// Detections of a data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DetectionFacts {
    /// Recordings.
    pub num_recordings: usize,
    /// Detections.
    pub num_detections: usize,
    /// Detections of a recording.
    pub per_recording: Option<Spread>,
    /// Scores.
    pub scores: Option<Spread>,
    /// Lengths, in seconds.
    pub lengths: Option<Spread>,
    /// Number of detections of each class; empty if they have none.
    pub classes: BTreeMap<String, usize>,
    /// Numbers of detections in equal parts of the range of scores.
    pub histogram: Vec<f64>,
}

#[derive(Deserialize)]
struct Document {
    results: BTreeMap<String, Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    label: Option<serde_json::Value>,
}

pub(crate) fn read(path: &Path, is_json: bool) -> Result<DetectionFacts, InspectError> {
    let names = match is_json {
        true => json_labels(path)?,
        false => table_labels(path)?,
    };
    let classes = classes(path, names)?;
    let detections = match is_json {
        true => results::read_json(path, &classes)?,
        false => results::read_csv(path, &classes)?,
    };
    Ok(DetectionFacts::of(&detections, &classes))
}

/// Detections in a pickle of ActionFormer and its relatives, which has class ids in place of names.
pub(crate) fn read_pickle(path: &Path, root: &Value) -> Result<DetectionFacts, InspectError> {
    let labels = root
        .get("label")
        .and_then(Value::as_items)
        .unwrap_or_default();
    let names = labels.iter().filter_map(Value::as_str).map(str::to_owned);
    let classes = classes(path, names.collect())?;
    let detections = results::read_pickle(path, &classes)?;
    Ok(DetectionFacts::of(&detections, &classes))
}

/// Labels that are names; numbers are ids.
fn json_labels(path: &Path) -> Result<BTreeSet<String>, InspectError> {
    let file = File::open(path).map_err(FileError::at("read", path))?;
    let document: Document = serde_json::from_reader(BufReader::new(file)).map_err(|error| {
        InspectError::unknown(
            path,
            format!("has no detections as ActivityNet's result files do: {error}"),
        )
    })?;
    let labels = document
        .results
        .into_values()
        .flatten()
        .filter_map(|entry| entry.label);
    Ok(labels
        .filter_map(|label| label.as_str().map(str::to_owned))
        .filter(|label| is_name(label))
        .collect())
}

fn table_labels(path: &Path) -> Result<BTreeSet<String>, InspectError> {
    let bytes = std::fs::read(path).map_err(FileError::at("read", path))?;
    let fault = |error: tal_data::TextFileError| InspectError::unknown(path, error.to_string());
    let mut table = Table::new(&bytes, path).map_err(fault)?;
    let mut names = BTreeSet::new();
    if let Some(column) = table.find(&["label"]) {
        while table.next_row().map_err(fault)? {
            names.insert(table.cell(column).to_owned());
        }
    }
    names.retain(|label| is_name(label));
    Ok(names)
}

fn is_name(label: &str) -> bool {
    let id = label.strip_prefix("class_").unwrap_or(label);
    !label.is_empty() && id.parse::<f64>().is_err()
}

fn classes(path: &Path, names: BTreeSet<String>) -> Result<ClassMap, InspectError> {
    ClassMap::from_names(names).map_err(|error| InspectError::unknown(path, error.to_string()))
}

impl DetectionFacts {
    fn of(found: &DetectionSet, classes: &ClassMap) -> Self {
        let all = || found.values().flatten();
        let scores: Vec<f64> = all().map(|detection| detection.score).collect();
        let mut counts = BTreeMap::new();
        for detection in all().filter(|detection| detection.label != Detection::NO_CLASS) {
            *counts
                .entry(classes.display_name(detection.label))
                .or_default() += 1;
        }
        Self {
            num_recordings: found.len(),
            num_detections: scores.len(),
            per_recording: Spread::of(found.values().map(|list| list.len() as f64).collect()),
            histogram: histogram(&scores, NUM_BINS),
            scores: Spread::of(scores),
            lengths: Spread::of(all().map(|detection| detection.segment.length()).collect()),
            classes: counts,
        }
    }

    pub(crate) fn sections(&self) -> Vec<Section> {
        let per_recording = self.per_recording.map(|found| {
            format!(
                "{:.0} to {:.0}, median {:.0}",
                found.min, found.max, found.median
            )
        });
        let scores = self.scores.map(|found| {
            format!(
                "{:.4} to {:.4}, median {:.4}",
                found.min, found.max, found.median
            )
        });
        let proposals = self
            .classes
            .is_empty()
            .then(|| "none: they are proposals".to_owned());
        let mut sections = vec![facts([
            ("recordings", Some(grouped(self.num_recordings))),
            ("detections", Some(grouped(self.num_detections))),
            ("per recording", per_recording),
            ("scores", scores),
            ("lengths", self.lengths.map(|found| found.text(" s"))),
            ("classes", proposals),
        ])];
        if let Some(scores) = self.scores {
            sections.push(Section::Plot {
                title: format!(
                    "Number of detections with scores from {:.3} to {:.3}",
                    scores.min, scores.max
                ),
                values: self.histogram.clone(),
            });
        }
        if !self.classes.is_empty() {
            let rows = self.classes.iter();
            sections.push(Section::Table {
                header: vec!["class", "detections"],
                rows: rows
                    .map(|(name, count)| vec![name.clone(), grouped(*count)])
                    .collect(),
            });
        }
        sections
    }
}
