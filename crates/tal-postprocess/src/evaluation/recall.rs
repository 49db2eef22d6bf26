//! Recall of the best detections, as many as there are annotations or a multiple of it.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::dialect::Rules;
use super::matching::{MatchedClass, Matching};

/// Share of the annotations that the first `k · N` detections find (Recall@k×), with `N` annotations of the class in the
/// recording.
///
/// Detections are ranked by score within their class and recording. An annotation is found if one of the first `k · N` has
/// `tIoU ≥ threshold`. One detection may find several annotations. Detections that overlap an ambiguous annotation count
/// like all others.
///
/// # Shapes
/// `recall[threshold][k]`, in the order of `tiou_thresholds` and `k`.
///
/// # Source
/// The moment queries of Ego4D (Recall@1× and @5× at tIoU 0.5), as OpenTAD computes them in `opentad/evaluations/mAP.py`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecallAtK {
    /// Thresholds in the order of the configuration.
    pub tiou_thresholds: Vec<f64>,
    /// Multiples of the number of annotations.
    pub k: Vec<usize>,
    /// Mean over the classes.
    pub recall: Vec<Vec<f64>>,
    /// Classes that have ground truth, by id.
    pub classes: Vec<ClassRecall>,
}

/// Recall@k× of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassRecall {
    /// The class id.
    pub label: u32,
    /// Number of annotations to be found.
    pub num_ground_truth: usize,
    /// Recall per threshold and `k`.
    pub recall: Vec<Vec<f64>>,
}

impl Matching {
    /// Recall of the first `k · N` detections of each class and recording, for each value of `k`.
    pub fn recall_at(&self, k: &[usize]) -> RecallAtK {
        let classes: Vec<ClassRecall> = self
            .classes
            .par_iter()
            .map(|class| ClassRecall {
                label: class.table.label,
                num_ground_truth: class.table.instances.len(),
                recall: class_recall(class, &self.thresholds, &self.rules, k),
            })
            .collect();
        let mean = |t: usize, k: usize| {
            classes.iter().map(|class| class.recall[t][k]).sum::<f64>() / classes.len() as f64
        };
        RecallAtK {
            tiou_thresholds: self.thresholds.clone(),
            k: k.to_vec(),
            recall: (0..self.thresholds.len())
                .map(|t| (0..k.len()).map(|index| mean(t, index)).collect())
                .collect(),
            classes,
        }
    }
}

fn class_recall(
    class: &MatchedClass,
    thresholds: &[f64],
    rules: &Rules,
    k: &[usize],
) -> Vec<Vec<f64>> {
    let table = &class.table;
    let num_recordings = table.instances.last().map_or(0, |i| i.recording + 1) as usize;
    let mut num_seen = vec![0usize; num_recordings];
    // Rank within its recording of the first detection that finds each annotation, per threshold.
    let mut first = vec![vec![usize::MAX; table.instances.len()]; thresholds.len()];
    for detection in &table.detections {
        let instances = table.of_recording(detection.recording);
        if instances.is_empty() {
            continue;
        }
        let rank = num_seen[detection.recording as usize];
        num_seen[detection.recording as usize] += 1;
        for position in instances {
            let tiou = rules.overlap(detection.segment, table.instances[position].segment);
            for (threshold, first) in thresholds.iter().zip(&mut first) {
                if tiou >= *threshold {
                    first[position] = first[position].min(rank);
                }
            }
        }
    }
    first
        .iter()
        .map(|first| {
            let found = |k: usize| {
                let of_class = table.instances.iter().enumerate();
                of_class
                    .filter(|(position, instance)| {
                        let num = table.of_recording(instance.recording).len();
                        first[*position] < k.saturating_mul(num)
                    })
                    .count()
            };
            k.iter()
                .map(|k| found(*k) as f64 / table.instances.len() as f64)
                .collect()
        })
        .collect()
}
