//! mAP of a few detections, computed by hand, and refused input.

use tal_core::config::{EvaluationConfig, EvaluationDialect};
use tal_core::{DetectionSet, Recording};
use tal_postprocess::{Evaluation, EvaluationError, InputError, InputErrorKind, evaluate};

use EvaluationDialect::{Clean, TriDet};

use crate::support::{self, found};

/// A recording with (start, end, label) as annotations.
pub(crate) fn recording(id: &str, instances: &[(f64, f64, u32)]) -> Recording {
    support::recording(id, None, instances)
}

pub(crate) fn config(thresholds: &[f64], dialect: EvaluationDialect) -> EvaluationConfig {
    EvaluationConfig {
        tiou_thresholds: thresholds.to_vec(),
        dialect,
        ..EvaluationConfig::default()
    }
}

fn single(
    instances: &[(f64, f64, u32)],
    rows: &[(f64, f64, u32, f64)],
    thresholds: &[f64],
    dialect: EvaluationDialect,
) -> Evaluation {
    let detections = DetectionSet::from([found("a", rows)]);
    evaluate(
        &[recording("a", instances)],
        &detections,
        &config(thresholds, dialect),
    )
    .unwrap()
}

#[test]
fn a_taken_annotation_is_passed_over_for_the_next() {
    for dialect in [TriDet, Clean] {
        // The second detection meets [0, 10] again (taken) and then [2, 12] with 8/12 = 0.667: right at 0.5, wrong at 0.7.
        let result = single(
            &[(0.0, 10.0, 4), (2.0, 12.0, 4)],
            &[(0.0, 10.0, 4, 0.9), (0.0, 10.0, 4, 0.8)],
            &[0.5, 0.7],
            dialect,
        );
        assert_eq!(result.classes[0].ap, [1.0, 0.5]);
        assert_eq!(result.average_map, 0.75);
        assert_eq!(result.class(4).unwrap().num_detections, 2);
        assert!(result.class(3).is_none());
    }
}

#[test]
fn a_tiou_equal_to_the_threshold_is_enough() {
    // 5 of 10.
    let rows = [(0.0, 5.0, 0, 0.9)];
    let result = single(&[(0.0, 10.0, 0)], &rows, &[0.5, 0.501], Clean);
    assert_eq!(result.map, [1.0, 0.0]);
}

#[test]
fn every_class_with_ground_truth_weighs_the_same() {
    // Class 0: found, missed, so recall stops at 1/2. Class 1: nothing found. Class 2: found behind a wrong one, 1/2.
    let result = single(
        &[(0.0, 1.0, 0), (5.0, 6.0, 0), (0.0, 1.0, 1), (0.0, 1.0, 2)],
        &[(0.0, 1.0, 0, 0.9), (3.0, 4.0, 2, 0.9), (0.0, 1.0, 2, 0.8)],
        &[0.5],
        Clean,
    );
    let ap: Vec<f64> = result.classes.iter().map(|class| class.ap[0]).collect();
    assert_eq!(ap, [0.5, 0.0, 0.5]);
    assert_eq!(result.map, [1.0 / 3.0]);
}

#[test]
fn equal_scores_follow_the_dialect() {
    let rows = [(0.0, 10.0, 0, 0.5), (20.0, 30.0, 0, 0.5)];
    let truth = [(0.0, 10.0, 0)];
    // The right one first gives 1, the wrong one first 1/2.
    assert_eq!(single(&truth, &rows, &[0.5], Clean).map, [1.0]);
    assert_eq!(single(&truth, &rows, &[0.5], TriDet).map, [0.5]);
    // −0 and 0 are equal scores.
    let rows = [(0.0, 10.0, 0, -0.0), (20.0, 30.0, 0, 0.0)];
    assert_eq!(single(&truth, &rows, &[0.5], Clean).map, [1.0]);
}

#[test]
fn equal_overlaps_follow_the_dialect() {
    // [5, 15] overlaps both by 1/3. Who takes the earlier one leaves nothing for the second detection.
    let truth = [(0.0, 10.0, 0), (10.0, 20.0, 0)];
    let rows = [(5.0, 15.0, 0, 0.9), (0.0, 10.0, 0, 0.8)];
    assert_eq!(single(&truth, &rows, &[0.3], Clean).map, [0.5]);
    assert_eq!(single(&truth, &rows, &[0.3], TriDet).map, [1.0]);
}

#[test]
fn duplicate_and_empty_annotations_go() {
    for dialect in [TriDet, Clean] {
        let result = single(
            &[
                (0.0, 10.0, 0),
                (0.000_5, 10.000_5, 0),
                (0.0, 10.002, 0),
                (0.0, 10.0, 1),
                (4.0, 4.0, 1),
            ],
            &[],
            &[0.5],
            dialect,
        );
        assert_eq!(result.class(0).unwrap().num_ground_truth, 2);
        assert_eq!(result.class(1).unwrap().num_ground_truth, 1);
        assert_eq!(result.counts.num_removed_ground_truth, 2);
        assert_eq!(result.counts.num_ground_truth, 3);
        assert_eq!(result.average_map, 0.0);
    }
}

#[test]
fn an_empty_annotation_hides_a_near_one_only_where_it_goes_last() {
    let truth = [(4.0, 4.0, 0), (4.0, 4.000_5, 0), (6.0, 7.0, 0)];
    let num = |dialect| single(&truth, &[], &[0.5], dialect).classes[0].num_ground_truth;
    assert_eq!(num(TriDet), 1);
    assert_eq!(num(Clean), 2);
}

#[test]
fn an_unknown_class_collides_with_a_rank_in_one_dialect_only() {
    // Classes 3 and 7 have the ranks 0 and 1: the detection of "class 1" counts for class 7 and takes its annotation.
    let truth = [(0.0, 1.0, 3), (0.0, 1.0, 7)];
    let rows = [
        (5.0, 6.0, 1, 0.9),
        (0.0, 1.0, 7, 0.8),
        (0.0, 1.0, 3, 0.7),
        (0.0, 1.0, 2, 0.9),
    ];
    let result = single(&truth, &rows, &[0.5], TriDet);
    assert_eq!(
        (result.classes[0].ap[0], result.classes[1].ap[0]),
        (1.0, 0.5)
    );
    assert_eq!(result.classes[1].num_detections, 2);
    assert_eq!(result.counts.num_ignored_detections, 1);
    let result = single(&truth, &rows, &[0.5], Clean);
    assert_eq!(result.map, [1.0]);
    assert_eq!(result.counts.num_ignored_detections, 2);
}

#[test]
fn a_class_of_empty_annotations_keeps_its_rank_and_is_left_out() {
    // Ranks 0, 1, 2 for 3, 5, 7; class 5 has only an empty annotation. "Class 2" is class 7.
    let truth = [(0.0, 1.0, 3), (2.0, 2.0, 5), (0.0, 1.0, 7)];
    let rows = [(0.0, 1.0, 2, 0.9), (0.0, 1.0, 3, 0.9), (2.0, 2.0, 5, 0.9)];
    let result = single(&truth, &rows, &[0.5], TriDet);
    let labels: Vec<u32> = result.classes.iter().map(|class| class.label).collect();
    assert_eq!(labels, [3, 7]);
    assert_eq!(result.map, [1.0]);
    assert_eq!(result.counts.num_ignored_detections, 1);
}

#[test]
fn detections_of_other_recordings_are_wrong() {
    for dialect in [TriDet, Clean] {
        let detections = DetectionSet::from([
            found("a", &[(0.0, 1.0, 0, 0.5)]),
            found("elsewhere", &[(0.0, 1.0, 0, 0.9)]),
        ]);
        let truth = [recording("a", &[(0.0, 1.0, 0)]), recording("b", &[])];
        let result = evaluate(&truth, &detections, &config(&[0.5], dialect)).unwrap();
        assert_eq!(result.map, [0.5]);
        assert_eq!(result.counts.num_unmatched_recording_detections, 1);
        assert_eq!(result.counts.num_recordings, 2);
    }
}

#[test]
fn a_detection_without_length_is_wrong_but_allowed() {
    let rows = [(0.5, 0.5, 0, 0.9), (0.0, 1.0, 0, 0.8)];
    for dialect in [TriDet, Clean] {
        assert_eq!(single(&[(0.0, 1.0, 0)], &rows, &[0.5], dialect).map, [0.5]);
    }
}

#[test]
fn unusable_input_is_named() {
    let truth = [recording("a", &[(0.0, 1.0, 0)])];
    let error = |rows: &[(f64, f64, u32, f64)]| {
        let detections = DetectionSet::from([found("a", rows)]);
        evaluate(&truth, &detections, &config(&[0.5], Clean)).unwrap_err()
    };
    let good = (0.0, 1.0, 0, 0.5);
    assert_eq!(
        error(&[good, (0.0, 1.0, 0, f64::NAN)]).to_string(),
        "detection 1 of recording \"a\" has the score NaN, must be a number"
    );
    assert_eq!(
        error(&[good, good, (3.0, 2.0, 0, 0.5)]).to_string(),
        "detection 2 of recording \"a\" goes from 3 to 2; both ends and the length must be finite and start <= end"
    );
    // Of a class that is ignored, too.
    assert!(matches!(
        error(&[(0.0, f64::NAN, 99, 0.5)]),
        EvaluationError::Input(InputError {
            row: 0,
            kind: InputErrorKind::Detection { .. },
            ..
        })
    ));

    let none = DetectionSet::new();
    let error = |truth: &[Recording], thresholds: &[f64]| {
        evaluate(truth, &none, &config(thresholds, TriDet)).unwrap_err()
    };
    assert_eq!(error(&truth, &[]), EvaluationError::NoThresholds);
    assert_eq!(
        error(&truth, &[0.5, 1.5]).to_string(),
        "tIoU threshold 1 is 1.5, must be between 0 and 1"
    );
    assert!(matches!(
        error(&truth, &[f64::NAN]),
        EvaluationError::Threshold { index: 0, .. }
    ));
    assert_eq!(error(&[], &[0.5]), EvaluationError::NoRecordings);
    assert_eq!(
        error(
            &[recording("a", &[(1.0, 1.0, 0)]), recording("b", &[])],
            &[0.5]
        ),
        EvaluationError::NoGroundTruth { num_recordings: 2 }
    );
    let recording_a = || recording("a", &[(0.0, 1.0, 0)]);
    assert_eq!(
        error(&[recording_a(), recording("b", &[]), recording_a()], &[0.5]).to_string(),
        "recording \"a\" is twice in the ground truth; ids must be unique"
    );
    assert_eq!(
        error(&[recording("a", &[(0.0, 1.0, 0), (2.0, 1.0, 0)])], &[0.5]).to_string(),
        "annotation 1 of recording \"a\" goes from 2 to 1; both ends and the length must be finite and start <= end"
    );
}

#[test]
fn results_are_written_and_read_as_json() {
    let rows = [(0.0, 1.0, 3, 0.9)];
    let result = single(&[(0.0, 1.0, 3), (5.0, 9.0, 3)], &rows, &[0.5], TriDet);
    let json = serde_json::to_value(&result).unwrap();
    let expected = serde_json::json!({
        "dialect": "tridet",
        "tiou_thresholds": [0.5],
        "average_map": 0.5,
        "map": [0.5],
        "classes": [{"label": 3, "num_ground_truth": 2, "num_detections": 1, "ap": [0.5]}],
        "counts": {
            "num_recordings": 1,
            "num_blocked_recordings": 0,
            "num_ground_truth": 2,
            "num_removed_ground_truth": 0,
            "num_ambiguous_ground_truth": 0,
            "num_detections": 1,
            "num_blocked_detections": 0,
            "num_ignored_detections": 0,
            "num_unmatched_recording_detections": 0,
        },
    });
    assert_eq!(json, expected);
    assert_eq!(serde_json::from_value::<Evaluation>(json).unwrap(), result);
}
