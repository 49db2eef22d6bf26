//! The fast suppression equals the plain one, bit by bit.

use proptest::prelude::*;
use tal_core::config::{SuppressionConfig, SuppressionMethod, VotingConfig, VotingWeight};
use tal_core::{Candidates, Segment};
use tal_postprocess::suppress;

use crate::support::from_rows;
use crate::suppression_plain as plain;

const METHODS: [SuppressionMethod; 4] = [
    SuppressionMethod::Gaussian,
    SuppressionMethod::Linear,
    SuppressionMethod::Hard,
    SuppressionMethod::None,
];

/// The columns as bits, so that 0 and −0 differ.
fn bits(candidates: &Candidates) -> Vec<[u32; 4]> {
    (0..candidates.len())
        .map(|row| {
            [
                candidates.start[row].to_bits(),
                candidates.end[row].to_bits(),
                candidates.score[row].to_bits(),
                candidates.label[row],
            ]
        })
        .collect()
}

/// Places and lengths of many sizes; many rows do not meet.
fn spread_rows(max: usize) -> impl Strategy<Value = Candidates> {
    let length = (-6.0..6f32).prop_map(f32::exp);
    let row = (-300.0..300f32, length, 0.0..1f32, 0..3u32);
    prop::collection::vec(row, 0..max).prop_map(from_rows)
}

/// Nearly all rows meet.
fn crowded_rows(max: usize) -> impl Strategy<Value = Candidates> {
    let row = (0.0..50f32, 0.05..40f32, 0.0..1f32, 0..3u32);
    prop::collection::vec(row, 0..max).prop_map(from_rows)
}

/// Few different values: equal segments, empty ones, segments that touch, equal scores, scores of zero.
fn coarse_rows(max: usize) -> impl Strategy<Value = Candidates> {
    let row = (-20..20i8, 0..5u8, 0..5u8, 0..2u32);
    prop::collection::vec(row, 0..max).prop_map(|rows| {
        let wide = |(start, length, score, label)| {
            let (length, score) = (f32::from(length), f32::from(score) / 4.0);
            (f32::from(start), length, score, label)
        };
        from_rows(rows.into_iter().map(wide).collect())
    })
}

/// Segments as far out and as small as numbers go, and scores below zero.
fn extreme_rows(max: usize) -> impl Strategy<Value = Candidates> {
    let place = prop::sample::select(vec![
        -f32::MAX,
        -1e30,
        -1.0,
        -1e-40,
        -0.0,
        0.0,
        1e-45,
        1e-40,
        1e-6,
        1.0,
        1.000_000_1,
        1e30,
        f32::MAX,
    ]);
    let score = prop::sample::select(vec![-1.0, -0.0, 0.0, 1e-45, 0.5, 1.0, 1e30]);
    prop::collection::vec((place.clone(), place, score), 0..max).prop_map(|rows| {
        let mut candidates = Candidates::default();
        for (a, b, score) in rows {
            candidates.push(Segment::new(a.min(b), a.max(b)), score, 0);
        }
        candidates
    })
}

/// A threshold, at its limits now and then.
fn threshold() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => 0.0..1f32,
        1 => prop::sample::select(vec![0.0, 1e-45, 1e-5, 1e-4, 1.5e-4, 0.25, 0.5, 1.0 / 3.0, 1.0]),
    ]
}

fn voting() -> impl Strategy<Value = VotingConfig> {
    let weight = prop::sample::select(vec![VotingWeight::Score, VotingWeight::ScoreIou]);
    (threshold(), weight).prop_map(|(iou_threshold, weight)| VotingConfig {
        iou_threshold,
        weight,
    })
}

fn config() -> impl Strategy<Value = SuppressionConfig> {
    let min_score = prop_oneof![Just(0.0), Just(0.001), 0.0..0.5f32];
    let numbers = (0.05..1f32, threshold(), min_score);
    let caps = (1..500usize, prop::option::of(1..200usize));
    let method = prop::sample::select(METHODS.to_vec());
    (
        method,
        numbers,
        caps,
        any::<bool>(),
        prop::option::of(voting()),
    )
        .prop_map(
            |(method, (sigma, iou_threshold, min_score), caps, per_class, voting)| {
                SuppressionConfig {
                    method,
                    sigma,
                    iou_threshold,
                    min_score,
                    per_class,
                    max_detections: caps.0,
                    max_per_class: caps.1,
                    voting,
                }
            },
        )
}

proptest! {
    #[test]
    fn spread_candidates(input in spread_rows(400), config in config()) {
        let fast = suppress(&input, &config).unwrap();
        prop_assert_eq!(bits(&fast), bits(&plain::suppress(&input, &config)));
    }

    #[test]
    fn crowded_candidates(input in crowded_rows(200), config in config()) {
        let fast = suppress(&input, &config).unwrap();
        prop_assert_eq!(bits(&fast), bits(&plain::suppress(&input, &config)));
    }

    #[test]
    fn ties_and_empty_segments(input in coarse_rows(300), config in config()) {
        let fast = suppress(&input, &config).unwrap();
        prop_assert_eq!(bits(&fast), bits(&plain::suppress(&input, &config)));
    }

    #[test]
    fn extreme_numbers(input in extreme_rows(60), config in config()) {
        let fast = suppress(&input, &config).unwrap();
        prop_assert_eq!(bits(&fast), bits(&plain::suppress(&input, &config)));
    }
}

/// 5000 rows by a multiplicative generator; two in three lie on a grid, so that ties and equal segments abound.
fn many_rows() -> Candidates {
    let mut state = 1u64;
    let mut draw = |bound: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % bound
    };
    let mut candidates = Candidates::default();
    for row in 0..5_000 {
        let (start, length, score) = if row % 3 == 0 {
            (
                draw(1 << 20) as f32 / 512.0,
                draw(1 << 16) as f32 / 1024.0,
                draw(1 << 20),
            )
        } else {
            (draw(2_048) as f32, draw(30) as f32, draw(64) << 14)
        };
        let segment = Segment::new(start, start + length);
        candidates.push(segment, score as f32 / (1 << 20) as f32, draw(4) as u32);
    }
    candidates
}

/// Enough rows for classes to run in parallel, more than a cap, and voting over a part of all rows.
#[test]
fn thousands_of_candidates() {
    let input = many_rows();
    for method in METHODS {
        for (per_class, max_detections, max_per_class) in [
            (true, 10_000, None),
            (true, 200, Some(30)),
            (false, 10_000, None),
            (false, 300, Some(1)),
        ] {
            let config = SuppressionConfig {
                method,
                sigma: 0.5,
                iou_threshold: 0.2,
                min_score: 0.001,
                per_class,
                max_detections,
                max_per_class,
                voting: (max_detections == 300).then_some(VotingConfig {
                    iou_threshold: 0.7,
                    weight: VotingWeight::ScoreIou,
                }),
            };
            let fast = suppress(&input, &config).unwrap();
            assert!(
                bits(&fast) == bits(&plain::suppress(&input, &config)),
                "{config:?}"
            );
        }
    }
}
