//! Average recall over the number of proposals.

use std::cmp::Ordering;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tal_core::config::EvaluationConfig;
use tal_core::segment::tiou_from_parts;
use tal_core::{ClassMap, Recording, Segment};

use super::EvaluationError;
use super::dialect::{Rules, Ties};
use super::input::DetectionInput;
use super::truth::Truth;

/// Number of points of the curve.
const NUM_POINTS: usize = 100;

/// AR@AN: how much of the ground truth is found by so many proposals per recording, whatever their class.
///
/// The curve has 100 points; at point `j` recordings keep, of their proposals by score, a share that makes their average
/// number `AN = j/100 · max`. Recall is the share of all annotations that one of those proposals reaches with
/// `tIoU ≥ threshold`; AR is its mean over the thresholds. `area` is the area under AR over AN by the trapezoid rule, divided
/// by the largest AN. As the curve begins at its first point, perfect proposals have an area of 0.99.
///
/// # Shapes
/// `recall[threshold][point]`; `average_recall` and `num_proposals` per point.
///
/// # Source
/// `Evaluation/eval_proposal.py` of ActivityNet, with `max` 100 and the thresholds 0.5:0.05:0.95.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AverageRecall {
    /// The thresholds, in the order of the configuration.
    pub tiou_thresholds: Vec<f64>,
    /// Average number of proposals per recording (AN).
    pub num_proposals: Vec<f64>,
    /// Recall per threshold.
    pub recall: Vec<Vec<f64>>,
    /// Mean recall over the thresholds (AR).
    pub average_recall: Vec<f64>,
    /// The area under AR over AN, a fraction.
    pub area: f64,
}

/// Takes detections as proposals without a class and computes their average recall for up to `max_proposals` per recording.
///
/// Which annotations count is decided by the configuration as for [`super::evaluate`]; only recordings that have some take
/// part. A share of proposals that is no whole number is rounded down, so that few proposals in a recording can be none.
///
/// # Errors
/// Those of [`super::evaluate`], but classes without ground truth are no error in any dialect.
pub fn average_recall<'a, 'd>(
    recordings: impl IntoIterator<Item = &'a Recording>,
    detections: impl Into<DetectionInput<'d>>,
    config: &EvaluationConfig,
    classes: Option<&ClassMap>,
    max_proposals: usize,
) -> Result<AverageRecall, EvaluationError> {
    let rules = Rules::new(config, classes)?;
    let truth = Truth::new(recordings, &rules)?;
    let mut all: Vec<Proposals> = vec![Proposals::default(); truth.recordings.len()];
    for (recording, instance) in truth.counted(&rules) {
        all[recording as usize].instances.push(instance.segment);
    }
    let mut num_given = 0usize;
    detections
        .into()
        .each(&truth, &rules, |position, detection, _| {
            num_given += 1;
            if let Some(position) = position {
                let row = (detection.score, detection.segment);
                all[position as usize].ranked.push(row);
            }
            Ok(())
        })?;
    all.retain(|recording| !recording.instances.is_empty());
    if all.is_empty() {
        let num_recordings = truth.recordings.len();
        return Err(EvaluationError::NoGroundTruth { num_recordings });
    }

    let max = max_proposals as f64;
    let share = max * all.len() as f64 / num_given as f64;
    all.par_iter_mut().for_each(|recording| {
        recording.rank(&rules);
        let num = (recording.ranked.len() as f64 * share) as usize;
        recording.ranked.truncate(num);
    });
    let num_kept: usize = all.iter().map(|recording| recording.ranked.len()).sum();
    let point = |j: usize| (j + 1) as f64 / NUM_POINTS as f64;
    let scale = max * all.len() as f64 / num_kept as f64;
    let found: Vec<Vec<Vec<usize>>> = all
        .par_iter()
        .map(|recording| {
            recording.found(&config.tiou_thresholds, rules.min_union, |j| {
                point(j) * scale
            })
        })
        .collect();
    let num_instances: usize = all.iter().map(|recording| recording.instances.len()).sum();
    let recall: Vec<Vec<f64>> = (0..config.tiou_thresholds.len())
        .map(|t| {
            (0..NUM_POINTS)
                .map(|j| {
                    let num: usize = found.iter().map(|found| found[t][j]).sum();
                    num as f64 / num_instances as f64
                })
                .collect()
        })
        .collect();
    let average_recall: Vec<f64> = (0..NUM_POINTS)
        .map(|j| recall.iter().map(|recall| recall[j]).sum::<f64>() / recall.len() as f64)
        .collect();
    let num_proposals: Vec<f64> = (0..NUM_POINTS).map(|j| point(j) * max).collect();
    // The points are equally far apart, so that dividing by the largest AN leaves their share of it.
    let trapezoids = average_recall
        .windows(2)
        .map(|pair| (pair[0] + pair[1]) / 2.0);
    let area = trapezoids.sum::<f64>() / NUM_POINTS as f64;
    Ok(AverageRecall {
        tiou_thresholds: config.tiou_thresholds.clone(),
        num_proposals,
        recall,
        average_recall,
        area,
    })
}

/// Annotations and proposals of one recording.
#[derive(Debug, Clone, Default)]
struct Proposals {
    instances: Vec<Segment>,
    ranked: Vec<(f64, Segment)>,
}

impl Proposals {
    fn rank(&mut self, rules: &Rules) {
        if rules.ties == Ties::LaterFirst {
            self.ranked.reverse();
        }
        self.ranked
            .sort_by(|a, b| b.0.partial_cmp(&a.0).unwrap_or(Ordering::Equal));
    }

    /// Per threshold and point the number of annotations that are found by the share of the proposals that `share` gives.
    fn found(
        &self,
        thresholds: &[f64],
        min_union: f64,
        share: impl Fn(usize) -> f64,
    ) -> Vec<Vec<usize>> {
        let num = self.ranked.len();
        let nums: Vec<usize> = (0..NUM_POINTS)
            // Without any proposal the share is infinite and the number zero.
            .map(|j| ((num as f64 * share(j)) as usize).min(num))
            .collect();
        let mut found = vec![vec![0; NUM_POINTS]; thresholds.len()];
        for instance in &self.instances {
            let tious: Vec<f64> = self
                .ranked
                .iter()
                .map(|(_, segment)| {
                    let inter = segment.intersection(*instance);
                    tiou_from_parts(inter, segment.length(), instance.length(), min_union)
                })
                .collect();
            for (threshold, found) in thresholds.iter().zip(&mut found) {
                let Some(first) = tious.iter().position(|tiou| tiou >= threshold) else {
                    continue;
                };
                for (found, num) in found.iter_mut().zip(&nums) {
                    *found += usize::from(first < *num);
                }
            }
        }
        found
    }
}
