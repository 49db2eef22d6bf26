//! Suppression on a few candidates, computed by hand.

use approx::assert_relative_eq;
use tal_core::config::{SuppressionConfig, SuppressionMethod, VotingConfig, VotingWeight};
use tal_core::{Candidates, Segment};
use tal_postprocess::{SuppressionError, suppress};

fn config(method: SuppressionMethod) -> SuppressionConfig {
    SuppressionConfig {
        method,
        sigma: 0.5,
        iou_threshold: 0.3,
        min_score: 0.001,
        per_class: true,
        max_detections: 100,
        max_per_class: None,
        voting: None,
    }
}

fn candidates(rows: &[(f32, f32, f32, u32)]) -> Candidates {
    let mut candidates = Candidates::default();
    for &(start, end, score, label) in rows {
        candidates.push(Segment::new(start, end), score, label);
    }
    candidates
}

/// The two overlap by 5 of 15: o = 1/3.
const PAIR: [(f32, f32, f32, u32); 2] = [(5.0, 15.0, 0.8, 0), (0.0, 10.0, 0.9, 0)];

#[test]
fn gaussian_multiplies_by_exp_of_the_square() {
    let kept = suppress(&candidates(&PAIR), &config(SuppressionMethod::Gaussian)).unwrap();
    // 0.8 · exp(−(1/9)/0.5) = 0.8 · 0.800737 = 0.640590
    assert_eq!(kept.start, [0.0, 5.0]);
    assert_relative_eq!(kept.score[0], 0.9);
    assert_relative_eq!(kept.score[1], 0.640_59, epsilon = 1e-6);
}

#[test]
fn linear_multiplies_by_one_minus_the_overlap_from_the_threshold_on() {
    let linear = config(SuppressionMethod::Linear);
    let kept = suppress(&candidates(&PAIR), &linear).unwrap();
    // 0.8 · (1 − 1/3) = 0.533333
    assert_relative_eq!(kept.score[1], 0.533_333, epsilon = 1e-6);
    let lenient = SuppressionConfig {
        iou_threshold: 0.4,
        ..linear
    };
    let kept = suppress(&candidates(&PAIR), &lenient).unwrap();
    assert_eq!(kept.score, [0.9, 0.8]);
}

#[test]
fn hard_drops_from_the_threshold_on() {
    let hard = config(SuppressionMethod::Hard);
    let kept = suppress(&candidates(&PAIR), &hard).unwrap();
    assert_eq!((kept.start, kept.score), (vec![0.0], vec![0.9]));
    let lenient = SuppressionConfig {
        iou_threshold: 0.4,
        ..hard
    };
    assert_eq!(suppress(&candidates(&PAIR), &lenient).unwrap().len(), 2);
}

#[test]
fn what_hard_suppression_dropped_suppresses_nothing() {
    // The middle one overlaps both others by 1/3; they do not touch.
    let rows = [
        (0.0, 10.0, 0.9, 0),
        (5.0, 15.0, 0.8, 0),
        (10.0, 20.0, 0.7, 0),
    ];
    let kept = suppress(&candidates(&rows), &config(SuppressionMethod::Hard)).unwrap();
    assert_eq!(kept.score, [0.9, 0.7]);
}

#[test]
fn scores_decay_once_per_selected_candidate() {
    // Three at one place, o = 1: 0.8 · e^−2 = 0.108268, 0.7 · e^−2 = 0.094735, then again 0.012821.
    let rows = [(0.0, 4.0, 0.9, 0), (0.0, 4.0, 0.8, 0), (0.0, 4.0, 0.7, 0)];
    let kept = suppress(&candidates(&rows), &config(SuppressionMethod::Gaussian)).unwrap();
    assert_relative_eq!(kept.score[1], 0.108_268, epsilon = 1e-6);
    assert_relative_eq!(kept.score[2], 0.012_821, epsilon = 1e-6);
}

#[test]
fn classes_suppress_each_other_only_when_asked_to() {
    let rows = [(0.0, 4.0, 0.9, 1), (0.0, 4.0, 0.8, 0)];
    let per_class = config(SuppressionMethod::Gaussian);
    let kept = suppress(&candidates(&rows), &per_class).unwrap();
    assert_eq!((kept.score, kept.label), (vec![0.9, 0.8], vec![1, 0]));
    let all = SuppressionConfig {
        per_class: false,
        ..per_class
    };
    let kept = suppress(&candidates(&rows), &all).unwrap();
    assert_relative_eq!(kept.score[1], 0.108_268, epsilon = 1e-6);
}

#[test]
fn the_first_selected_is_not_held_against_the_least_score() {
    let rows = [(0.0, 4.0, 0.000_5, 0), (8.0, 9.0, 0.000_4, 0)];
    let soft = suppress(&candidates(&rows), &config(SuppressionMethod::Gaussian)).unwrap();
    assert_eq!(soft.score, [0.000_5]);
    let hard = suppress(&candidates(&rows), &config(SuppressionMethod::Hard)).unwrap();
    assert!(hard.is_empty());
    // A score equal to the least is enough for soft suppression and not for hard.
    let rows = [(0.0, 4.0, 0.9, 0), (8.0, 9.0, 0.001, 0)];
    for (method, num_kept) in [
        (SuppressionMethod::Gaussian, 2),
        (SuppressionMethod::Linear, 2),
        (SuppressionMethod::Hard, 1),
    ] {
        let kept = suppress(&candidates(&rows), &config(method)).unwrap();
        assert_eq!(kept.len(), num_kept, "{method:?}");
    }
}

#[test]
fn equal_scores_keep_the_order_of_rows_and_classes() {
    let rows = [
        (20.0, 24.0, 0.5, 1),
        (0.0, 4.0, 0.5, 1),
        (8.0, 9.0, 0.5, 0),
        (30.0, 34.0, 0.9, 1),
        (40.0, 44.0, 0.5, 1),
    ];
    for method in [
        SuppressionMethod::Gaussian,
        SuppressionMethod::Linear,
        SuppressionMethod::Hard,
    ] {
        let kept = suppress(&candidates(&rows), &config(method)).unwrap();
        assert_eq!(kept.start, [30.0, 8.0, 20.0, 0.0, 40.0], "{method:?}");
        let all = SuppressionConfig {
            per_class: false,
            ..config(method)
        };
        let kept = suppress(&candidates(&rows), &all).unwrap();
        assert_eq!(kept.start, [30.0, 20.0, 0.0, 8.0, 40.0], "{method:?}");
    }
}

#[test]
fn the_cap_keeps_the_best() {
    let rows = [
        (0.0, 1.0, 0.7, 0),
        (2.0, 3.0, 0.9, 1),
        (4.0, 5.0, 0.8, 0),
        (6.0, 7.0, 0.6, 1),
    ];
    for per_class in [true, false] {
        for method in [SuppressionMethod::Gaussian, SuppressionMethod::Hard] {
            let capped = SuppressionConfig {
                per_class,
                max_detections: 3,
                ..config(method)
            };
            let kept = suppress(&candidates(&rows), &capped).unwrap();
            assert_eq!(kept.score, [0.9, 0.8, 0.7]);
        }
    }
}

#[test]
fn the_cap_per_class_comes_before_that_per_recording() {
    let rows = [
        (0.0, 1.0, 0.9, 0),
        (2.0, 3.0, 0.8, 0),
        (4.0, 5.0, 0.7, 0),
        (6.0, 7.0, 0.6, 1),
        (8.0, 9.0, 0.5, 2),
    ];
    for method in [
        SuppressionMethod::Gaussian,
        SuppressionMethod::Linear,
        SuppressionMethod::Hard,
    ] {
        let with = |max_per_class, per_class| {
            let capped = SuppressionConfig {
                per_class,
                max_detections: 3,
                max_per_class,
                ..config(method)
            };
            suppress(&candidates(&rows), &capped).unwrap().score
        };
        assert_eq!(with(None, true), [0.9, 0.8, 0.7]);
        assert_eq!(with(Some(2), true), [0.9, 0.8, 0.6]);
        assert_eq!(with(Some(1), true), [0.9, 0.6, 0.5]);
        assert_eq!(with(Some(4), true), [0.9, 0.8, 0.7]);
        assert_eq!(with(Some(1), false), [0.9, 0.8, 0.7]);
    }
}

#[test]
fn no_method_changes_nothing() {
    let input = candidates(&PAIR);
    let uncapped = SuppressionConfig {
        max_detections: 1,
        ..config(SuppressionMethod::None)
    };
    assert_eq!(suppress(&input, &uncapped).unwrap(), input);
    let empty = Candidates::default();
    assert!(
        suppress(&empty, &config(SuppressionMethod::Hard))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn votes_move_the_ends_to_the_weighted_mean() {
    // tIoU 9/11 = 0.818182. The third row overlaps too little to vote.
    let rows = [
        (0.0, 10.0, 0.9, 0),
        (1.0, 11.0, 0.6, 5),
        (4.0, 30.0, 0.3, 0),
    ];
    let with = |weight, per_class| SuppressionConfig {
        per_class,
        voting: Some(VotingConfig {
            iou_threshold: 0.7,
            weight,
        }),
        ..config(SuppressionMethod::Gaussian)
    };
    let input = candidates(&rows);
    // (0.9 · 0 + 0.6 · 1) / 1.5 = 0.4, and 10 more for the end; the same votes for both.
    let kept = suppress(&input, &with(VotingWeight::Score, false)).unwrap();
    assert_relative_eq!(kept.start[0], 0.4, epsilon = 1e-6);
    assert_relative_eq!(kept.end[0], 10.4, epsilon = 1e-5);
    assert!(
        kept.start
            .iter()
            .filter(|s| (**s - 0.4).abs() < 1e-6)
            .count()
            == 2
    );
    assert!(kept.start.contains(&4.0));
    // Weights 0.9 and 0.6 · 0.818182 = 0.490909: 0.490909 / 1.390909 = 0.352941.
    let kept = suppress(&input, &with(VotingWeight::ScoreIou, false)).unwrap();
    assert_relative_eq!(kept.start[0], 0.352_941, epsilon = 1e-6);
    assert_relative_eq!(kept.end[0], 10.352_941, epsilon = 1e-5);
    let kept = suppress(&input, &with(VotingWeight::Score, true)).unwrap();
    assert_eq!(kept.start[0], 0.0, "voting is for all classes together");
}

#[test]
fn an_empty_segment_keeps_its_place_in_voting() {
    let voting = SuppressionConfig {
        per_class: false,
        voting: Some(VotingConfig {
            iou_threshold: 0.5,
            weight: VotingWeight::Score,
        }),
        ..config(SuppressionMethod::Gaussian)
    };
    let rows = [(3.0, 3.0, 0.9, 0), (3.0, 3.0, 0.8, 0)];
    let kept = suppress(&candidates(&rows), &voting).unwrap();
    assert_eq!((kept.start, kept.end), (vec![3.0; 2], vec![3.0; 2]));
    assert_eq!(kept.score, [0.9, 0.8]);
}

#[test]
fn unusable_rows_are_named() {
    let soft = config(SuppressionMethod::Gaussian);
    let error = |rows: &[(f32, f32, f32, u32)]| suppress(&candidates(rows), &soft).unwrap_err();
    assert_eq!(
        error(&[(0.0, 1.0, 0.5, 0), (0.0, 1.0, f32::NAN, 0)]).to_string(),
        "candidate 1 has the score NaN; scores must be finite"
    );
    assert_eq!(
        error(&[(0.0, f32::INFINITY, 0.5, 0)]).to_string(),
        "candidate 0 goes from 0 to inf; both must be finite and start <= end"
    );
    assert_eq!(
        error(&[(0.0, 1.0, 0.5, 0), (2.0, 1.5, 0.5, 0)]),
        SuppressionError::Segment {
            row: 1,
            start: 2.0,
            end: 1.5
        }
    );
    let mut ragged = candidates(&PAIR);
    ragged.label.pop();
    assert_eq!(
        suppress(&ragged, &config(SuppressionMethod::None))
            .unwrap_err()
            .to_string(),
        "candidates have 2 starts, 2 ends, 2 scores and 1 labels; all numbers must be equal"
    );
}
