//! Average recall over the number of proposals.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tal_core::config::EvaluationConfig;
use tal_core::{ClassMap, Recording, Segment};

use super::dialect::Rules;
use super::error::EvaluationError;
use super::input::DetectionInput;
use super::truth::Truth;

/// Number of points of the curve.
const NUM_POINTS: usize = 100;

/// Average recall over the average number of proposals per recording (AR@AN), whatever their class.
///
/// The curve has 100 points. At point `j` each recording keeps the same share of its proposals, the best ones, so that their
/// average number is `AN = j/100 · max`. Recall is the share of all annotations that overlap one of them with
/// `tIoU ≥ threshold`; AR is its mean over the thresholds. `area` is the area under AR over AN by the trapezoid rule, divided
/// by the largest AN. The curve starts at its first point, so perfect proposals have an area of 0.99.
///
/// # Shapes
/// `recall[threshold][point]`; `average_recall` and `num_proposals` per point.
///
/// # Source
/// `Evaluation/eval_proposal.py` of ActivityNet, with `max` 100 and the thresholds 0.5:0.05:0.95.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AverageRecall {
    /// Thresholds in the order of the configuration.
    pub tiou_thresholds: Vec<f64>,
    /// Average number of proposals per recording (AN).
    pub num_proposals: Vec<f64>,
    /// Recall per threshold.
    pub recall: Vec<Vec<f64>>,
    /// Mean recall over the thresholds (AR).
    pub average_recall: Vec<f64>,
    /// Area under AR over AN, a fraction.
    pub area: f64,
}

/// Average recall of detections taken as proposals without a class, for up to `max_proposals` per recording.
///
/// The configuration decides which annotations count, as for [`crate::evaluate`]; recordings without any are left out. The
/// number of proposals that a recording keeps is rounded down, possibly to 0.
///
/// # Errors
/// Those of [`crate::evaluate_with`], but no dialect refuses classes without ground truth.
pub fn average_recall<'a, 'd>(
    recordings: impl IntoIterator<Item = &'a Recording>,
    detections: impl Into<DetectionInput<'d>>,
    config: &EvaluationConfig,
    classes: Option<&ClassMap>,
    max_proposals: usize,
) -> Result<AverageRecall, EvaluationError> {
    average_recall_with(
        recordings,
        detections,
        config,
        classes,
        max_proposals,
        NUM_POINTS,
    )
}

/// [`average_recall`] at another number of points than 100: `AN = j/num_points · max` at point `j`.
///
/// OpenTAD takes as many points as `max_proposals`.
///
/// # Errors
/// Those of [`average_recall`].
///
/// # Source
/// `opentad/evaluations/recall.py` of OpenTAD.
pub fn average_recall_with<'a, 'd>(
    recordings: impl IntoIterator<Item = &'a Recording>,
    detections: impl Into<DetectionInput<'d>>,
    config: &EvaluationConfig,
    classes: Option<&ClassMap>,
    max_proposals: usize,
    num_points: usize,
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
        rules.sort_descending(&mut recording.ranked, |(score, _)| *score);
        let num = (recording.ranked.len() as f64 * share) as usize;
        recording.ranked.truncate(num);
    });
    let num_kept: usize = all.iter().map(|recording| recording.ranked.len()).sum();
    let point = |j: usize| (j + 1) as f64 / num_points as f64;
    let scale = max * all.len() as f64 / num_kept as f64;
    let found: Vec<Vec<Vec<usize>>> = all
        .par_iter()
        .map(|recording| {
            let share = |j| point(j) * scale;
            recording.found(&config.tiou_thresholds, &rules, num_points, share)
        })
        .collect();
    let num_instances: usize = all.iter().map(|recording| recording.instances.len()).sum();
    let recall: Vec<Vec<f64>> = (0..config.tiou_thresholds.len())
        .map(|t| {
            (0..num_points)
                .map(|j| {
                    let num: usize = found.iter().map(|found| found[t][j]).sum();
                    num as f64 / num_instances as f64
                })
                .collect()
        })
        .collect();
    let average_recall: Vec<f64> = (0..num_points)
        .map(|j| recall.iter().map(|recall| recall[j]).sum::<f64>() / recall.len() as f64)
        .collect();
    let num_proposals: Vec<f64> = (0..num_points).map(|j| point(j) * max).collect();
    // Neighbouring points are equally far apart.
    let trapezoids = average_recall
        .windows(2)
        .map(|pair| (pair[0] + pair[1]) / 2.0);
    let area = trapezoids.sum::<f64>() / num_points as f64;
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
    /// Number of annotations that the given share of the proposals finds, per threshold and point.
    fn found(
        &self,
        thresholds: &[f64],
        rules: &Rules,
        num_points: usize,
        share: impl Fn(usize) -> f64,
    ) -> Vec<Vec<usize>> {
        let num = self.ranked.len();
        let nums: Vec<usize> = (0..num_points)
            // Without proposals the share is infinite and the number 0.
            .map(|j| ((num as f64 * share(j)) as usize).min(num))
            .collect();
        let mut found = vec![vec![0; num_points]; thresholds.len()];
        for instance in &self.instances {
            let tious: Vec<f64> = self
                .ranked
                .iter()
                .map(|(_, segment)| rules.overlap(*segment, *instance))
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
