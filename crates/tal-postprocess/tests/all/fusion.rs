//! Fusion of detections: cases by hand, properties for any models, and a search of all clusters in place of the index.

use std::time::Instant;

use proptest::prelude::*;
use tal_core::{Detection, DetectionSet, Segment};
use tal_postprocess::{FusionError, FusionRule, fuse_detection_sets, fuse_detections};

use crate::support::{detections, found};

type Row = (f64, f64, u32, f64);

fn rows(rows: &[Row]) -> Vec<Detection> {
    found("r", rows).1
}

fn fuse(models: &[Vec<Detection>], iou_threshold: f64) -> Vec<Detection> {
    let models: Vec<&[Detection]> = models.iter().map(Vec::as_slice).collect();
    let rule = FusionRule {
        iou_threshold,
        max_detections: None,
    };
    fuse_detections(&models, &rule).unwrap()
}

#[test]
fn agreement_raises_and_dissent_lowers_a_score() {
    let models = [
        rows(&[(0.0, 10.0, 1, 0.9), (20.0, 30.0, 1, 0.8)]),
        rows(&[(1.0, 11.0, 1, 0.3)]),
    ];
    let fused = fuse(&models, 0.5);
    // Weights 3 : 1. The second action is found by one of two models.
    let expected = rows(&[(0.25, 10.25, 1, 0.6), (20.0, 30.0, 1, 0.4)]);
    assert_eq!(fused.len(), 2);
    for (found, expected) in fused.iter().zip(&expected) {
        approx::assert_relative_eq!(found.segment.start, expected.segment.start, epsilon = 1e-12);
        approx::assert_relative_eq!(found.segment.end, expected.segment.end, epsilon = 1e-12);
        approx::assert_relative_eq!(found.score, expected.score, epsilon = 1e-12);
    }
}

#[test]
fn classes_and_distant_segments_stay_apart() {
    let models = [
        rows(&[(0.0, 10.0, 1, 0.5)]),
        rows(&[(0.0, 10.0, 2, 0.5), (6.0, 16.0, 1, 0.5)]),
    ];
    assert_eq!(fuse(&models, 0.5).len(), 3);
    assert_eq!(fuse(&models, 0.2).len(), 2);
}

#[test]
fn one_model_gives_one_member_to_a_cluster() {
    // What soft suppression leaves beside its best must not pull the cluster.
    let models = [
        rows(&[(0.0, 10.0, 0, 0.9), (1.0, 11.0, 0, 0.2)]),
        rows(&[(0.0, 10.0, 0, 0.9), (1.0, 11.0, 0, 0.2)]),
    ];
    assert_eq!(fuse(&models, 0.5), models[0]);
}

#[test]
fn scores_of_zero_have_a_mean() {
    let models = [rows(&[(0.0, 10.0, 0, 0.0)]), rows(&[(2.0, 12.0, 0, 0.0)])];
    assert_eq!(fuse(&models, 0.5), rows(&[(1.0, 11.0, 0, 0.0)]));
    // Without length nothing overlaps, but equal detections agree.
    let empty = [
        rows(&[(3.0, 3.0, 0, 0.5), (4.0, 4.0, 0, 0.5)]),
        rows(&[(3.0, 3.0, 0, 0.5)]),
    ];
    let expected = rows(&[(3.0, 3.0, 0, 0.5), (4.0, 4.0, 0, 0.25)]);
    assert_eq!(fuse(&empty, 0.5), expected);
}

#[test]
fn recordings_are_those_of_all_models() {
    let one = DetectionSet::from([found("b", &[(0.0, 1.0, 0, 0.5)]), found("a", &[])]);
    let two = DetectionSet::from([found("c", &[(0.0, 1.0, 0, 0.5)])]);
    let fused = fuse_detection_sets(&[one, two], &FusionRule::default()).unwrap();
    assert_eq!(fused.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(fused["b"][0].score, 0.25);
    let bad = DetectionSet::from([found("x", &[(0.0, 1.0, 0, f64::NAN)])]);
    let error = fuse_detection_sets(&[bad], &FusionRule::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("recording \"x\": detection 1 of model 1 has the score NaN")
    );
}

#[test]
fn mistakes_are_refused() {
    let of = |row: Row, iou_threshold| {
        let model = rows(&[row]);
        let rule = FusionRule {
            iou_threshold,
            max_detections: None,
        };
        fuse_detections(&[&model], &rule).unwrap_err()
    };
    let good = (0.0, 1.0, 0, 0.5);
    assert_eq!(of(good, 0.0), FusionError::IouThreshold { value: 0.0 });
    assert!(matches!(
        of((0.0, 1.0, 0, -0.5), 0.5),
        FusionError::Score {
            model: 1,
            row: 1,
            ..
        }
    ));
    assert!(matches!(
        of((2.0, 1.0, 0, 0.5), 0.5),
        FusionError::Segment { .. }
    ));
    assert_eq!(
        fuse_detections(&[], &FusionRule::default()),
        Err(FusionError::NoModels)
    );
}

/// The definition, with every cluster looked at.
fn plain(models: &[Vec<Detection>], threshold: f64) -> Vec<Detection> {
    let mut all: Vec<(usize, Detection)> = Vec::new();
    for (model, detections) in models.iter().enumerate() {
        all.extend(detections.iter().map(|detection| (model, *detection)));
    }
    all.sort_by(|(_, a), (_, b)| {
        let ends = |d: &Detection| (d.segment.start, d.segment.end);
        b.score
            .total_cmp(&a.score)
            .then(ends(a).partial_cmp(&ends(b)).unwrap())
    });
    let mean = |members: &[(usize, Detection)]| {
        let sum: f64 = members.iter().map(|(_, d)| d.score).sum();
        let weight = |d: &Detection| {
            if sum > 0.0 {
                d.score / sum
            } else {
                1.0 / members.len() as f64
            }
        };
        let of = |end: &dyn Fn(&Detection) -> f64| {
            members.iter().map(|(_, d)| weight(d) * end(d)).sum::<f64>()
        };
        Segment::new(of(&|d| d.segment.start), of(&|d| d.segment.end))
    };
    let mut clusters: Vec<Vec<(usize, Detection)>> = Vec::new();
    for (model, detection) in all {
        let mut best: Option<(f64, usize)> = None;
        for (number, members) in clusters.iter().enumerate() {
            let tiou = mean(members).tiou(detection.segment);
            if members[0].1.label == detection.label
                && members.iter().all(|(other, _)| *other != model)
                && tiou >= threshold
                && best.is_none_or(|(other, _)| tiou > other + 1e-9)
            {
                best = Some((tiou, number));
            }
        }
        match best {
            Some((_, number)) => clusters[number].push((model, detection)),
            None => clusters.push(vec![(model, detection)]),
        }
    }
    clusters
        .iter()
        .map(|members| Detection {
            segment: mean(members),
            label: members[0].1.label,
            score: members.iter().map(|(_, d)| d.score).sum::<f64>() / models.len() as f64,
        })
        .collect()
}

fn sorted(mut detections: Vec<Detection>) -> Vec<Detection> {
    detections.sort_by(|a, b| {
        let key = |d: &Detection| (d.label, d.segment.start, d.segment.end, d.score);
        key(a).partial_cmp(&key(b)).unwrap()
    });
    detections
}

/// One to four models, on a grid with many equal scores and segments.
fn coarse() -> impl Strategy<Value = Vec<Vec<Detection>>> {
    detections((0..24u8, 0..10u8, 0..2u32, 0..13u8), 0..12, 1..5)
        .prop_map(|set| set.iter().map(|(_, rows)| rows.clone()).collect())
}

/// The same with any times and scores, of which no two are equal in practice.
fn fine() -> impl Strategy<Value = Vec<Vec<Detection>>> {
    let row = (0.0..40.0f64, -4.0..3.0f64, 0..2u32, 0.001..1.0f64);
    let row = row.prop_map(|(start, log, label, score)| Detection {
        segment: Segment::new(start, start + log.exp()),
        label,
        score,
    });
    prop::collection::vec(prop::collection::vec(row, 0..40), 1..5)
}

proptest! {
    #[test]
    fn the_order_of_models_does_not_matter(models in coarse(), threshold in 0.1..1.0f64, turn: usize) {
        let mut turned = models.clone();
        turned.rotate_left(turn % models.len());
        prop_assert_eq!(fuse(&models, threshold), fuse(&turned, threshold));
        turned.reverse();
        prop_assert_eq!(fuse(&models, threshold), fuse(&turned, threshold));
    }

    #[test]
    fn one_model_comes_back(models in fine(), threshold in 0.1..1.0f64) {
        let fused = fuse(&models[..1], threshold);
        prop_assert_eq!(sorted(fused.clone()), sorted(models[0].clone()));
        prop_assert!(fused.is_sorted_by(|a, b| a.score >= b.score));
    }

    #[test]
    fn equal_models_agree_with_each_of_them(models in fine(), copies in 2..4usize) {
        // Without overlaps within the model, so that each detection finds its own copies.
        let mut alone: Vec<Detection> = Vec::new();
        for detection in &models[0] {
            if alone.iter().all(|other| other.segment.intersection(detection.segment) == 0.0) {
                alone.push(*detection);
            }
        }
        let fused = sorted(fuse(&vec![alone.clone(); copies], 0.5));
        prop_assert_eq!(fused.len(), alone.len());
        for (found, expected) in fused.iter().zip(sorted(alone)) {
            prop_assert!(found.segment.tiou(expected.segment) > 1.0 - 1e-9);
            prop_assert!((found.score - expected.score).abs() < 1e-12);
        }
    }

    #[test]
    fn fused_detections_stay_within_what_was_found(models in fine(), threshold in 0.1..1.0f64) {
        let all: Vec<&Detection> = models.iter().flatten().collect();
        let fused = fuse(&models, threshold);
        let sum = |rows: &mut dyn Iterator<Item = f64>| rows.sum::<f64>();
        let (before, after) = (
            sum(&mut all.iter().map(|d| d.score)) / models.len() as f64,
            sum(&mut fused.iter().map(|d| d.score)),
        );
        prop_assert!((before - after).abs() < 1e-9, "no score is lost");
        let largest = models.iter().map(Vec::len).max().unwrap();
        prop_assert!(fused.len() >= largest && fused.len() <= all.len());
        for one in &fused {
            let same = || all.iter().filter(|d| d.label == one.label);
            prop_assert!(same().any(|d| d.segment.start <= one.segment.start));
            prop_assert!(same().any(|d| d.segment.end >= one.segment.end));
            prop_assert!(one.segment.is_ordered() && one.score <= same().map(|d| d.score).fold(0.0, f64::max));
        }
    }

    #[test]
    fn the_index_finds_what_a_search_of_all_finds(models in fine(), threshold in 0.1..0.99f64) {
        let (ours, plain) = (sorted(fuse(&models, threshold)), sorted(plain(&models, threshold)));
        prop_assert_eq!(ours.len(), plain.len());
        for (ours, plain) in ours.iter().zip(&plain) {
            prop_assert!((ours.segment.start - plain.segment.start).abs() < 1e-9);
            prop_assert!((ours.segment.end - plain.segment.end).abs() < 1e-9);
            prop_assert!((ours.score - plain.score).abs() < 1e-12);
        }
    }
}

#[test]
fn many_detections_take_no_quadratic_time() {
    let model = |shift: f64, count: usize| -> Vec<Detection> {
        let row = |number: usize| {
            let start = number as f64 * 3.0 + shift;
            (
                start,
                start + 2.0 + (number % 7) as f64 * 0.1,
                0,
                1.0 / (1.0 + (number * 7919 % count) as f64),
            )
        };
        rows(&(0..count).map(row).collect::<Vec<_>>())
    };
    let seconds = |count: usize| {
        let models: Vec<_> = (0..4).map(|m| model(f64::from(m) * 0.1, count)).collect();
        let start = Instant::now();
        assert_eq!(fuse(&models, 0.5).len(), count);
        start.elapsed().as_secs_f64()
    };
    let (small, large) = (seconds(2_000).max(1e-3), seconds(32_000));
    // 16 times as many: a search of all clusters would take 256 times as long.
    assert!(large / small < 100.0, "{small} s and {large} s");
}
