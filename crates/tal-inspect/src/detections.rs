//! Detections of a data set.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;
use tal_core::{ClassMap, Detection, DetectionSet, grouped};
use tal_data::results::{self, ResultFormat};
use tal_data::{ResultsError, TextFileError};
use tal_pth::Value;

use crate::error::InspectError;
use crate::section::{Section, facts};
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

pub(crate) fn read(path: &Path, is_json: bool) -> Result<DetectionFacts, InspectError> {
    let names = names(path, is_json)?;
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
fn names(path: &Path, is_json: bool) -> Result<BTreeSet<String>, InspectError> {
    let format = match is_json {
        true => ResultFormat::ActivityNet,
        false => ResultFormat::Csv,
    };
    let mut labels = results::labels(path, format).map_err(|error| match error {
        ResultsError::Syntax { message, .. } => InspectError::unknown(
            path,
            format!("has no detections as ActivityNet's result files do: {message}"),
        ),
        ResultsError::Text(error @ TextFileError::Read { .. }) => ResultsError::Text(error).into(),
        error => InspectError::unknown(path, error.to_string()),
    })?;
    labels.retain(|label| is_name(label));
    Ok(labels)
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
