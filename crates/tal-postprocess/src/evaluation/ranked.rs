//! What was matched, as the lists that average precision is computed from.

use super::matching::{MatchedClass, Matching};

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
    /// The recordings with ground truth of this class, and how much of it each has.
    pub(crate) num_ground_truth: Vec<(u32, u32)>,
    /// The recording of each detection, the highest score first; the number of recordings stands for all others.
    pub(crate) recordings: Vec<u32>,
    /// Per threshold, whether each detection is a true positive.
    pub(crate) hits: Vec<Vec<bool>>,
    /// The detections, by rank, that are never false positives: where they find nothing, they do not count.
    pub(crate) forgiven: Vec<u32>,
}

impl Matching {
    /// The lists, without what is no longer needed.
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
