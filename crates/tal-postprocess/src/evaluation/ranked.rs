//! Detections by class and rank, and what they found.

use rayon::prelude::*;
use tal_core::config::EvaluationConfig;
use tal_core::{DetectionSet, Recording};

use super::dialect::Rules;
use super::table::{ClassTable, Table};
use super::{EvaluationError, matching};

/// What average precision is computed from.
#[derive(Debug)]
pub(crate) struct Ranked {
    /// The ids of the recordings that count, sorted: their numbers.
    pub(crate) recordings: Vec<String>,
    /// The classes with ground truth, by id.
    pub(crate) classes: Vec<RankedClass>,
}

/// What average precision is computed from, for one class.
#[derive(Debug)]
pub(crate) struct RankedClass {
    pub(crate) label: u32,
    /// The recordings with ground truth of this class, and how much of it each has.
    pub(crate) num_ground_truth: Vec<(u32, u32)>,
    /// The recording of each detection, the highest score first; the number of recordings stands for all others.
    pub(crate) recordings: Vec<u32>,
    /// Per threshold, whether each detection is a true positive.
    pub(crate) hits: Vec<Vec<bool>>,
    /// The detections, by rank, that are never false positives: where they find nothing, they do not count.
    pub(crate) forgiven: Vec<u32>,
}

/// Ranks and matches detections; thresholds are not checked.
pub(crate) fn ranked<'a>(
    recordings: impl IntoIterator<Item = &'a Recording>,
    detections: &DetectionSet,
    config: &EvaluationConfig,
) -> Result<Ranked, EvaluationError> {
    let rules = Rules::of(config.dialect);
    let recordings: Vec<&Recording> = recordings.into_iter().collect();
    let table = Table::new(recordings.iter().copied(), detections, &rules)?;
    let mut ids: Vec<String> = recordings.iter().map(|r| r.id.clone()).collect();
    ids.sort();
    Ok(Ranked {
        recordings: ids,
        classes: table
            .classes
            .into_par_iter()
            .map(|class| rank(class, &config.tiou_thresholds, &rules))
            .collect(),
    })
}

fn rank(mut class: ClassTable, thresholds: &[f64], rules: &Rules) -> RankedClass {
    rules.sort_detections(&mut class.detections);
    RankedClass {
        label: class.label,
        num_ground_truth: class
            .instances
            .chunk_by(|a, b| a.recording == b.recording)
            .map(|of_one| (of_one[0].recording, of_one.len() as u32))
            .collect(),
        hits: matching::true_positives(&class, thresholds, rules),
        // No rule of the dialects forgives.
        forgiven: Vec::new(),
        recordings: class.detections.iter().map(|row| row.recording).collect(),
    }
}
