//! Recall of as many detections as there are annotations.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tal_core::segment::tiou_from_parts;

use super::matching::{MatchedClass, Matching};

/// Recall@k×: the share of the annotations that the first `k · N` detections find, where `N` is the number of annotations of
/// the class in the recording.
///
/// An annotation is found where one of those detections, taken by score within their class and recording, has
/// `tIoU ≥ threshold`. One detection may find several annotations, and one that overlaps an ambiguous annotation takes its
/// place like any other.
///
/// # Shapes
/// `recall[threshold][k]`, in the order of `tiou_thresholds` and `k`.
///
/// # Source
/// The moment queries of Ego4D (Recall@1× and @5× at tIoU 0.5), as OpenTAD computes them in `opentad/evaluations/mAP.py`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecallAtK {
    /// The thresholds, in the order of the configuration.
    pub tiou_thresholds: Vec<f64>,
    /// The multiples of the number of annotations.
    pub k: Vec<usize>,
    /// Means over the classes.
    pub recall: Vec<Vec<f64>>,
    /// The classes that have ground truth, by id.
    pub classes: Vec<ClassRecall>,
}

/// Recall@k× of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassRecall {
    /// The class id.
    pub label: u32,
    /// Number of annotations that are looked for.
    pub num_ground_truth: usize,
    /// Recall per threshold and `k`.
    pub recall: Vec<Vec<f64>>,
}

impl Matching {
    /// Recall of the first `k · N` detections of each class and recording, for each of `k`.
    pub fn recall_at(&self, k: &[usize]) -> RecallAtK {
        let classes: Vec<ClassRecall> = self
            .classes
            .par_iter()
            .map(|class| ClassRecall {
                label: class.table.label,
                num_ground_truth: class.table.instances.len(),
                recall: class_recall(class, &self.thresholds, self.rules.min_union, k),
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
    min_union: f64,
    k: &[usize],
) -> Vec<Vec<f64>> {
    let table = &class.table;
    let num_recordings = table.instances.last().map_or(0, |i| i.recording + 1) as usize;
    let mut num_seen = vec![0usize; num_recordings];
    // Per threshold and annotation the place, within its recording, of the first detection that finds it.
    let mut first = vec![vec![usize::MAX; table.instances.len()]; thresholds.len()];
    for detection in &table.detections {
        let instances = table.of_recording(detection.recording);
        if instances.is_empty() {
            continue;
        }
        let place = num_seen[detection.recording as usize];
        num_seen[detection.recording as usize] += 1;
        for position in instances {
            let segment = table.instances[position].segment;
            let tiou = tiou_from_parts(
                detection.segment.intersection(segment),
                detection.segment.length(),
                segment.length(),
                min_union,
            );
            for (threshold, first) in thresholds.iter().zip(&mut first) {
                if tiou >= *threshold {
                    first[position] = first[position].min(place);
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
