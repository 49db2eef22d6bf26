//! Hard suppression on seconds.

use std::collections::BTreeMap;

use tal_core::Detection;
use tal_core::tiou_from_parts;

/// Hard NMS of proposals, per class; the result is sorted by score, highest first.
///
/// From the highest score down, a proposal is kept if its overlap with every kept one is below `iou_threshold`. Of equal
/// scores the earlier comes first. `add_one` adds 1 to every length and every intersection (even across a gap of up to 1),
/// as if start and end were the first and the last of whole numbers.
///
/// # Units
/// Seconds, in and out.
pub fn suppress_proposals(
    detections: Vec<Detection>,
    iou_threshold: f64,
    add_one: bool,
) -> Vec<Detection> {
    let extra = if add_one { 1.0 } else { 0.0 };
    let overlap = |a: &Detection, b: &Detection| {
        let (a, b) = (a.segment, b.segment);
        let common = (a.end.min(b.end) - a.start.max(b.start) + extra).max(0.0);
        let [a, b] = [a, b].map(|segment| segment.length() + extra);
        tiou_from_parts(common, a, b, f64::EPSILON)
    };
    let mut classes: BTreeMap<u32, Vec<Detection>> = BTreeMap::new();
    for detection in detections {
        classes.entry(detection.label).or_default().push(detection);
    }
    let mut all = Vec::new();
    for mut waiting in classes.into_values() {
        waiting.sort_by(|a, b| b.score.total_cmp(&a.score));
        let mut kept: Vec<Detection> = Vec::new();
        for detection in waiting {
            let is_apart = |better: &Detection| overlap(better, &detection) < iou_threshold;
            if kept.iter().all(is_apart) {
                kept.push(detection);
            }
        }
        all.extend(kept);
    }
    all.sort_by(|a, b| b.score.total_cmp(&a.score));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use tal_core::Segment;

    fn detection(start: f64, end: f64, score: f64, label: u32) -> Detection {
        Detection {
            segment: Segment::new(start, end),
            label,
            score,
        }
    }

    #[test]
    fn the_better_of_two_that_overlap_stays() {
        let (a, b) = (detection(0.0, 10.0, 0.5, 0), detection(0.0, 8.0, 0.9, 0));
        assert_eq!(suppress_proposals(vec![a, b], 0.8, false), [b]);
        assert_eq!(suppress_proposals(vec![a, b], 0.81, false), [b, a]);
        let other = detection(0.0, 8.0, 0.6, 1);
        assert_eq!(
            suppress_proposals(vec![a, other, b], 0.5, false),
            [b, other]
        );
    }

    #[test]
    fn one_second_more_joins_short_neighbours() {
        let (a, b) = (detection(0.0, 0.5, 0.9, 0), detection(0.5, 1.0, 0.8, 0));
        assert_eq!(suppress_proposals(vec![a, b], 0.5, false).len(), 2);
        // (0 + 1) / (1.5 + 1.5 − 1) = 0.5.
        assert_eq!(suppress_proposals(vec![a, b], 0.5, true), [a]);
    }

    #[test]
    fn equal_empty_ones_count_as_disjoint() {
        let point = detection(1.0, 1.0, 0.5, 0);
        assert_eq!(suppress_proposals(vec![point, point], 0.5, false).len(), 2);
    }
}
