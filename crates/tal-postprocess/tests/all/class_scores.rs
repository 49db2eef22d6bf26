//! Classes from scores of whole recordings: results computed by hand, and properties for any scores.

use proptest::prelude::*;
use tal_core::config::{ClassScoresRule, ScoreCombination};
use tal_core::{Detection, DetectionSet, Segment};
use tal_postprocess::{ClassAssignmentError, ClassScores, assign_classes, assign_classes_to_all};

use crate::support::found;

fn detections(rows: &[(f64, f64, u32, f64)]) -> Vec<Detection> {
    found("", rows).1
}

fn config(top_k: usize, combine: ScoreCombination, max_segments: Option<usize>) -> ClassScoresRule {
    ClassScoresRule {
        top_k,
        combine,
        max_segments,
    }
}

/// (start, label, score).
fn summary(classified: &[Detection]) -> Vec<(f64, u32, f64)> {
    let row = |d: &Detection| (d.segment.start, d.label, d.score);
    classified.iter().map(row).collect()
}

#[test]
fn every_segment_gets_the_best_classes() {
    let rows = detections(&[
        (1.0, 2.0, 7, 0.25),
        (2.0, 3.0, 0, 1.0),
        (3.0, 4.0, 7, 0.125),
    ]);
    // Roots: 1·0.64 → 0.8, 1·0.16 → 0.4, 0.25·0.64 → 0.4, 0.25·0.16 → 0.2. The tie goes to the better segment.
    let classified = assign_classes(
        &rows,
        &[0.16, 0.01, 0.64],
        &config(2, ScoreCombination::ProductRoot, Some(2)),
    );
    assert_eq!(
        summary(&classified.unwrap()),
        [(2.0, 2, 0.8), (2.0, 0, 0.4), (1.0, 2, 0.4), (1.0, 0, 0.2)]
    );
    let classified = assign_classes(
        &rows,
        &[0.5, 0.0, 0.25],
        &config(1, ScoreCombination::Product, None),
    );
    assert_eq!(
        summary(&classified.unwrap()),
        [(2.0, 0, 0.5), (1.0, 0, 0.125), (3.0, 0, 0.0625)]
    );
}

#[test]
fn of_equals_the_lower_class_and_the_earlier_segment_are_better() {
    let rows = detections(&[(1.0, 2.0, 0, 0.5), (2.0, 3.0, 0, 0.5), (3.0, 4.0, 0, 0.5)]);
    let classified = assign_classes(
        &rows,
        &[0.0, 0.5, 0.25, 0.5, 0.5],
        &config(2, ScoreCombination::Product, Some(2)),
    );
    assert_eq!(
        summary(&classified.unwrap()),
        [
            (1.0, 1, 0.25),
            (1.0, 3, 0.25),
            (2.0, 1, 0.25),
            (2.0, 3, 0.25)
        ]
    );
}

#[test]
fn the_released_rule_is_the_default() {
    let default = ClassScoresRule::default();
    assert_eq!(default, config(2, ScoreCombination::ProductRoot, Some(200)));
    let rows: Vec<_> = (0..300)
        .map(|i| (f64::from(i), 400.0, 0, f64::from(i) / 300.0))
        .collect();
    let classified = assign_classes(&detections(&rows), &[0.1, 0.9, 0.3], &default).unwrap();
    assert_eq!(classified.len(), 400);
    assert!(classified.iter().all(|d| d.segment.start >= 100.0));
}

#[test]
fn unusable_input_is_refused() {
    let good = [(0.0, 1.0, 0, 0.5)];
    let default = ClassScoresRule::default();
    let error = |rows: &[(f64, f64, u32, f64)], scores: &[f64], config: &ClassScoresRule| {
        assign_classes(&detections(rows), scores, config)
            .unwrap_err()
            .to_string()
    };
    for value in [-0.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(
            error(&good, &[0.5, 0.5, 0.5, value], &default),
            format!("class 3 has the score {value}, must be finite and at least 0")
        );
        assert_eq!(
            error(&[good[0], (0.0, 1.0, 0, value)], &[0.5], &default),
            format!("detection 1 has the score {value}, must be finite and at least 0")
        );
    }
    assert_eq!(
        error(&good, &[], &default),
        "there are no class scores; give one per class"
    );
    let product = ScoreCombination::Product;
    assert_eq!(
        error(&good, &[0.5], &config(0, product, None)),
        "top_k is 0, must be at least 1"
    );
    assert_eq!(
        error(&good, &[0.5], &config(1, product, Some(0))),
        "max_segments is 0, must be at least 1"
    );
    assert!(matches!(
        assign_classes(
            &detections(&[(0.0, 1.0, 0, 1e200)]),
            &[1.0, 1e200],
            &default
        ),
        Err(ClassAssignmentError::Overflow {
            class: 1,
            row: 0,
            ..
        })
    ));
}

#[test]
fn recordings_find_their_scores() {
    let all: DetectionSet = ["plain", "v_long", "short", "v_both"]
        .map(|id| found(id, &[(0.0, 1.0, 9, 1.0)]))
        .into();
    let mut scores: ClassScores = [
        ("plain", vec![1.0, 0.0]),
        ("long", vec![0.0, 1.0]),
        ("v_short", vec![0.0, 0.0, 1.0]),
        ("v_both", vec![0.5]),
        ("both", vec![0.0, 0.75]),
        ("unused", vec![f64::NAN]),
    ]
    .map(|(id, scores)| (id.to_owned(), scores))
    .into();
    let one = config(1, ScoreCombination::Product, None);
    let classified = assign_classes_to_all(&all, &scores, &one).unwrap();
    let found: Vec<_> = classified
        .iter()
        .map(|(id, rows)| (id.as_str(), rows[0].label, rows[0].score))
        .collect();
    assert_eq!(
        found,
        [
            ("plain", 0, 1.0),
            ("v_long", 1, 1.0),
            ("short", 2, 1.0),
            ("v_both", 0, 0.5)
        ]
    );

    scores.insert("plain".into(), vec![1.0, -1.0]);
    assert_eq!(
        assign_classes_to_all(&all, &scores, &one)
            .unwrap_err()
            .to_string(),
        "recording \"plain\": class 1 has the score -1, must be finite and at least 0"
    );
    scores.remove("plain");
    assert_eq!(
        assign_classes_to_all(&all, &scores, &one).unwrap_err(),
        ClassAssignmentError::MissingRecording {
            recording: "plain".into()
        }
    );
}

proptest! {
    #[test]
    fn the_plain_rule_agrees(
        scores in prop::collection::vec((0..6u8).prop_map(|v| f64::from(v) / 5.0), 0..12),
        classes in prop::collection::vec((0..6u8).prop_map(|v| f64::from(v) / 5.0), 1..8),
        top_k in 1..10usize,
        max_segments in prop::option::of(1..15usize),
        root in any::<bool>(),
    ) {
        let combine = if root { ScoreCombination::ProductRoot } else { ScoreCombination::Product };
        let rows: Vec<Detection> = scores
            .iter()
            .enumerate()
            .map(|(row, score)| Detection {
                segment: Segment::new(row as f64, 99.0),
                label: 3,
                score: *score,
            })
            .collect();
        let classified = assign_classes(&rows, &classes, &config(top_k, combine, max_segments)).unwrap();

        // An entry is expected if fewer than the cap are better; better is greater, or equal and earlier.
        let num_better = |values: &[f64], i: usize| {
            (0..values.len())
                .filter(|&j| values[j] > values[i] || (values[j] == values[i] && j < i))
                .count()
        };
        let mut expected = Vec::new();
        for row in 0..scores.len() {
            for class in 0..classes.len() {
                if num_better(&scores, row) < max_segments.unwrap_or(usize::MAX)
                    && num_better(&classes, class) < top_k
                {
                    let product = scores[row] * classes[class];
                    expected.push((row, class, if root { product.sqrt() } else { product }));
                }
            }
        }
        prop_assert!(classified.windows(2).all(|pair| pair[0].score >= pair[1].score));
        let mut found: Vec<_> = classified
            .iter()
            .map(|d| (d.segment.start as usize, d.label as usize, d.score))
            .collect();
        found.sort_by_key(|(row, class, _)| (*row, *class));
        prop_assert_eq!(found, expected);
    }
}
