//! Detections of a class and the annotations that they found.

use crate::evaluation::{ClassTable, Rules, each_hit};

/// Detections of a class that found an annotation. Most find nothing, so the others are not listed.
#[derive(Debug)]
pub(super) struct Matches {
    /// Ranks of the detections that found an annotation at one threshold or more, rising.
    pub(super) ranks: Vec<usize>,
    /// Position of the annotation that each of them found, per threshold.
    pub(super) found: Vec<Vec<Option<usize>>>,
}

/// A true positive at one threshold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    /// Position of the annotation among those of the class.
    pub(super) instance: usize,
    /// Number of false positives of the class that are ranked before it.
    pub(super) false_positives_before: usize,
}

impl Matches {
    /// Matches the detections of a class, sorted by score, with its annotations.
    pub(super) fn new(class: &ClassTable, thresholds: &[f64], rules: &Rules) -> Self {
        let mut matches = Self {
            ranks: Vec::new(),
            found: vec![Vec::new(); thresholds.len()],
        };
        each_hit(class, thresholds, rules, |rank, found| {
            matches.ranks.push(rank);
            for (all, found) in matches.found.iter_mut().zip(found) {
                all.push(*found);
            }
        });
        matches
    }

    /// True positives at one threshold, by rank.
    pub(super) fn hits(&self, threshold: usize) -> impl Iterator<Item = Hit> {
        self.ranks
            .iter()
            .zip(&self.found[threshold])
            .filter_map(|(rank, found)| found.map(|instance| (*rank, instance)))
            .enumerate()
            .map(|(num_hits_before, (rank, instance))| Hit {
                instance,
                false_positives_before: rank - num_hits_before,
            })
    }
}
