//! Equal scores, and how far they can move the figures.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::average_precision::average_precision;
use super::dialect::Rules;
use super::hits;
use super::matching::Matching;
use super::table::ClassTable;

/// Detections of equal score, and the mAP if their order were the best or the worst one.
///
/// Detections are tied if they share class and score; only these can change places. The best order takes those that find an annotation
/// first, the worst those that find none, at each threshold on its own. Both are orders that the file could have had, so the
/// figures are reached; the annotations that are found are those of the file's order or of its reverse.
///
/// # Shapes
/// `best`, `as_written` and `worst` per threshold, fractions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TieReport {
    /// Detections of a class with ground truth that share their score with another one of the class.
    pub num_tied: usize,
    /// Groups of such detections.
    pub num_groups: usize,
    /// Detections in the largest group.
    pub largest_group: usize,
    /// Thresholds in the order of the configuration.
    pub tiou_thresholds: Vec<f64>,
    /// mAP of the best order.
    pub best: Vec<f64>,
    /// mAP of the order of the input, by the rule of the dialect.
    pub as_written: Vec<f64>,
    /// mAP of the worst order.
    pub worst: Vec<f64>,
    /// Mean of `best` over the thresholds.
    pub average_best: f64,
    /// Mean of `as_written` over the thresholds.
    pub average_as_written: f64,
    /// Mean of `worst` over the thresholds.
    pub average_worst: f64,
}

/// AP of one class and threshold.
#[derive(Debug, Clone, Copy)]
struct Spread {
    best: f64,
    as_written: f64,
    worst: f64,
}

impl Matching {
    /// Equal scores, and how far they can move mAP.
    pub fn ties(&self) -> TieReport {
        let groups: Vec<usize> = self
            .classes
            .iter()
            .flat_map(|class| class.table.tied())
            .map(|group| group.len())
            .collect();
        let spreads: Vec<Vec<Spread>> = self
            .classes
            .par_iter()
            .map(|class| {
                let mut reversed = class.table.clone();
                for group in class.table.tied() {
                    reversed.detections[group].reverse();
                }
                let all = of_order(&class.table, &self.thresholds, &self.rules);
                let others = of_order(&reversed, &self.thresholds, &self.rules);
                let both = all.into_iter().zip(others);
                both.map(|(spread, other)| Spread {
                    best: spread.best.max(other.best),
                    as_written: spread.as_written,
                    worst: spread.worst.min(other.worst),
                })
                .collect()
            })
            .collect();
        let over_classes = |value: &dyn Fn(&Spread) -> f64| -> Vec<f64> {
            (0..self.thresholds.len())
                .map(|t| mean(spreads.iter().map(|class| value(&class[t]))))
                .collect()
        };
        let best = over_classes(&|spread| spread.best);
        let as_written = over_classes(&|spread| spread.as_written);
        let worst = over_classes(&|spread| spread.worst);
        TieReport {
            num_tied: groups.iter().sum(),
            num_groups: groups.len(),
            largest_group: groups.iter().copied().max().unwrap_or(0),
            tiou_thresholds: self.thresholds.clone(),
            average_best: mean(best.iter().copied()),
            average_as_written: mean(as_written.iter().copied()),
            average_worst: mean(worst.iter().copied()),
            best,
            as_written,
            worst,
        }
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let num = values.len() as f64;
    values.sum::<f64>() / num
}

impl ClassTable {
    /// Ranks of the detections of equal score, group by group; the table is sorted by score.
    fn tied(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        let mut start = 0;
        self.detections
            .chunk_by(|a, b| a.score == b.score)
            .map(move |group| {
                start += group.len();
                start - group.len()..start
            })
            .filter(|group| group.len() > 1)
    }
}

/// What a detection does in the order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It finds an annotation.
    Hit,
    /// It finds none, because others of its score took them.
    Beaten,
    /// It finds no annotation at any place in its group.
    Miss,
}

/// AP per threshold of an order, and of the best and the worst order with the same hits.
fn of_order(class: &ClassTable, thresholds: &[f64], rules: &Rules) -> Vec<Spread> {
    let num = class.detections.len();
    let num_instances = class.instances.len();
    // Rank of the detection that takes an annotation, per threshold.
    let mut takers = vec![vec![usize::MAX; num_instances]; thresholds.len()];
    let mut outcomes = vec![vec![Outcome::Miss; num]; thresholds.len()];
    hits::each(class, thresholds, rules, |rank, found| {
        for (t, position) in found.iter().enumerate() {
            if let Some(position) = position {
                takers[t][*position] = rank;
                outcomes[t][rank] = Outcome::Hit;
            }
        }
    });
    for group in class.tied() {
        for rank in group.clone() {
            let detection = &class.detections[rank];
            for position in class.of_recording(detection.recording) {
                let tiou = rules.overlap(detection.segment, class.instances[position].segment);
                for (t, threshold) in thresholds.iter().enumerate() {
                    let outcome = &mut outcomes[t][rank];
                    let reaches = tiou.is_nan() || tiou >= *threshold;
                    if *outcome == Outcome::Miss && reaches && takers[t][position] >= group.start {
                        *outcome = Outcome::Beaten;
                    }
                }
            }
        }
    }
    outcomes
        .into_iter()
        .map(|outcomes| {
            let area = |order: &[usize]| {
                let counted = order.iter().filter(|rank| {
                    outcomes[**rank] == Outcome::Hit || !class.detections[**rank].is_ambiguous
                });
                let hits: Vec<bool> = counted
                    .map(|rank| outcomes[*rank] == Outcome::Hit)
                    .collect();
                average_precision(&hits, num_instances)
            };
            let written: Vec<usize> = (0..num).collect();
            let (mut best, mut worst) = (written.clone(), written.clone());
            for group in class.tied() {
                best[group.clone()].sort_by_key(|rank| outcomes[*rank] != Outcome::Hit);
                worst[group].sort_by_key(|rank| outcomes[*rank] != Outcome::Miss);
            }
            Spread {
                best: area(&best),
                as_written: area(&written),
                worst: area(&worst),
            }
        })
        .collect()
}
