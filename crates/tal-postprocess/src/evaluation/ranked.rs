//! Ranked lists from which average precision is computed.

use super::matching::{MatchedClass, Matching};

/// Ranked lists of all classes.
#[derive(Debug)]
pub(crate) struct Ranked {
    /// Ids of the recordings that count, sorted; the lists refer to their positions.
    pub(crate) recordings: Vec<String>,
    /// Classes with ground truth, by id.
    pub(crate) classes: Vec<RankedClass>,
}

/// Ranked list of one class.
#[derive(Debug)]
pub(crate) struct RankedClass {
    /// Recordings with annotations of this class, and the number of those annotations.
    pub(crate) num_ground_truth: Vec<(u32, u32)>,
    /// Recording of each detection, highest score first; the number of recordings stands for those without ground truth.
    pub(crate) recordings: Vec<u32>,
    /// Whether each detection is a true positive, per threshold.
    pub(crate) hits: Vec<Vec<bool>>,
    /// Ranks of the detections that are never false positives: they do not count if they find nothing.
    pub(crate) forgiven: Vec<u32>,
}

impl Matching {
    /// Ranked lists of the matched classes.
    pub(crate) fn into_ranked(self) -> Ranked {
        Ranked {
            recordings: self.recordings,
            classes: self.classes.into_iter().map(rank).collect(),
        }
    }
}

fn rank(class: MatchedClass) -> RankedClass {
    let MatchedClass { table, hits } = class;
    let detections = &table.detections;
    RankedClass {
        num_ground_truth: table
            .instances
            .chunk_by(|a, b| a.recording == b.recording)
            .map(|of_one| (of_one[0].recording, of_one.len() as u32))
            .collect(),
        recordings: detections.iter().map(|row| row.recording).collect(),
        hits,
        forgiven: (0u32..)
            .zip(detections)
            .filter(|(_, row)| row.is_ambiguous)
            .map(|(rank, _)| rank)
            .collect(),
    }
}
