//! Results of each dialect for the same small input, worked out by hand; blocked recordings and the ambiguous class.

use tal_core::config::EvaluationDialect;
use tal_core::{ClassMap, DetectionSet};
use tal_postprocess::{DetectionColumns, Evaluation, EvaluationError, evaluate, evaluate_with};

use EvaluationDialect::{ActionFormer, ActivityNet, Clean, OpenTad, TriDet};

use crate::evaluation_cases::{config, recording};
use crate::support::found;

fn single(
    instances: &[(f64, f64, u32)],
    rows: &[(f64, f64, u32, f64)],
    dialect: EvaluationDialect,
) -> Result<Evaluation, EvaluationError> {
    let detections = DetectionSet::from([found("a", rows)]);
    evaluate(
        &[recording("a", instances)],
        &detections,
        &config(&[0.5], dialect),
    )
}

#[test]
fn duplicate_and_short_annotations() {
    let num = |instances: &[(f64, f64, u32)]| {
        EvaluationDialect::ALL.map(|dialect| {
            let all = [instances, &[(50.0, 60.0, 0)]].concat();
            single(&all, &[], dialect).unwrap().classes[0].num_ground_truth - 1
        })
    };
    // activitynet, actionformer, tridet, opentad, clean
    assert_eq!(num(&[(0.0, 9.0, 0), (0.000_9, 9.0, 0)]), [2, 1, 1, 1, 1]);
    assert_eq!(num(&[(0.0, 9.0, 0), (0.001_1, 9.0, 0)]), [2, 2, 2, 2, 2]);
    assert_eq!(num(&[(4.0, 4.0, 0)]), [1, 0, 0, 0, 0]);
    assert_eq!(num(&[(0.0, 0.000_9, 0)]), [1, 0, 1, 1, 1]);
    assert_eq!(num(&[(0.0, 0.001, 0)]), [1, 1, 1, 1, 1]);
    // The empty one hides the next only if it is dropped last.
    assert_eq!(num(&[(0.0, 0.0, 0), (0.0, 0.001, 0)]), [2, 1, 0, 1, 1]);
}

#[test]
fn a_predicted_class_that_the_ground_truth_lacks() {
    let truth = [(0.0, 1.0, 3), (0.0, 1.0, 7)];
    let rows = [(0.0, 1.0, 3, 0.5), (0.0, 1.0, 7, 0.5), (5.0, 6.0, 1, 0.9)];
    assert_eq!(
        single(&truth, &rows, ActivityNet).unwrap_err().to_string(),
        "detection 2 of recording \"a\" has the class id 1, which no annotation has; only the dialect activitynet \
         refuses that"
    );
    for dialect in [ActionFormer, TriDet] {
        // 1 is the rank of class 7.
        let result = single(&truth, &rows, dialect).unwrap();
        assert_eq!(result.class(7).unwrap().ap, [0.5]);
    }
    for dialect in [OpenTad, Clean] {
        let result = single(&truth, &rows, dialect).unwrap();
        assert_eq!(result.map, [1.0]);
        assert_eq!(result.counts.num_ignored_detections, 1);
    }
}

#[test]
fn a_class_that_loses_its_annotations() {
    // Class 5 has only an empty annotation, so the rank of class 7 is 2 or 1.
    let truth = [(0.0, 1.0, 3), (2.0, 2.0, 5), (0.0, 1.0, 7)];
    let labels = |dialect| -> Vec<u32> {
        let result = single(&truth, &[], dialect).unwrap();
        result.classes.iter().map(|class| class.label).collect()
    };
    assert_eq!(labels(ActivityNet), [3, 5, 7]);
    for dialect in [ActionFormer, TriDet, OpenTad, Clean] {
        assert_eq!(labels(dialect), [3, 7]);
    }
    let with = |id, dialect| {
        let rows = [(5.0, 6.0, id, 0.9), (0.0, 1.0, 7, 0.5)];
        single(&truth, &rows, dialect).unwrap().class(7).unwrap().ap[0]
    };
    assert_eq!((with(1, TriDet), with(2, TriDet)), (1.0, 0.5));
    assert_eq!((with(1, ActionFormer), with(2, ActionFormer)), (0.5, 1.0));
}

#[test]
fn nothing_over_nothing_is_a_match_without_a_least_union() {
    // Wherever in the recording it is, and before an exact match.
    let truth = [(4.0, 4.0, 0), (0.0, 9.0, 0)];
    let result = single(
        &truth,
        &[(2.0, 2.0, 0, 0.9), (0.0, 9.0, 0, 0.8)],
        ActivityNet,
    );
    assert_eq!(result.unwrap().map, [1.0]);
    // Others have dropped the empty annotation and count the empty detection as wrong.
    for dialect in [ActionFormer, TriDet, OpenTad, Clean] {
        let result = single(&truth, &[(2.0, 2.0, 0, 0.9), (0.0, 9.0, 0, 0.8)], dialect);
        assert_eq!(result.unwrap().map, [0.5]);
    }
    // Of two at 0/0 the later goes first: the second detection is left with the earlier.
    let truth = [(4.0, 4.0, 0), (5.0, 5.0, 0)];
    let rows = [(1.0, 1.0, 0, 0.9), (2.0, 2.0, 0, 0.8), (3.0, 3.0, 0, 0.7)];
    let result = single(&truth, &rows, ActivityNet).unwrap();
    assert_eq!(result.map, [1.0]);
}

#[test]
fn ties_are_ours_in_one_dialect() {
    let rows = [(0.0, 9.0, 0, 0.5), (20.0, 30.0, 0, 0.5)];
    for dialect in EvaluationDialect::ALL {
        let map = single(&[(0.0, 9.0, 0)], &rows, dialect).unwrap().map;
        assert_eq!(map, [if dialect == Clean { 1.0 } else { 0.5 }]);
    }
}

#[test]
fn blocked_recordings_count_with_nothing() {
    let truth = [
        recording("a", &[(0.0, 1.0, 0)]),
        recording("b", &[(0.0, 1.0, 0), (3.0, 4.0, 1)]),
    ];
    let mut rules = config(&[0.5], Clean);
    rules.blocked = vec!["b".to_owned(), "elsewhere".to_owned()];
    let detections = DetectionSet::from([
        found("a", &[(0.0, 1.0, 0, 0.5)]),
        found("b", &[(5.0, 6.0, 0, 0.9), (5.0, f64::NAN, 0, 0.9)]),
        found("elsewhere", &[(5.0, 6.0, 0, 0.9)]),
    ]);
    let result = evaluate(&truth, &detections, &rules).unwrap();
    assert_eq!(result.map, [1.0]);
    let counts = result.counts;
    assert_eq!(
        (counts.num_recordings, counts.num_blocked_recordings),
        (1, 1)
    );
    assert_eq!(
        (counts.num_detections, counts.num_blocked_detections),
        (1, 3)
    );
    assert_eq!(
        (counts.num_ground_truth, counts.num_removed_ground_truth),
        (1, 0)
    );
    assert_eq!(counts.num_unmatched_recording_detections, 0);
    rules.blocked.push("a".to_owned());
    assert_eq!(
        evaluate(&truth, &detections, &rules)
            .unwrap_err()
            .to_string(),
        "all 2 recordings are blocked, so there is nothing to evaluate"
    );
}

#[test]
fn what_overlaps_an_ambiguous_annotation_is_no_false_positive() {
    let classes = ClassMap::from_names(["Diving", "Ambiguous", "Billiards"]).unwrap();
    let truth = [
        recording("a", &[(0.0, 10.0, 0), (20.0, 30.0, 1), (0.0, 5.0, 2)]),
        recording("b", &[]),
    ];
    let detections = DetectionSet::from([
        found(
            "a",
            &[
                (29.9, 50.0, 0, 0.9), // overlaps a little: does not count
                (10.0, 20.0, 0, 0.8), // touches: wrong
                (0.0, 10.0, 0, 0.7),  // right
                (20.0, 30.0, 1, 0.6), // of the ambiguous class: ignored
            ],
        ),
        // Another recording's annotations do not help.
        found("b", &[(20.0, 30.0, 0, 0.75)]),
    ]);
    let mut rules = config(&[0.5], Clean);
    rules.ambiguous_class = Some("Ambiguous".to_owned());
    for dialect in EvaluationDialect::ALL {
        rules.dialect = dialect;
        let result = evaluate_with(&truth, &detections, &rules, &classes).unwrap();
        let labels: Vec<u32> = result.classes.iter().map(|class| class.label).collect();
        assert_eq!(labels, [0, 2]);
        assert_eq!(result.class(0).unwrap().ap, [1.0 / 3.0]);
        assert_eq!(result.counts.num_ambiguous_ground_truth, 1);
        assert_eq!(result.counts.num_ground_truth, 2);
        assert_eq!(result.counts.num_ignored_detections, 1);
    }
    // A true positive stays one even if it overlaps.
    let overlapping = [recording("a", &[(0.0, 10.0, 0), (5.0, 8.0, 1)])];
    let right = DetectionSet::from([found("a", &[(0.0, 10.0, 0, 0.9)])]);
    let result = evaluate_with(&overlapping, &right, &rules, &classes).unwrap();
    assert_eq!(result.map, [1.0]);
    // As a class like others it is one of three, and three of the first class' detections are wrong.
    rules.ambiguous_class = None;
    let result = evaluate_with(&truth, &detections, &rules, &classes).unwrap();
    assert_eq!(result.classes.len(), 3);
    assert_eq!(result.class(0).unwrap().ap, [0.25]);
}

#[test]
fn an_ambiguous_class_must_be_known() {
    let truth = [recording("a", &[(0.0, 10.0, 0)])];
    let mut rules = config(&[0.5], Clean);
    rules.ambiguous_class = Some("ambigous".to_owned());
    let none = DetectionSet::new();
    let classes = ClassMap::from_names(["Diving", "Ambiguous"]).unwrap();
    assert_eq!(
        evaluate_with(&truth, &none, &rules, &classes)
            .unwrap_err()
            .to_string(),
        "ambiguous_class is \"ambigous\", which is not a class of the ground truth; its classes are Diving, Ambiguous; did you mean \"Ambiguous\"?"
    );
    assert_eq!(
        evaluate(&truth, &none, &rules).unwrap_err().to_string(),
        "ambiguous_class is \"ambigous\", but no class names were given to look it up"
    );
}

#[test]
fn columns_are_checked() {
    let truth = [recording("b", &[(0.0, 1.0, 0)]), recording("a", &[])];
    let rules = config(&[0.5], Clean);
    let good = DetectionColumns {
        recording: &[0, 1],
        start: &[0.0, 0.0],
        end: &[1.0, 1.0],
        score: &[0.5, 0.4],
        label: &[0, 0],
    };
    let error = |columns| evaluate(&truth, columns, &rules).unwrap_err().to_string();
    // Index 0 is the first that was given, not the first by id.
    assert_eq!(evaluate(&truth, good, &rules).unwrap().map, [1.0]);
    assert_eq!(
        error(DetectionColumns {
            score: &[0.5],
            ..good
        }),
        "column score has 1 rows, column recording has 2; all must have the same number"
    );
    assert_eq!(
        error(DetectionColumns {
            recording: &[0, 2],
            ..good
        }),
        "detection 1 is of recording 2, but there are only 2 recordings, counted from 0"
    );
    assert_eq!(
        error(DetectionColumns {
            score: &[0.5, f64::NAN],
            ..good
        }),
        "detection 1 of recording \"a\" has the score NaN, must be a number"
    );
    assert_eq!(
        error(DetectionColumns {
            end: &[-1.0, 1.0],
            ..good
        }),
        "detection 0 of recording \"b\" goes from 0 to -1; both ends and the length must be finite and start <= end"
    );
    assert!(!good.is_empty());
    assert_eq!(good.len(), 2);
}
