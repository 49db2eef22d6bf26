//! Properties of suppression for any candidates.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use tal_core::config::{SuppressionConfig, SuppressionMethod, VotingConfig, VotingWeight};
use tal_core::{Candidates, Segment};
use tal_postprocess::suppress;

use crate::support::from_rows;

fn rows(max: usize) -> impl Strategy<Value = Candidates> {
    let row = (0.0..50f32, 0.05..20f32, 0.002..1f32, 0..3u32);
    prop::collection::vec(row, 0..max).prop_map(from_rows)
}

/// Few different values, so that rows are often equal, empty or of equal score.
fn coarse_rows(max: usize) -> impl Strategy<Value = Candidates> {
    let row = (0..6u8, 0..4u8, 0..5u8, 0..2u32);
    prop::collection::vec(row, 0..max).prop_map(|rows| {
        let mut candidates = Candidates::default();
        for (start, length, score, label) in rows {
            let start = f32::from(start);
            let segment = Segment::new(start, start + f32::from(length));
            candidates.push(segment, f32::from(score) / 4.0, label);
        }
        candidates
    })
}

fn config() -> impl Strategy<Value = SuppressionConfig> {
    let method = prop::sample::select(vec![
        SuppressionMethod::Gaussian,
        SuppressionMethod::Linear,
        SuppressionMethod::Hard,
    ]);
    let numbers = (0.1..1f32, 0.05..1f32, 0.0..0.1f32, 1..40usize);
    (method, numbers, any::<bool>()).prop_map(
        |(method, (sigma, iou_threshold, min_score, max_detections), per_class)| {
            SuppressionConfig {
                method,
                sigma,
                iou_threshold,
                min_score,
                per_class,
                max_detections,
                max_per_class: None,
                voting: None,
            }
        },
    )
}

fn reordered(candidates: &Candidates, order: impl Iterator<Item = usize>) -> Candidates {
    let mut result = Candidates::default();
    for row in order {
        let (score, label) = (candidates.score[row], candidates.label[row]);
        result.push(candidates.segment(row), score, label);
    }
    result
}

/// Scores by (start, end, label), highest first.
fn scores_by_place(candidates: &Candidates) -> BTreeMap<(u32, u32, u32), Vec<f32>> {
    let mut places: BTreeMap<_, Vec<f32>> = BTreeMap::new();
    for row in 0..candidates.len() {
        let segment = candidates.segment(row);
        places
            .entry((
                segment.start.to_bits(),
                segment.end.to_bits(),
                candidates.label[row],
            ))
            .or_default()
            .push(candidates.score[row]);
    }
    for scores in places.values_mut() {
        scores.sort_by(|a, b| b.total_cmp(a));
    }
    places
}

/// Soft-NMS of one class as its authors wrote it: entries are swapped in place and the list is shortened.
fn swapping_soft_nms(candidates: &Candidates, config: &SuppressionConfig) -> Candidates {
    struct Entry {
        start: f32,
        end: f32,
        score: f32,
        area: f32,
    }
    let mut entries: Vec<Entry> = (0..candidates.len())
        .map(|row| {
            let (start, end) = (candidates.start[row], candidates.end[row]);
            let area = end - start + 1e-6;
            let score = candidates.score[row];
            Entry {
                start,
                end,
                score,
                area,
            }
        })
        .collect();
    let mut result = Candidates::default();
    let mut i = 0;
    while i < entries.len() {
        let mut best = i;
        for pos in i + 1..entries.len() {
            if entries[pos].score > entries[best].score {
                best = pos;
            }
        }
        entries.swap(i, best);
        let (chosen, rest) = entries.split_at(i + 1);
        let chosen = &chosen[i];
        let weights: Vec<f32> = rest
            .iter()
            .map(|entry| {
                let inter = (entry.end.min(chosen.end) - entry.start.max(chosen.start)).max(0.0);
                let o = inter / (chosen.area + entry.area - inter);
                match config.method {
                    SuppressionMethod::Gaussian => (-(o * o) / config.sigma).exp(),
                    _ if o >= config.iou_threshold => 1.0 - o,
                    _ => 1.0,
                }
            })
            .collect();
        result.push(Segment::new(chosen.start, chosen.end), chosen.score, 0);
        for (entry, weight) in entries[i + 1..].iter_mut().zip(weights) {
            entry.score *= weight;
        }
        let mut pos = i + 1;
        while pos < entries.len() {
            if entries[pos].score < config.min_score {
                entries.swap_remove(pos);
            } else {
                pos += 1;
            }
        }
        i += 1;
    }
    result
}

proptest! {
    #[test]
    fn the_result_is_a_part_of_the_input_with_no_score_raised(
        input in prop_oneof![rows(40), coarse_rows(40)], config in config(),
    ) {
        let kept = suppress(&input, &config).unwrap();
        prop_assert!(kept.len() <= input.len().min(config.max_detections));
        prop_assert!(kept.score.windows(2).all(|pair| pair[0] >= pair[1]));
        let before = scores_by_place(&input);
        for (place, after) in scores_by_place(&kept) {
            let before = before.get(&place).map_or(&[][..], Vec::as_slice);
            prop_assert!(after.len() <= before.len());
            prop_assert!(after.iter().zip(before).all(|(after, before)| after <= before));
        }
    }

    #[test]
    fn the_best_candidate_survives(input in rows(40), config in config()) {
        let best = input.score.iter().copied().fold(0f32, f32::max);
        prop_assume!(best > config.min_score);
        prop_assert_eq!(suppress(&input, &config).unwrap().score[0], best);
    }

    #[test]
    fn disjoint_segments_stay_as_they_are(
        gaps in prop::collection::vec((0.0..3f32, 0.1..5f32, 0.2..1f32, 0..3u32), 1..40),
        config in config(),
    ) {
        let mut input = Candidates::default();
        let mut end = 0.0;
        for (gap, length, score, label) in gaps {
            input.push(Segment::new(end + gap, end + gap + length), score, label);
            end += gap + length;
        }
        let config = SuppressionConfig { max_detections: 100, ..config };
        let kept = suppress(&input, &config).unwrap();
        let mut order: Vec<usize> = (0..input.len()).collect();
        order.sort_by(|a, b| input.score[*b].total_cmp(&input.score[*a]));
        let mut scores = input.score.clone();
        scores.sort_by(|a, b| b.total_cmp(a));
        prop_assert_eq!(&kept.score, &scores);
        prop_assert_eq!(scores_by_place(&kept), scores_by_place(&input));
    }

    #[test]
    fn hard_suppression_leaves_no_overlap(input in coarse_rows(40), threshold in 0.1..1f32) {
        let config = SuppressionConfig {
            method: SuppressionMethod::Hard, sigma: 0.5, iou_threshold: threshold, min_score: 0.0,
            per_class: false, max_detections: 100, max_per_class: None, voting: None,
        };
        let kept = suppress(&input, &config).unwrap();
        for a in 0..kept.len() {
            for b in 0..a {
                let tiou = kept.segment(a).tiou(kept.segment(b));
                prop_assert!(tiou.is_nan() || tiou < threshold + 1e-6);
            }
        }
        let again = suppress(&kept, &config).unwrap();
        prop_assert_eq!(again, kept);
    }

    #[test]
    fn voting_keeps_scores_and_stays_among_the_voters(
        input in prop_oneof![rows(40), coarse_rows(40)], config in config(),
        iou_threshold in 0.1..1f32, by_iou in any::<bool>(),
    ) {
        let weight = if by_iou { VotingWeight::ScoreIou } else { VotingWeight::Score };
        let without = SuppressionConfig { per_class: false, ..config };
        let with = SuppressionConfig {
            voting: Some(VotingConfig { iou_threshold, weight }), ..without.clone()
        };
        let plain = suppress(&input, &without).unwrap();
        let voted = suppress(&input, &with).unwrap();
        prop_assert_eq!(&voted.score, &plain.score);
        prop_assert_eq!(&voted.label, &plain.label);
        for row in 0..voted.len() {
            let (before, after) = (plain.segment(row), voted.segment(row));
            prop_assert!(after.start <= after.end);
            let voters: Vec<_> = (0..input.len())
                .map(|row| input.segment(row))
                .filter(|voter| *voter == before || before.tiou(*voter) >= iou_threshold)
                .collect();
            let least = voters.iter().map(|v| v.start).fold(f32::INFINITY, f32::min);
            let most = voters.iter().map(|v| v.end).fold(f32::NEG_INFINITY, f32::max);
            prop_assert!(least - 1e-4 <= after.start && after.end <= most + 1e-4);
        }
    }

    #[test]
    fn classes_do_not_touch_each_other(input in coarse_rows(40), config in config()) {
        let config = SuppressionConfig { per_class: true, max_detections: 100, ..config };
        let together = suppress(&input, &config).unwrap();
        for label in 0..2 {
            let of_class = |all: &Candidates| {
                let rows = (0..all.len()).filter(|row| all.label[*row] == label);
                reordered(all, rows.collect::<Vec<_>>().into_iter())
            };
            let alone = suppress(&of_class(&input), &config).unwrap();
            prop_assert_eq!(of_class(&together), alone);
        }
    }
}

proptest! {
    // Decayed scores may become equal by chance, once in about a million cases: a fixed seed keeps the tests from failing
    // at random.
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(20), ..ProptestConfig::default() })]

    #[test]
    fn without_equal_scores_the_order_of_rows_does_not_matter(
        (input, order) in rows(20).prop_flat_map(|input| {
            let order: Vec<usize> = (0..input.len()).collect();
            (Just(input), Just(order).prop_shuffle())
        }),
        config in config(),
    ) {
        let shuffled = reordered(&input, order.into_iter());
        prop_assert_eq!(suppress(&shuffled, &config).unwrap(), suppress(&input, &config).unwrap());
    }

    #[test]
    fn without_equal_scores_the_swapping_algorithm_gives_the_same(
        input in rows(60), config in config(), linear in any::<bool>(),
    ) {
        let mut input = input;
        input.label.fill(0);
        let method = if linear { SuppressionMethod::Linear } else { SuppressionMethod::Gaussian };
        let config = SuppressionConfig { method, max_detections: 100, ..config };
        prop_assert_eq!(suppress(&input, &config).unwrap(), swapping_soft_nms(&input, &config));
    }
}
