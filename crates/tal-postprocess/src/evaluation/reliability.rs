//! Reliability of scores: how often detections of a score are right.

use serde::{Deserialize, Serialize};

use super::matching::{MatchedClass, Matching};

/// Reliability curves over all classes and per class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// Curves over all classes, one per threshold.
    pub all: Vec<ReliabilityCurve>,
    /// Curves of each class that has ground truth, by class id; one per threshold.
    pub classes: Vec<(u32, Vec<ReliabilityCurve>)>,
}

/// Precision by score, at one threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityCurve {
    /// The threshold.
    pub tiou_threshold: f64,
    /// Bins of equal width from 0 to 1; scores outside fall into the first and the last.
    pub bins: Vec<ReliabilityBin>,
    /// Expected calibration error: mean of |precision − mean score| over the detections; `None` without detections.
    pub calibration_error: Option<f64>,
}

/// Detections whose scores lie in one bin.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Number of detections that count.
    pub num_detections: usize,
    /// Number of true positives among them.
    pub num_true_positives: usize,
    /// Mean of their scores, 0 for an empty bin.
    pub mean_score: f64,
}

impl ReliabilityBin {
    /// Share of true positives; `None` for an empty bin.
    pub fn precision(&self) -> Option<f64> {
        let share = self.num_true_positives as f64 / self.num_detections as f64;
        (self.num_detections > 0).then_some(share)
    }
}

impl Matching {
    /// Reliability curves with `num_bins` bins of equal width; at least one.
    ///
    /// # Source
    /// Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks (ICML 2017), for the expected calibration
    /// error.
    pub fn reliability(&self, num_bins: usize) -> Reliability {
        let curves = |classes: &[&MatchedClass]| {
            let thresholds = self.thresholds.iter().enumerate();
            thresholds
                .map(|(t, threshold)| curve(classes, t, *threshold, num_bins.max(1)))
                .collect()
        };
        let all: Vec<&MatchedClass> = self.classes.iter().collect();
        Reliability {
            all: curves(&all),
            classes: all
                .iter()
                .map(|class| (class.table.label, curves(&[class])))
                .collect(),
        }
    }
}

fn curve(
    classes: &[&MatchedClass],
    threshold: usize,
    tiou_threshold: f64,
    num_bins: usize,
) -> ReliabilityCurve {
    let mut bins = vec![ReliabilityBin::default(); num_bins];
    for class in classes {
        for (rank, hit) in class.counted(threshold) {
            let score = class.table.detections[rank].score;
            // A conversion to an integer is 0 below 0.
            let bin = &mut bins[((score * num_bins as f64) as usize).min(num_bins - 1)];
            bin.num_detections += 1;
            bin.num_true_positives += usize::from(hit);
            bin.mean_score += score;
        }
    }
    let total: usize = bins.iter().map(|bin| bin.num_detections).sum();
    let mut error = 0.0;
    for bin in bins.iter_mut().filter(|bin| bin.num_detections > 0) {
        error += (bin.num_true_positives as f64 - bin.mean_score).abs() / total as f64;
        bin.mean_score /= bin.num_detections as f64;
    }
    ReliabilityCurve {
        tiou_threshold,
        bins,
        calibration_error: (total > 0).then_some(error),
    }
}
