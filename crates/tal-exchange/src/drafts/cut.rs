//! Detections cut so that no two overlap.

use tal_core::{Detection, Segment};

/// Detections of which no two overlap: by falling score each takes the longest part of its time that is still free.
pub(super) fn one_at_a_time(mut all: Vec<Detection>) -> Vec<Detection> {
    all.sort_by(|a, b| b.score.total_cmp(&a.score));
    // Times that are taken, in order; they do not overlap.
    let mut taken: Vec<Segment> = Vec::new();
    let mut result = Vec::new();
    for one in all {
        let Segment { start, end } = one.segment;
        let first = taken.partition_point(|other| other.end <= start);
        let mut longest: Option<(usize, Segment)> = None;
        let mut from = start;
        for place in first..=taken.len() {
            let next = taken.get(place).filter(|other| other.start < end);
            let part = Segment::new(from, next.map_or(end, |other| other.start));
            let is_longest = longest.is_none_or(|(_, best)| part.length() > best.length());
            if part.length() > 0.0 && is_longest {
                longest = Some((place, part));
            }
            match next {
                Some(other) => from = from.max(other.end),
                None => break,
            }
        }
        if let Some((place, part)) = longest {
            taken.insert(place, part);
            result.push(Detection {
                segment: part,
                ..one
            });
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(start: f64, end: f64, label: u32, score: f64) -> Detection {
        let segment = Segment::new(start, end);
        Detection {
            segment,
            label,
            score,
        }
    }

    #[test]
    fn the_best_score_keeps_its_time() {
        let all = vec![
            found(0.0, 10.0, 0, 0.5),
            found(2.0, 4.0, 1, 0.9),
            found(3.0, 5.0, 2, 0.8),
            found(2.5, 3.5, 3, 0.7),
        ];
        assert_eq!(
            one_at_a_time(all),
            [
                found(2.0, 4.0, 1, 0.9),
                found(4.0, 5.0, 2, 0.8),
                found(5.0, 10.0, 0, 0.5)
            ]
        );
    }

    proptest::proptest! {
        #[test]
        fn what_is_left_never_overlaps_and_lies_inside(
            all in proptest::collection::vec((0..100u32, 0..20u32, 0..3u32, 0..50u32), 0..60),
        ) {
            let all: Vec<Detection> = (all.into_iter())
                .map(|(start, length, label, score)| {
                    found(f64::from(start), f64::from(start + length), label, f64::from(score) / 50.0)
                })
                .collect();
            let mut left = one_at_a_time(all.clone());
            for one in &left {
                let holds = |other: &Detection| {
                    let shared = other.segment.intersection(one.segment);
                    other.label == one.label && shared == one.segment.length()
                };
                proptest::prop_assert!(all.iter().any(holds));
            }
            left.sort_by(|a, b| a.segment.start.total_cmp(&b.segment.start));
            for pair in left.windows(2) {
                proptest::prop_assert!(pair[0].segment.end <= pair[1].segment.start);
            }
            // Every moment of a detection still belongs to one, unless a longer part of it was kept.
            let best = all.iter().max_by(|a, b| a.score.total_cmp(&b.score));
            if let Some(best) = best.filter(|best| best.segment.length() > 0.0) {
                let same = |one: &&Detection| one.score == best.score;
                proptest::prop_assert!(left.iter().any(|one| same(&one)));
            }
        }
    }
}
