//! Precision-recall curves.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::matching::{MatchedClass, Matching};

/// Precision-recall curves of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassCurves {
    /// The class id.
    pub label: u32,
    /// Number of annotations to be found.
    pub num_ground_truth: usize,
    /// One curve per threshold, in the order of the configuration.
    pub curves: Vec<PrecisionRecall>,
}

/// Precision and recall after each detection, highest score first.
///
/// `precision_i = TP_i / i`, `recall_i = TP_i / N` and `envelope_i = max_{j ≥ i} precision_j`, with `TP_i` true positives
/// among the first `i` detections that count and `N` annotations. With `recall_0 = 0`, average precision is
/// `Σ_i (recall_i − recall_{i−1}) · envelope_i`.
///
/// # Shapes
/// All vectors have one value per detection that counts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PrecisionRecall {
    /// The threshold.
    pub tiou_threshold: f64,
    /// Score of the detection.
    pub score: Vec<f64>,
    /// Share of true positives among the detections so far.
    pub precision: Vec<f64>,
    /// Highest precision from here on.
    pub envelope: Vec<f64>,
    /// Share of the annotations found so far.
    pub recall: Vec<f64>,
}

impl Matching {
    /// Precision-recall curves of all classes that have ground truth, by id.
    pub fn precision_recall(&self) -> Vec<ClassCurves> {
        self.classes
            .par_iter()
            .map(|class| ClassCurves {
                label: class.table.label,
                num_ground_truth: class.table.instances.len(),
                curves: (0..self.thresholds.len())
                    .map(|threshold| curve(class, threshold, self.thresholds[threshold]))
                    .collect(),
            })
            .collect()
    }
}

fn curve(class: &MatchedClass, threshold: usize, tiou_threshold: f64) -> PrecisionRecall {
    let num_ground_truth = class.table.instances.len() as f64;
    let mut curve = PrecisionRecall {
        tiou_threshold,
        ..Default::default()
    };
    let mut num_found = 0.0;
    for (index, (rank, hit)) in class.counted(threshold).enumerate() {
        if hit {
            num_found += 1.0;
        }
        curve.score.push(class.table.detections[rank].score);
        curve.precision.push(num_found / (index + 1) as f64);
        curve.recall.push(num_found / num_ground_truth);
    }
    curve.envelope = curve.precision.clone();
    let mut highest = 0.0f64;
    for value in curve.envelope.iter_mut().rev() {
        highest = highest.max(*value);
        *value = highest;
    }
    curve
}
