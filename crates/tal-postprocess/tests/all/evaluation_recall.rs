//! Precision-recall curves, Recall@k× and AR@AN, worked out by hand.

use approx::assert_relative_eq;
use tal_core::DetectionSet;
use tal_core::config::EvaluationDialect::{ActivityNet, Clean};
use tal_postprocess::{Matching, average_recall};

use crate::evaluation_cases::{config, recording};
use crate::support::found;

#[test]
fn a_curve_has_a_point_per_detection() {
    let truth = [recording("a", &[(0.0, 10.0, 3), (20.0, 30.0, 3)])];
    let rows = [
        (0.0, 10.0, 3, 0.9),
        (50.0, 60.0, 3, 0.8),
        (20.0, 26.0, 3, 0.7), // 0.6
        (50.0, 60.0, 3, 0.6),
    ];
    let detections = DetectionSet::from([found("a", &rows)]);
    let rules = config(&[0.5, 0.75], Clean);
    let comparison = Matching::new(&truth, &detections, &rules, None).unwrap();
    let all = comparison.precision_recall();
    assert_eq!(
        (all.len(), all[0].label, all[0].num_ground_truth),
        (1, 3, 2)
    );
    let curve = &all[0].curves[0];
    assert_eq!(curve.tiou_threshold, 0.5);
    assert_eq!(curve.score, [0.9, 0.8, 0.7, 0.6]);
    assert_eq!(curve.precision, [1.0, 0.5, 2.0 / 3.0, 0.5]);
    assert_eq!(curve.envelope, [1.0, 2.0 / 3.0, 2.0 / 3.0, 0.5]);
    assert_eq!(curve.recall, [0.5, 0.5, 1.0, 1.0]);
    assert_eq!(all[0].curves[1].recall, [0.5; 4]);
    assert_relative_eq!(comparison.evaluation().map[0], 0.5 + 0.5 * 2.0 / 3.0);
}

#[test]
fn recall_takes_as_many_detections_as_there_are_annotations() {
    let truth = [
        recording("a", &[(0.0, 10.0, 0), (20.0, 30.0, 0), (0.0, 10.0, 1)]),
        recording("b", &[(0.0, 10.0, 0)]),
        recording("c", &[]),
    ];
    let detections = DetectionSet::from([
        // Twice the first annotation, then the second: two of them for k = 1.
        found(
            "a",
            &[
                (20.0, 30.0, 0, 0.7),
                (0.0, 10.0, 0, 0.9),
                (0.0, 9.0, 0, 0.8),
            ],
        ),
        // The first finds it only at the lower threshold.
        found("b", &[(0.0, 5.0, 0, 0.2), (0.0, 10.0, 0, 0.1)]),
        found("c", &[(0.0, 10.0, 0, 0.99)]),
    ]);
    let rules = config(&[0.5, 0.75], Clean);
    let comparison = Matching::new(&truth, &detections, &rules, None).unwrap();
    let recall = comparison.recall_at(&[1, 2, 0]);
    assert_eq!(recall.k, [1, 2, 0]);
    assert_eq!(
        recall.classes[0].recall,
        [[2.0 / 3.0, 1.0, 0.0], [1.0 / 3.0, 1.0, 0.0]]
    );
    // Class 1 has no detections.
    assert_eq!(recall.classes[1].recall, [[0.0; 3]; 2]);
    assert_eq!(
        recall.recall,
        [[1.0 / 3.0, 0.5, 0.0], [1.0 / 6.0, 0.5, 0.0]]
    );
}

#[test]
fn one_detection_may_find_two_annotations() {
    let truth = [recording("a", &[(0.0, 10.0, 0), (1.0, 10.0, 0)])];
    let rows = [(0.0, 10.0, 0, 0.9), (50.0, 60.0, 0, 0.8)];
    let detections = DetectionSet::from([found("a", &rows)]);
    let rules = config(&[0.5], Clean);
    let comparison = Matching::new(&truth, &detections, &rules, None).unwrap();
    assert_eq!(comparison.recall_at(&[1]).recall, [[1.0]]);
    assert_eq!(comparison.evaluation().map, [0.5]);
}

#[test]
fn perfect_proposals_have_an_area_of_099() {
    // One proposal per recording, one of its own class and one of another, and a recording without annotations.
    let truth = [
        recording("a", &[(0.0, 10.0, 0)]),
        recording("b", &[(5.0, 9.0, 1)]),
        recording("c", &[]),
    ];
    let detections = DetectionSet::from([
        found("a", &[(0.0, 10.0, 0, 0.9)]),
        found("b", &[(5.0, 9.0, 7, 0.1)]),
    ]);
    for dialect in [ActivityNet, Clean] {
        let result = average_recall(
            &truth,
            &detections,
            &config(&[0.5, 0.95], dialect),
            None,
            100,
        )
        .unwrap();
        // 100 per recording are asked for, one is there: from 1 on all are taken.
        assert_eq!(result.average_recall, [1.0; 100]);
        assert_eq!(result.recall, [[1.0; 100]; 2]);
        assert_relative_eq!(result.num_proposals[0], 1.0);
        assert_relative_eq!(result.num_proposals[99], 100.0);
        assert_relative_eq!(result.area, 0.99);
    }
}

#[test]
fn proposals_are_taken_by_score_and_share() {
    // Four proposals in a, of which the second finds the annotation at 0.5 and the fourth at 0.8; none in b.
    let truth = [
        recording("a", &[(0.0, 10.0, 0)]),
        recording("b", &[(5.0, 9.0, 0)]),
    ];
    let rows = [
        (0.0, 10.0, 0, 0.1),
        (50.0, 60.0, 0, 0.9),
        (50.0, 60.0, 0, 0.2),
        (0.0, 6.0, 1, 0.8),
    ];
    let detections = DetectionSet::from([found("a", &rows)]);
    let rules = config(&[0.5, 0.8], Clean);
    let result = average_recall(&truth, &detections, &rules, None, 2).unwrap();
    // All four are kept (two per recording on average); at point j a share of j/100 of them is taken, rounded down.
    assert_eq!(result.recall[0][48], 0.0);
    assert_eq!(result.recall[0][49], 0.5);
    assert_eq!(result.recall[1][98], 0.0);
    assert_eq!(result.recall[1][99], 0.5);
    assert_eq!(result.average_recall[49], 0.25);
    assert_relative_eq!(result.num_proposals[49], 1.0);
    // 0.25 from AN 1 to 2 but for the last step to 0.5, and one step up from 0: per cent of the largest AN.
    assert_relative_eq!(result.area, (0.125 + 49.0 * 0.25 + 0.375) / 100.0);
    let nothing = average_recall(&truth, &DetectionSet::new(), &rules, None, 100).unwrap();
    assert_eq!((nothing.area, nothing.average_recall[99]), (0.0, 0.0));
}
