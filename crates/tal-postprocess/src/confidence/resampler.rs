//! Evaluation of weighted recordings.

use tal_core::config::EvaluationConfig;
use tal_core::{ClassMap, DetectionSet, Recording};

use crate::evaluation::{Evaluation, EvaluationError, Matching, Ranked, RankedClass};

/// Average precision of a ranked list in which entry `i` counts `weights[i]` times.
///
/// The copies of an entry follow each other; `num_ground_truth` includes copies of annotations. If all weights are 1, the
/// result is that of [`crate::average_precision`], bit for bit.
///
/// # Panics
/// If the slices differ in length.
pub fn weighted_average_precision(
    true_positives: &[bool],
    weights: &[u32],
    num_ground_truth: u64,
) -> f64 {
    assert_eq!(true_positives.len(), weights.len(), "one weight per entry");
    let mut rank = 0;
    let entries = true_positives.iter().zip(weights).map(|(hit, weight)| {
        rank += u64::from(*weight);
        (*hit, *weight, rank)
    });
    let hits = entries
        .filter(|(hit, ..)| *hit)
        .map(|(_, weight, rank)| (weight, rank));
    area(hits, num_ground_truth, &mut Vec::new())
}

/// Area from the weight of each true positive and the rank of its last copy.
///
/// Precision does not fall over copies that follow each other, so the last copy has the highest.
fn area(
    hits: impl Iterator<Item = (u32, u64)>,
    num_ground_truth: u64,
    at_hits: &mut Vec<(f64, f64)>,
) -> f64 {
    let mut num_found = 0;
    at_hits.clear();
    at_hits.extend(
        hits.filter(|(weight, _)| *weight > 0)
            .map(|(weight, rank)| {
                num_found += u64::from(weight);
                (f64::from(weight), num_found as f64 / rank as f64)
            }),
    );
    let mut envelope = 0.0f64;
    let mut area = 0.0;
    for (weight, precision) in at_hits.iter().rev() {
        envelope = envelope.max(*precision);
        area += weight * envelope;
    }
    if at_hits.is_empty() {
        0.0
    } else {
        area / num_ground_truth as f64
    }
}

/// Evaluation with weighted recordings, without matching again.
///
/// Detections are matched within their recording, and recordings do not change each other's true positives. So the ranked
/// lists are made once, and [`Resampler::evaluate`] walks them with the weights of the recordings.
///
/// One decision of a dialect depends on all recordings: which class ids collide with the ranks of others. It is made once,
/// with each recording counted once. Detections of recordings that the ground truth lacks cannot be drawn: they are always
/// false positives of weight 1.
#[derive(Debug)]
pub struct Resampler {
    evaluation: Evaluation,
    recordings: Vec<String>,
    annotated: Vec<bool>,
    classes: Vec<Ranking>,
}

/// Ranked list of one class.
#[derive(Debug)]
struct Ranking {
    /// Recordings with annotations of the class, and their number.
    num_ground_truth: Vec<(u32, u32)>,
    /// Recording of each detection, by rank.
    recordings: Vec<u32>,
    /// Ranks of the true positives, per threshold.
    hits: Vec<Vec<u32>>,
    /// Ranks of the detections that are never false positives.
    forgiven: Vec<u32>,
}

/// mAP and AP of weighted recordings.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightedEvaluation {
    /// Mean of `map` over the thresholds.
    pub average_map: f64,
    /// Mean of the APs of the classes that have ground truth of positive weight, per threshold.
    pub map: Vec<f64>,
    /// AP per threshold of each class of [`Resampler::evaluation`]; `None` for a class without ground truth.
    pub ap: Vec<Option<Vec<f64>>>,
}

/// Memory for reuse.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    weights: Vec<u32>,
    ranks: Vec<u64>,
    at_hits: Vec<(f64, f64)>,
}

impl Resampler {
    /// Matches detections with the ground truth, as [`crate::evaluate`] does. `classes` gives the id of
    /// `config.ambiguous_class`; it is needed only if that is given.
    ///
    /// # Units
    /// Segments in seconds.
    ///
    /// # Errors
    /// Those of [`crate::evaluate_with`].
    pub fn new<'a>(
        recordings: impl IntoIterator<Item = &'a Recording>,
        detections: &DetectionSet,
        config: &EvaluationConfig,
        classes: Option<&ClassMap>,
    ) -> Result<Self, EvaluationError> {
        let matching = Matching::new(recordings, detections, config, classes)?;
        let evaluation = matching.evaluation();
        let Ranked {
            recordings,
            classes,
        } = matching.into_ranked();
        let mut annotated = vec![false; recordings.len()];
        for (recording, _) in classes.iter().flat_map(|class| &class.num_ground_truth) {
            annotated[*recording as usize] = true;
        }
        Ok(Self {
            evaluation,
            recordings,
            annotated,
            classes: classes.into_iter().map(Ranking::new).collect(),
        })
    }

    /// Evaluation with every recording counted once.
    pub fn evaluation(&self) -> &Evaluation {
        &self.evaluation
    }

    /// Ids of the recordings, sorted; weights have the same order.
    pub fn recordings(&self) -> &[String] {
        &self.recordings
    }

    /// Evaluation with recording `i` of [`Resampler::recordings`] counted `weights[i]` times; `None` if no recording of
    /// positive weight has ground truth.
    ///
    /// Copies of a detection follow each other. Up to rounding, the result is that of [`crate::evaluate`] for so many copies
    /// of each recording and its detections, if detections of equal score are in different recordings or find nothing.
    ///
    /// # Panics
    /// If the number of weights is not that of the recordings.
    pub fn evaluate(&self, weights: &[u32]) -> Option<WeightedEvaluation> {
        self.evaluate_with(weights, &mut Scratch::default())
    }

    pub(super) fn evaluate_with(
        &self,
        weights: &[u32],
        scratch: &mut Scratch,
    ) -> Option<WeightedEvaluation> {
        assert_eq!(
            weights.len(),
            self.recordings.len(),
            "one weight per recording"
        );
        scratch.weights.clear();
        scratch.weights.extend(weights);
        // Stands for all recordings that the ground truth lacks.
        scratch.weights.push(1);
        let ap: Vec<Option<Vec<f64>>> = self
            .classes
            .iter()
            .map(|class| class.average_precision(scratch))
            .collect();
        let num_classes = ap.iter().flatten().count();
        if num_classes == 0 {
            return None;
        }
        let num_thresholds = self.evaluation.tiou_thresholds.len();
        let map: Vec<f64> = (0..num_thresholds)
            .map(|t| ap.iter().flatten().map(|ap| ap[t]).sum::<f64>() / num_classes as f64)
            .collect();
        Some(WeightedEvaluation {
            average_map: mean(&map),
            map,
            ap,
        })
    }

    /// Whether each recording has ground truth.
    pub(super) fn annotated(&self) -> &[bool] {
        &self.annotated
    }
}

impl Ranking {
    fn new(class: RankedClass) -> Self {
        let positions = |hits: &Vec<bool>| {
            let hits = hits.iter().enumerate().filter(|(_, hit)| **hit);
            hits.map(|(row, _)| row as u32).collect()
        };
        Self {
            num_ground_truth: class.num_ground_truth,
            recordings: class.recordings,
            forgiven: class.forgiven,
            hits: class.hits.iter().map(positions).collect(),
        }
    }

    fn average_precision(&self, scratch: &mut Scratch) -> Option<Vec<f64>> {
        let Scratch {
            weights,
            ranks,
            at_hits,
        } = scratch;
        let weighted = |(recording, num): &(u32, u32)| {
            u64::from(weights[*recording as usize]) * u64::from(*num)
        };
        let num_ground_truth: u64 = self.num_ground_truth.iter().map(weighted).sum();
        if num_ground_truth == 0 {
            return None;
        }
        ranks.clear();
        let mut rank = 0;
        ranks.extend(self.recordings.iter().map(|recording| {
            rank += u64::from(weights[*recording as usize]);
            rank
        }));
        let weight = |row: u32| weights[self.recordings[row as usize] as usize];
        let of_threshold = |hits: &Vec<u32>| {
            let mut forgiven = self.forgiven.iter().copied().peekable();
            let mut uncounted = 0;
            let counted = hits.iter().map(|&row| {
                while let Some(earlier) = forgiven.next_if(|earlier| *earlier <= row) {
                    if hits.binary_search(&earlier).is_err() {
                        uncounted += u64::from(weight(earlier));
                    }
                }
                (weight(row), ranks[row as usize] - uncounted)
            });
            area(counted, num_ground_truth, at_hits)
        };
        Some(self.hits.iter().map(of_threshold).collect())
    }
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn forgiven_detections_count_only_if_they_find_something() {
        let class = RankedClass {
            num_ground_truth: vec![(0, 2), (1, 1)],
            recordings: vec![1, 0, 1, 0],
            hits: vec![
                vec![false, true, false, true],
                vec![true, false, false, true],
            ],
            forgiven: vec![0, 1],
        };
        let ranking = Ranking::new(class);
        let mut scratch = Scratch {
            weights: vec![3, 2, 1],
            ..Scratch::default()
        };
        // Eight annotations. R R R W W R R R: six right, precision 1 and then 6/8.
        // R R W W R R R, because the second entry does not count: precision 1 and then 5/7.
        let ap = ranking.average_precision(&mut scratch).unwrap();
        assert_relative_eq!(ap[0], (3.0 + 3.0 * 6.0 / 8.0) / 8.0);
        assert_relative_eq!(ap[1], (2.0 + 3.0 * 5.0 / 7.0) / 8.0);
    }
}
