//! Properties of mAP for any detections.

use proptest::prelude::*;
use tal_core::config::{EvaluationConfig, EvaluationDialect};
use tal_core::{ClassMap, DetectionSet, Recording};
use tal_postprocess::{
    DetectionColumns, EvaluationError, InputErrorKind, Matching, evaluate, evaluate_with,
};

use crate::evaluation_cases::{config, recording};
use crate::evaluation_reference::{instances, plain_map};
use crate::support::{self, found};

const THRESHOLDS: [f64; 4] = [0.1, 0.3, 0.5, 0.75];
const LABELS: [u32; 4] = [1, 2, 5, 9];

type Truth = Vec<Recording>;

/// Five recordings on a coarse grid: overlaps, duplicates, short and empty segments, equal scores and equal overlaps are
/// frequent. Detections also come with classes and in a recording that the ground truth lacks.
fn problem() -> impl Strategy<Value = (Truth, DetectionSet)> {
    let length = prop::sample::select(vec![0.0, 0.000_6, 1.0, 2.0, 3.0]);
    let shift = prop::sample::select(vec![0.0, 0.0, 0.000_8, 0.001_5]);
    let instance = (0..8u8, shift, length, prop::sample::select(LABELS.to_vec()));
    let truth = prop::collection::vec(prop::collection::vec(instance, 0..6), 4).prop_map(|all| {
        let mut truth: Truth = all
            .into_iter()
            .enumerate()
            .map(|(number, rows)| {
                let rows: Vec<_> = rows
                    .into_iter()
                    .map(|(start, shift, length, label)| {
                        let start = f64::from(start) + shift;
                        (start, start + length, label)
                    })
                    .collect();
                recording(&format!("r{number}"), &rows)
            })
            .collect();
        // There is always something to find.
        truth.push(recording("r4", &[(0.0, 3.0, 2)]));
        truth
    });
    let detection = (0..16u8, 0..8u8, 0..10u32, 0..12u8);
    (truth, support::detections(detection, 0..12, 6))
}

fn dialect() -> impl Strategy<Value = EvaluationDialect> {
    prop::sample::select(EvaluationDialect::ALL.to_vec())
}

/// Names `c0` to `c9`.
fn names() -> ClassMap {
    ClassMap::from_names((0..10).map(|id| format!("c{id}"))).unwrap()
}

/// Removes detections of classes without ground truth if the dialect refuses them.
fn acceptable(truth: &Truth, detections: &mut DetectionSet, rules: &EvaluationConfig) {
    if rules.dialect == EvaluationDialect::ActivityNet {
        let (_, labels) = instances(truth, rules, None);
        for rows in detections.values_mut() {
            rows.retain(|row| labels.contains(&row.label));
        }
    }
}

/// Gives every detection a score of its own.
fn distinct_scores(detections: &mut DetectionSet) {
    for (number, row) in detections.values_mut().flatten().enumerate() {
        row.score += number as f64 * 1e-6;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_plain_implementation_agrees(
        (truth, mut detections) in problem(),
        dialect in dialect(),
        only_known in any::<bool>(),
        ambiguous in prop::option::of(prop::sample::select(vec![1u32, 5, 9])),
        blocked in prop::sample::subsequence(vec!["r0", "r1", "r5", "elsewhere"], 0..3),
    ) {
        let mut rules = config(&THRESHOLDS, dialect);
        rules.ambiguous_class = ambiguous.map(|label| format!("c{label}"));
        rules.blocked = blocked.into_iter().map(str::to_owned).collect();
        if only_known {
            acceptable(&truth, &mut detections, &rules);
        }
        let ours = evaluate_with(&truth, &detections, &rules, &names());
        let Some(plain) = plain_map(&truth, &detections, &rules, ambiguous) else {
            let refused = matches!(
                &ours,
                Err(EvaluationError::Input(error)) if matches!(error.kind, InputErrorKind::UnknownClass { .. })
            );
            prop_assert!(refused, "{ours:?}");
            return Ok(());
        };
        let ours = ours.unwrap();
        prop_assert_eq!(ours.classes.len(), plain.len());
        for (class, (label, ap)) in ours.classes.iter().zip(&plain) {
            prop_assert_eq!(class.label, *label);
            for (ours, plain) in class.ap.iter().zip(ap) {
                prop_assert!((ours - plain).abs() < 1e-12, "class {}: {} and {}", label, ours, plain);
            }
        }
        for (t, map) in ours.map.iter().enumerate() {
            let mean = plain.iter().map(|(_, ap)| ap[t]).sum::<f64>() / plain.len() as f64;
            prop_assert!((map - mean).abs() < 1e-12);
        }
        // What was counted adds up to what was given.
        let counts = ours.counts;
        let sum: usize = ours.classes.iter().map(|class| class.num_detections).sum();
        prop_assert_eq!(sum + counts.num_ignored_detections, counts.num_detections);
        let given: usize = detections.values().map(Vec::len).sum();
        prop_assert_eq!(counts.num_detections + counts.num_blocked_detections, given);
        let sum: usize = ours.classes.iter().map(|class| class.num_ground_truth).sum();
        prop_assert_eq!(sum, counts.num_ground_truth);
        let given: usize = truth
            .iter()
            .filter(|recording| !rules.blocked.contains(&recording.id))
            .map(|recording| recording.instances.len())
            .sum();
        let sum = counts.num_ground_truth
            + counts.num_removed_ground_truth
            + counts.num_ambiguous_ground_truth;
        prop_assert_eq!(sum, given);
        prop_assert_eq!(counts.num_recordings + counts.num_blocked_recordings, truth.len());
    }

    #[test]
    fn values_are_fractions_and_curves_have_the_area_of_ap(
        (truth, mut detections) in problem(), dialect in dialect(),
    ) {
        let rules = config(&THRESHOLDS, dialect);
        acceptable(&truth, &mut detections, &rules);
        let comparison = Matching::new(&truth, &detections, &rules, None).unwrap();
        let result = comparison.evaluation();
        let all = result.classes.iter().flat_map(|class| &class.ap).chain(&result.map);
        for value in all.chain([&result.average_map]) {
            prop_assert!((0.0..=1.0 + 1e-12).contains(value));
        }
        let curves = comparison.precision_recall();
        prop_assert_eq!(curves.len(), result.classes.len());
        for (class, curves) in result.classes.iter().zip(&curves) {
            prop_assert_eq!(class.label, curves.label);
            for (ap, curve) in class.ap.iter().zip(&curves.curves) {
                prop_assert!(curve.score.is_sorted_by(|a, b| a >= b));
                prop_assert!(curve.recall.is_sorted());
                prop_assert!(curve.envelope.is_sorted_by(|a, b| a >= b));
                let before = [0.0].iter().chain(&curve.recall);
                let area: f64 = before
                    .zip(&curve.recall)
                    .zip(&curve.envelope)
                    .map(|((before, recall), precision)| (recall - before) * precision)
                    .sum();
                prop_assert!((ap - area).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn columns_give_the_same_as_rows_by_recording(
        (truth, mut detections) in problem(),
        dialect in dialect(),
        order in any::<u64>(),
        is_blocked in any::<bool>(),
    ) {
        let mut rules = config(&THRESHOLDS, dialect);
        if is_blocked {
            rules.blocked.push("r1".to_owned());
        }
        acceptable(&truth, &mut detections, &rules);
        let mut detections: DetectionSet =
            detections.into_iter().filter(|(id, _)| id != "r5").collect();
        // Recordings in another order, and rows that go back and forth between them.
        let mut given = truth.clone();
        given.rotate_left(order as usize % 5);
        let mut columns = (vec![], vec![], vec![], vec![], vec![]);
        let longest = detections.values().map(Vec::len).max().unwrap_or(0);
        let mut alternating = DetectionSet::new();
        for row in 0..longest {
            for (index, recording) in given.iter().enumerate() {
                if let Some(d) = detections.get(&recording.id).and_then(|rows| rows.get(row)) {
                    columns.0.push(index as u32);
                    columns.1.push(d.segment.start);
                    columns.2.push(d.segment.end);
                    columns.3.push(d.score);
                    columns.4.push(d.label);
                    alternating.push(&recording.id, *d);
                }
            }
        }
        let columns = DetectionColumns {
            recording: &columns.0,
            start: &columns.1,
            end: &columns.2,
            score: &columns.3,
            label: &columns.4,
        };
        let from_columns = evaluate(&given, columns, &rules).unwrap();
        let from_rows = evaluate(&truth, &alternating, &rules).unwrap();
        prop_assert_eq!(&from_columns, &from_rows);
        // Without equal scores the order of the rows does not matter.
        distinct_scores(&mut detections);
        let mut distinct = DetectionSet::new();
        for row in 0..longest {
            for recording in &given {
                if let Some(d) = detections.get(&recording.id).and_then(|rows| rows.get(row)) {
                    distinct.push(&recording.id, *d);
                }
            }
        }
        prop_assert_eq!(
            evaluate(&truth, &distinct, &rules).unwrap(),
            evaluate(&truth, &detections, &rules).unwrap()
        );
    }

    #[test]
    fn perfect_detections_give_one((truth, _) in problem(), dialect in dialect()) {
        let rules = config(&[0.1, 0.5, 1.0], dialect);
        let mut detections = DetectionSet::new();
        for (id, segment, label) in instances(&truth, &rules, None).0 {
            let (id, rows) = found(id, &[(segment.start, segment.end, label, 0.7)]);
            detections.push(&id, rows[0]);
        }
        let result = evaluate(&truth, &detections, &rules).unwrap();
        prop_assert!((result.average_map - 1.0).abs() < 1e-12);
        prop_assert!(result.classes.iter().flat_map(|c| &c.ap).all(|ap| (ap - 1.0).abs() < 1e-12));
    }

    /// The detections ranked before it keep their precision and recall, whatever it finds. AP cannot fall, and stays if the
    /// detection finds nothing.
    #[test]
    fn a_detection_with_the_lowest_score_leaves_earlier_ranks_alone(
        (truth, mut detections) in problem(),
        dialect in dialect(),
        recording in 0..6u8,
        start in 0..16u8,
        length in 0..8u8,
    ) {
        let rules = config(&THRESHOLDS, dialect);
        acceptable(&truth, &mut detections, &rules);
        let before = Matching::new(&truth, &detections, &rules, None).unwrap();
        let start = f64::from(start) / 2.0;
        let row = (start, start + f64::from(length) / 2.0, 2, -1.0);
        let (id, rows) = found(&format!("r{recording}"), &[row]);
        detections.push(&id, rows[0]);
        let after = Matching::new(&truth, &detections, &rules, None).unwrap();
        for (old, new) in before.precision_recall().iter().zip(after.precision_recall()) {
            for (old, new) in old.curves.iter().zip(&new.curves) {
                let num = old.score.len();
                prop_assert_eq!(&new.score[..num], &old.score[..]);
                prop_assert_eq!(&new.precision[..num], &old.precision[..]);
                prop_assert_eq!(&new.recall[..num], &old.recall[..]);
            }
        }
        let (before, after) = (before.evaluation(), after.evaluation());
        let curves = Matching::new(&truth, &detections, &rules, None).unwrap().precision_recall();
        for ((old, new), curves) in before.classes.iter().zip(&after.classes).zip(&curves) {
            for (t, curve) in curves.curves.iter().enumerate() {
                prop_assert!(new.ap[t] >= old.ap[t]);
                let found_nothing = match curve.recall.as_slice() {
                    [.., before, last] => before == last,
                    [only] => *only == 0.0,
                    [] => true,
                };
                if old.label != 2 || found_nothing {
                    prop_assert_eq!(new.ap[t], old.ap[t]);
                }
            }
        }
    }

    #[test]
    fn a_highest_scored_false_positive_never_helps(
        (truth, mut detections) in problem(), dialect in dialect(),
    ) {
        let rules = config(&THRESHOLDS, dialect);
        acceptable(&truth, &mut detections, &rules);
        let before = evaluate(&truth, &detections, &rules).unwrap();
        let (id, wrong) = found("r0", &[(900.0, 901.0, 2, 9.0)]);
        detections.push(&id, wrong[0]);
        let after = evaluate(&truth, &detections, &rules).unwrap();
        for t in 0..THRESHOLDS.len() {
            let (before, after) = (before.class(2).unwrap().ap[t], after.class(2).unwrap().ap[t]);
            prop_assert!(after < before || (before == 0.0 && after == 0.0));
        }
    }

    /// Equal scores are ordered by position in the recording, so only the order of recordings is free.
    #[test]
    fn the_order_of_recordings_never_matters(
        (truth, mut detections) in problem(), dialect in dialect(),
    ) {
        let rules = config(&THRESHOLDS, dialect);
        acceptable(&truth, &mut detections, &rules);
        let before = evaluate(&truth, &detections, &rules).unwrap();
        prop_assert_eq!(evaluate(truth.iter().rev(), &detections, &rules).unwrap(), before);
    }

    #[test]
    fn without_equal_scores_the_order_of_the_input_does_not_matter(
        (truth, mut detections) in problem(), dialect in dialect(),
    ) {
        distinct_scores(&mut detections);
        let rules = config(&THRESHOLDS, dialect);
        acceptable(&truth, &mut detections, &rules);
        let before = evaluate(&truth, &detections, &rules).unwrap();
        for rows in detections.values_mut() {
            rows.reverse();
        }
        let after = evaluate(truth.iter().rev(), &detections, &rules).unwrap();
        prop_assert_eq!(after, before);
    }

    #[test]
    fn permuted_class_ids_permute_the_results(
        (mut truth, mut detections) in problem(),
        order in Just(LABELS).prop_shuffle(),
        dialect in dialect(),
    ) {
        let rules = config(&THRESHOLDS, dialect);
        // Ids that are no class are read as ranks by some dialects; ranks do not follow a permutation.
        let (_, known) = instances(&truth, &rules, None);
        for rows in detections.values_mut() {
            rows.retain(|row| known.contains(&row.label));
        }
        let before = evaluate(&truth, &detections, &rules).unwrap();
        let renamed = |label: u32| match LABELS.iter().position(|l| *l == label) {
            Some(position) => order[position],
            None => label,
        };
        for instance in truth.iter_mut().flat_map(|recording| &mut recording.instances) {
            instance.label = renamed(instance.label);
        }
        for row in detections.values_mut().flatten() {
            row.label = renamed(row.label);
        }
        let after = evaluate(&truth, &detections, &rules).unwrap();
        prop_assert_eq!(before.classes.len(), after.classes.len());
        for class in &before.classes {
            prop_assert_eq!(&after.class(renamed(class.label)).unwrap().ap, &class.ap);
        }
    }

    /// Near-linear removal of duplicates keeps what comparing each with each would keep, also far from zero.
    #[test]
    fn duplicates_are_those_of_the_plain_rule(
        rows in prop::collection::vec((0..40u32, 0..40u32, 0..2u32), 1..60),
        offset in prop::sample::select(vec![0.0, 1e3, 123_456.789, 1e9]),
    ) {
        let rows: Vec<_> = rows
            .into_iter()
            .map(|(from, to, label)| {
                let start = offset + f64::from(from) * 2.5e-4;
                (start, offset + 1.0 + f64::from(to) * 2.5e-4, label)
            })
            .collect();
        let truth = vec![recording("a", &rows)];
        for dialect in EvaluationDialect::ALL {
            let rules = config(&[0.5], dialect);
            let (kept, _) = instances(&truth, &rules, None);
            let result = evaluate(&truth, &DetectionSet::new(), &rules).unwrap();
            prop_assert_eq!(result.counts.num_ground_truth, kept.len());
        }
    }
}
