//! Which detection found which annotation.

use super::table::ClassTable;

/// What the detections of one class found. Most find nothing, so only the others are listed.
#[derive(Debug)]
pub(super) struct Matches {
    /// Ranks of the detections that found an annotation at one threshold at least, rising.
    pub(super) ranks: Vec<usize>,
    /// Per threshold, what each of them found there: a position among the annotations of the class.
    pub(super) found: Vec<Vec<Option<usize>>>,
}

/// A true positive at one threshold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    /// The annotation, as a position among those of the class.
    pub(super) instance: usize,
    /// How many false positives of the class have a higher rank.
    pub(super) false_positives_before: usize,
}

impl Matches {
    /// Walks the detections of a class from the highest score down.
    ///
    /// Each takes the free annotation of its recording with the highest tIoU, unless that is below the threshold; equal
    /// overlaps in the order of the annotations. Thresholds are independent of each other.
    pub(super) fn new(class: &ClassTable, thresholds: &[f64]) -> Self {
        let mut matches = Self {
            ranks: Vec::new(),
            found: vec![Vec::new(); thresholds.len()],
        };
        let lowest = thresholds.iter().copied().fold(f64::INFINITY, f64::min);
        let mut taken = vec![vec![false; class.instances.len()]; thresholds.len()];
        let mut overlaps: Vec<(f64, usize)> = Vec::new();
        let mut found: Vec<Option<usize>> = Vec::new();
        for (rank, detection) in class.detections.iter().enumerate() {
            overlaps.clear();
            overlaps.extend(
                class
                    .of_recording(detection.recording)
                    .map(|position| {
                        let segment = class.instances[position].segment;
                        (detection.segment.tiou(segment), position)
                    })
                    .filter(|(tiou, _)| *tiou >= lowest),
            );
            if overlaps.is_empty() {
                continue;
            }
            overlaps.sort_by(|a, b| b.0.total_cmp(&a.0));
            found.clear();
            found.extend(thresholds.iter().zip(&mut taken).map(|(threshold, taken)| {
                let (_, position) = *overlaps
                    .iter()
                    .take_while(|(tiou, _)| tiou >= threshold)
                    .find(|(_, position)| !taken[*position])?;
                taken[position] = true;
                Some(position)
            }));
            if found.iter().any(Option::is_some) {
                matches.ranks.push(rank);
                for (all, found) in matches.found.iter_mut().zip(&found) {
                    all.push(*found);
                }
            }
        }
        matches
    }

    /// The true positives at one threshold, by rank.
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
