//! A choice among detections: thresholds, durations, gaps, classes, number.

use std::collections::{BTreeMap, BTreeSet};

use tal_core::{Detection, DetectionSet, Segment};

use crate::order::descending;

/// Rules that turn all detections of a recording into those that somebody wants to see.
///
/// They act in this order: classes, thresholds, gaps, durations, number. Rules of no effect, the default, keep everything as
/// it is.
///
/// ```
/// use tal_core::{Detection, Segment};
/// use tal_postprocess::DetectionRules;
///
/// let row = |start, end, score| Detection { segment: Segment::new(start, end), label: 0, score };
/// let rules = DetectionRules { min_score: Some(0.3), min_gap: 0.5, ..DetectionRules::default() };
/// let kept = rules.apply(&[row(0.0, 2.0, 0.9), row(2.2, 4.0, 0.5), row(6.0, 7.0, 0.2)]);
/// assert_eq!(kept, [row(0.0, 4.0, 0.9)]);
/// ```
///
/// # Units
/// Seconds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DetectionRules {
    /// Classes to keep; `None` keeps all.
    pub classes: Option<BTreeSet<u32>>,
    /// Lowest score of classes that have no threshold of their own; `None` keeps all.
    pub min_score: Option<f64>,
    /// Lowest score of a class.
    pub class_min_scores: BTreeMap<u32, f64>,
    /// Smallest gap: detections of one class that overlap, touch or lie closer together become one, with the highest of
    /// their scores. 0 joins nothing.
    pub min_gap: f64,
    /// Shortest length of a detection.
    pub min_duration: f64,
    /// Largest number of detections of a recording, those with the highest scores; `None` keeps all.
    pub top: Option<usize>,
}

impl DetectionRules {
    /// The detections of a recording that the rules leave. Their order stays, but detections made of several stand where
    /// their score belongs: then all are sorted by score, highest first.
    pub fn apply(&self, detections: &[Detection]) -> Vec<Detection> {
        let mut kept: Vec<Detection> = detections
            .iter()
            .filter(|row| self.keeps(row))
            .copied()
            .collect();
        if self.min_gap > 0.0 {
            let before = kept.len();
            let joined = self.joined(&kept);
            if joined.len() < before {
                kept = joined;
            }
        }
        kept.retain(|row| row.segment.length() >= self.min_duration);
        if let Some(top) = self.top
            && kept.len() > top
        {
            kept.sort_by(|a, b| descending(a.score, b.score));
            kept.truncate(top);
        }
        kept
    }

    /// [`DetectionRules::apply`] for each recording.
    pub fn apply_to_all(&self, detections: &DetectionSet) -> DetectionSet {
        let all = detections.iter();
        all.map(|(id, rows)| (id.clone(), self.apply(rows)))
            .collect()
    }

    /// Lowest score of a class.
    pub fn min_score_of(&self, label: u32) -> Option<f64> {
        let own = self.class_min_scores.get(&label).copied();
        own.or(self.min_score)
    }

    fn keeps(&self, row: &Detection) -> bool {
        let is_wanted = |classes: &BTreeSet<u32>| classes.contains(&row.label);
        self.classes.as_ref().is_none_or(is_wanted)
            && self
                .min_score_of(row.label)
                .is_none_or(|least| row.score >= least)
    }

    fn joined(&self, rows: &[Detection]) -> Vec<Detection> {
        let mut classes: BTreeMap<u32, Vec<Detection>> = BTreeMap::new();
        for row in rows {
            classes.entry(row.label).or_default().push(*row);
        }
        let mut all: Vec<Detection> = Vec::with_capacity(rows.len());
        for mut rows in classes.into_values() {
            rows.sort_by(|a, b| a.segment.start.total_cmp(&b.segment.start));
            let first = all.len();
            for row in rows {
                match all[first..].last_mut() {
                    Some(last) if row.segment.start - last.segment.end < self.min_gap => {
                        let end = last.segment.end.max(row.segment.end);
                        last.segment = Segment::new(last.segment.start, end);
                        last.score = last.score.max(row.score);
                    }
                    _ => all.push(row),
                }
            }
        }
        all.sort_by(|a, b| descending(a.score, b.score));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(start: f64, end: f64, label: u32, score: f64) -> Detection {
        Detection {
            segment: Segment::new(start, end),
            label,
            score,
        }
    }

    #[test]
    fn no_rules_keep_everything_in_its_order() {
        let rows = [row(0.0, 1.0, 0, 0.1), row(0.5, 2.0, 0, 0.9)];
        assert_eq!(DetectionRules::default().apply(&rows), rows);
    }

    #[test]
    fn thresholds_of_a_class_come_before_the_general_one() {
        let rules = DetectionRules {
            min_score: Some(0.5),
            class_min_scores: BTreeMap::from([(1, 0.1)]),
            ..DetectionRules::default()
        };
        let rows = [
            row(0.0, 1.0, 0, 0.4),
            row(0.0, 1.0, 1, 0.4),
            row(0.0, 1.0, 2, 0.5),
        ];
        assert_eq!(rules.apply(&rows), rows[1..]);
    }

    #[test]
    fn gaps_are_closed_before_lengths_are_measured() {
        let rules = DetectionRules {
            min_gap: 0.5,
            min_duration: 1.5,
            ..DetectionRules::default()
        };
        let rows = [
            row(0.0, 1.0, 0, 0.4),
            row(5.0, 6.0, 0, 0.8),
            row(1.25, 2.0, 0, 0.6),
            // Another class, and a gap that is just wide enough.
            row(2.1, 4.0, 1, 0.3),
            row(4.5, 7.0, 1, 0.2),
        ];
        let expected = [
            row(0.0, 2.0, 0, 0.6),
            row(2.1, 4.0, 1, 0.3),
            row(4.5, 7.0, 1, 0.2),
        ];
        assert_eq!(rules.apply(&rows), expected);
    }

    #[test]
    fn the_best_stay_and_classes_are_chosen() {
        let rules = DetectionRules {
            classes: Some(BTreeSet::from([0])),
            top: Some(1),
            ..DetectionRules::default()
        };
        let rows = [
            row(0.0, 1.0, 0, 0.4),
            row(5.0, 6.0, 1, 0.8),
            row(1.25, 2.0, 0, 0.6),
        ];
        assert_eq!(rules.apply(&rows), rows[2..]);
    }
}
