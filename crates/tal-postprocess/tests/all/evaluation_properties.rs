//! What holds for mAP of any detections, and a second implementation written for clarity.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tal_core::config::EvaluationDialect;
use tal_core::{Detection, DetectionSet, Recording, Segment};
use tal_postprocess::evaluate;

use crate::evaluation_cases::{config, found, recording};

const THRESHOLDS: [f64; 4] = [0.1, 0.3, 0.5, 0.75];

type Truth = Vec<Recording>;

/// Four recordings on a coarse grid: overlaps, duplicates, empty segments, equal scores and equal overlaps are frequent.
/// Detections also come with classes and in a recording that the ground truth lacks.
fn problem() -> impl Strategy<Value = (Truth, DetectionSet)> {
    let label = prop::sample::select(vec![1u32, 2, 5, 9]);
    let instance = (0..8u8, 0..4u8, label);
    let truth = prop::collection::vec(prop::collection::vec(instance, 0..6), 4).prop_map(|all| {
        let mut truth: Truth = all
            .into_iter()
            .enumerate()
            .map(|(number, rows)| {
                let rows: Vec<_> = rows
                    .into_iter()
                    .map(|(start, length, label)| {
                        (f64::from(start), f64::from(start + length), label)
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
    let detections = prop::collection::vec(prop::collection::vec(detection, 0..12), 6);
    (truth, detections).prop_map(|(truth, all)| {
        let detections = all
            .into_iter()
            .enumerate()
            .map(|(number, rows)| {
                let rows: Vec<_> = rows
                    .into_iter()
                    .map(|(start, length, label, score)| {
                        let start = f64::from(start) / 2.0;
                        let end = start + f64::from(length) / 2.0;
                        (start, end, label, f64::from(score) / 12.0)
                    })
                    .collect();
                found(&format!("r{number}"), &rows)
            })
            .collect();
        (truth, detections)
    })
}

fn dialect() -> impl Strategy<Value = EvaluationDialect> {
    prop::sample::select(vec![EvaluationDialect::Tridet, EvaluationDialect::Clean])
}

/// Gives every detection a score of its own.
fn distinct_scores(detections: &mut DetectionSet) {
    for (number, row) in detections.values_mut().flatten().enumerate() {
        row.score += number as f64 * 1e-6;
    }
}

/// AP per class and threshold, rule by rule and without any thought of speed.
fn plain_map(
    truth: &Truth,
    detections: &DetectionSet,
    dialect: EvaluationDialect,
) -> Vec<(u32, Vec<f64>)> {
    let released = dialect == EvaluationDialect::Tridet;
    let mut instances: Vec<(&str, Segment, u32)> = Vec::new();
    for recording in truth {
        let mut kept: Vec<(&str, Segment, u32)> = Vec::new();
        for instance in &recording.instances {
            let Segment { start, end } = instance.segment;
            if !released && end <= start {
                continue;
            }
            let twice = kept.iter().any(|(_, other, label)| {
                *label == instance.label
                    && (other.start - start).abs() <= 1e-3
                    && (other.end - end).abs() <= 1e-3
            });
            if !twice {
                kept.push((&recording.id, instance.segment, instance.label));
            }
        }
        instances.extend(kept);
    }
    let table: Vec<u32> = instances
        .iter()
        .map(|(_, _, label)| *label)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    instances.retain(|(_, segment, _)| segment.start != segment.end);

    let mut result = Vec::new();
    for (rank, class) in table.iter().enumerate() {
        let of_class: Vec<_> = instances.iter().filter(|(_, _, l)| l == class).collect();
        if of_class.is_empty() {
            continue;
        }
        let mut ranked: Vec<(&str, &Detection)> = Vec::new();
        for (id, rows) in detections {
            for row in rows {
                let collides = released && !table.contains(&row.label);
                if row.label == *class || (collides && row.label as usize == rank) {
                    ranked.push((id, row));
                }
            }
        }
        if released {
            ranked.reverse();
        }
        ranked.sort_by(|a, b| b.1.score.partial_cmp(&a.1.score).unwrap());
        let ap = THRESHOLDS
            .iter()
            .map(|threshold| {
                let mut free = vec![true; of_class.len()];
                let mut precision = vec![0.0];
                let mut recall = vec![0.0];
                let mut num_right = 0.0;
                for (index, (id, detection)) in ranked.iter().enumerate() {
                    let mut order: Vec<(usize, f64)> = of_class
                        .iter()
                        .enumerate()
                        .filter(|(_, (recording, _, _))| recording == id)
                        .map(|(position, (_, segment, _))| {
                            (position, segment.tiou(detection.segment))
                        })
                        .collect();
                    if released {
                        order.reverse();
                    }
                    order.sort_by(|a, b| b.1.partial_cmp(&a.1).unwrap());
                    for (position, tiou) in order {
                        if tiou < *threshold {
                            break;
                        }
                        if free[position] {
                            free[position] = false;
                            num_right += 1.0;
                            break;
                        }
                    }
                    precision.push(num_right / (index + 1) as f64);
                    recall.push(num_right / of_class.len() as f64);
                }
                precision.push(0.0);
                recall.push(1.0);
                for i in (0..precision.len() - 1).rev() {
                    precision[i] = f64::max(precision[i], precision[i + 1]);
                }
                (1..recall.len())
                    .map(|i| (recall[i] - recall[i - 1]) * precision[i])
                    .sum()
            })
            .collect();
        result.push((*class, ap));
    }
    result
}

proptest! {
    #[test]
    fn the_plain_implementation_agrees((truth, detections) in problem(), dialect in dialect()) {
        let ours = evaluate(&truth, &detections, &config(&THRESHOLDS, dialect)).unwrap();
        let plain = plain_map(&truth, &detections, dialect);
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
    }

    #[test]
    fn values_are_fractions_and_counts_add_up(
        (truth, detections) in problem(), dialect in dialect(),
    ) {
        let result = evaluate(&truth, &detections, &config(&THRESHOLDS, dialect)).unwrap();
        let all = result.classes.iter().flat_map(|class| &class.ap).chain(&result.map);
        for value in all.chain([&result.average_map]) {
            prop_assert!((0.0..=1.0 + 1e-12).contains(value));
        }
        let counts = result.counts;
        let sum: usize = result.classes.iter().map(|class| class.num_detections).sum();
        prop_assert_eq!(sum + counts.num_ignored_detections, counts.num_detections);
        let sum: usize = result.classes.iter().map(|class| class.num_ground_truth).sum();
        prop_assert_eq!(sum, counts.num_ground_truth);
        let sum: usize = truth.iter().map(|recording| recording.instances.len()).sum();
        prop_assert_eq!(sum, counts.num_ground_truth + counts.num_removed_ground_truth);
    }

    #[test]
    fn perfect_detections_give_one((truth, _) in problem(), dialect in dialect()) {
        let mut detections = DetectionSet::new();
        for recording in &truth {
            let mut rows: Vec<(f64, f64, u32, f64)> = Vec::new();
            for instance in &recording.instances {
                let row = (instance.segment.start, instance.segment.end, instance.label, 0.7);
                // Each place once, as duplicates and empty ones do not count.
                if row.0 < row.1 && !rows.contains(&row) {
                    rows.push(row);
                }
            }
            detections.extend([found(&recording.id, &rows)]);
        }
        let result = evaluate(&truth, &detections, &config(&[0.1, 0.5, 1.0], dialect)).unwrap();
        prop_assert!((result.average_map - 1.0).abs() < 1e-12);
        prop_assert!(result.classes.iter().flat_map(|c| &c.ap).all(|ap| (ap - 1.0).abs() < 1e-12));
    }

    #[test]
    fn a_lowest_scored_false_positive_changes_nothing(
        (truth, mut detections) in problem(), dialect in dialect(), elsewhere in any::<bool>(),
    ) {
        let rules = config(&THRESHOLDS, dialect);
        let before = evaluate(&truth, &detections, &rules).unwrap();
        let id = if elsewhere { "elsewhere" } else { "r0" };
        let (_, wrong) = found(id, &[(900.0, 901.0, 2, -1.0)]);
        detections.entry(id.to_owned()).or_default().extend(wrong);
        let after = evaluate(&truth, &detections, &rules).unwrap();
        prop_assert_eq!(&after.map, &before.map);
        prop_assert_eq!(after.counts.num_detections, before.counts.num_detections + 1);
    }

    #[test]
    fn a_highest_scored_false_positive_never_helps(
        (truth, mut detections) in problem(), dialect in dialect(),
    ) {
        let rules = config(&THRESHOLDS, dialect);
        let before = evaluate(&truth, &detections, &rules).unwrap();
        let (id, wrong) = found("r0", &[(900.0, 901.0, 2, 9.0)]);
        detections.entry(id).or_default().extend(wrong);
        let after = evaluate(&truth, &detections, &rules).unwrap();
        for t in 0..THRESHOLDS.len() {
            let (before, after) = (before.class(2).unwrap().ap[t], after.class(2).unwrap().ap[t]);
            prop_assert!(after < before || (before == 0.0 && after == 0.0));
        }
    }

    #[test]
    fn without_equal_scores_the_order_of_the_input_does_not_matter(
        (truth, mut detections) in problem(), dialect in dialect(),
    ) {
        distinct_scores(&mut detections);
        let rules = config(&THRESHOLDS, dialect);
        let before = evaluate(&truth, &detections, &rules).unwrap();
        for rows in detections.values_mut() {
            rows.reverse();
        }
        let after = evaluate(truth.iter().rev(), &detections, &rules).unwrap();
        prop_assert_eq!(after, before);
    }

    #[test]
    fn permuted_class_ids_permute_the_results(
        (mut truth, mut detections) in problem(), order in Just([1u32, 2, 5, 9]).prop_shuffle(),
    ) {
        let rules = config(&THRESHOLDS, EvaluationDialect::Clean);
        let before = evaluate(&truth, &detections, &rules).unwrap();
        let renamed = |label: u32| match [1, 2, 5, 9].iter().position(|l| *l == label) {
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
}
