//! Properties of the diagnosis for any detections, and a second implementation written for clarity.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tal_core::config::{EvaluationConfig, EvaluationDialect};
use tal_core::{Detection, DetectionSet, Instance, Recording, Segment};
use tal_postprocess::{
    Bucket, Characteristic, CountedInstances, Diagnosis, DiagnosisConfig, ErrorCounts, ErrorType,
    diagnose, evaluate,
};

use crate::support::{self, found, recording};

const THRESHOLDS: [f64; 3] = [0.3, 0.5, 0.75];

/// Recordings on a coarse grid, some without duration: overlaps, duplicates, equal scores and equal overlaps are frequent.
/// Detections also come with a class and in a recording that the ground truth lacks.
fn problem() -> impl Strategy<Value = (Vec<Recording>, DetectionSet)> {
    let instance = (0..20u8, 1..8u8, 1..4u32);
    let truth = prop::collection::vec((any::<bool>(), prop::collection::vec(instance, 0..7)), 1..5)
        .prop_map(|all| {
            let mut truth: Vec<Recording> = Vec::new();
            for (number, (has_duration, rows)) in all.into_iter().enumerate() {
                let rows: Vec<_> = rows
                    .into_iter()
                    .map(|(start, length, label)| {
                        (f64::from(start), f64::from(start + length), label)
                    })
                    .collect();
                truth.push(recording(
                    &format!("r{number}"),
                    has_duration.then_some(24.0),
                    &rows,
                ));
            }
            // There is always something to find.
            truth.push(recording("r9", Some(5.0), &[(0.0, 3.0, 2)]));
            truth
        });
    let detection = (0..40u8, 0..16u8, 0..5u32, 0..12u8);
    (truth, support::detections(detection, 0..40, 1..6))
}

fn config() -> DiagnosisConfig {
    DiagnosisConfig {
        tiou_thresholds: THRESHOLDS.to_vec(),
        num_groups: 2,
        // Short recordings get short buckets.
        buckets: tal_postprocess::CharacteristicBuckets::thumos14(),
        counted_instances: CountedInstances::Class,
        ..Default::default()
    }
}

fn result(truth: &[Recording], detections: &DetectionSet) -> Diagnosis {
    diagnose(truth, detections, &config()).unwrap()
}

/// What the clear implementation answers for one threshold.
#[derive(Debug, Default)]
struct Plain {
    map: f64,
    /// Of the detections that are looked at.
    counts: ErrorCounts,
    top_map: f64,
    /// Without each type of error.
    without: [f64; 5],
    num_missed: usize,
}

/// The definitions one after the other, without any thought of speed.
fn plain(truth: &[Recording], detections: &DetectionSet, threshold: f64) -> Plain {
    let instances: Vec<(&str, &Instance)> = truth
        .iter()
        .flat_map(|recording| {
            recording
                .instances
                .iter()
                .map(|i| (recording.id.as_str(), i))
        })
        .collect();
    let labels: BTreeSet<u32> = instances.iter().map(|(_, i)| i.label).collect();
    let num_classes = labels.len() as f64;
    let mean = instances.len() as f64 / num_classes;
    let mut plain = Plain::default();
    for label in labels {
        let of_class: Vec<_> = instances.iter().filter(|(_, i)| i.label == label).collect();
        let mut ranked: Vec<(&str, &Detection)> = Vec::new();
        for (id, rows) in detections {
            ranked.extend(
                rows.iter()
                    .filter(|d| d.label == label)
                    .map(|d| (id.as_str(), d)),
            );
        }
        ranked.sort_by(|a, b| b.1.score.total_cmp(&a.1.score));

        let mut free = vec![true; of_class.len()];
        // What each detection is: a true positive that took an annotation, or an error.
        let mut kinds: Vec<Result<usize, ErrorType>> = Vec::new();
        for (id, detection) in &ranked {
            let mut best: Option<(f64, usize)> = None;
            for (position, (recording, instance)) in of_class.iter().enumerate() {
                let tiou = detection.segment.tiou(instance.segment);
                if recording == id
                    && free[position]
                    && tiou >= threshold
                    && best.is_none_or(|(other, _)| tiou > other)
                {
                    best = Some((tiou, position));
                }
            }
            if let Some((_, position)) = best {
                free[position] = false;
                kinds.push(Ok(position));
                continue;
            }
            let overlaps = instances.iter().filter(|(recording, _)| recording == id);
            let overlaps: Vec<(f64, bool)> = overlaps
                .map(|(_, i)| (detection.segment.tiou(i.segment), i.label == label))
                .collect();
            let best = overlaps.iter().map(|(tiou, _)| *tiou).fold(0.0, f64::max);
            let is_own = overlaps.contains(&(best, true));
            kinds.push(Err(if best >= threshold && is_own {
                ErrorType::DoubleDetection
            } else if best >= threshold {
                ErrorType::WrongLabel
            } else if best >= 0.1 && is_own {
                ErrorType::Localization
            } else if best >= 0.1 {
                ErrorType::Confusion
            } else {
                ErrorType::Background
            }));
        }

        let all: Vec<bool> = kinds.iter().map(Result::is_ok).collect();
        plain.map += plain_ap(&all, of_class.len(), mean) / num_classes;
        let precision = plain_precision(&all, of_class.len(), mean);
        let num_found = (0..all.len())
            .filter(|rank| all[*rank] && precision[*rank] > 0.05)
            .count();
        plain.num_missed += of_class.len() - num_found;

        kinds.truncate(2 * of_class.len());
        for kind in &kinds {
            match kind {
                Ok(_) => plain.counts.true_positive += 1,
                Err(ErrorType::DoubleDetection) => plain.counts.double_detection += 1,
                Err(ErrorType::WrongLabel) => plain.counts.wrong_label += 1,
                Err(ErrorType::Localization) => plain.counts.localization += 1,
                Err(ErrorType::Confusion) => plain.counts.confusion += 1,
                Err(ErrorType::Background) => plain.counts.background += 1,
            }
        }
        let ap_without = |error: Option<ErrorType>| {
            let stays = kinds
                .iter()
                .filter(|kind| error.is_none() || kind.err() != error);
            let hits: Vec<bool> = stays.map(Result::is_ok).collect();
            plain_ap(&hits, of_class.len(), mean) / num_classes
        };
        plain.top_map += ap_without(None);
        for (without, error) in plain.without.iter_mut().zip(ErrorType::ALL) {
            *without += ap_without(Some(error));
        }
    }
    plain
}

/// Normalised precision at each rank.
fn plain_precision(hits: &[bool], num_instances: usize, mean: f64) -> Vec<f64> {
    (1..=hits.len())
        .map(|rank| {
            let num_true = hits[..rank].iter().filter(|hit| **hit).count();
            let found = num_true as f64 / num_instances as f64 * mean;
            found / (found + (rank - num_true) as f64)
        })
        .collect()
}

/// The area under the envelope, rank by rank.
fn plain_ap(hits: &[bool], num_instances: usize, mean: f64) -> f64 {
    let precision = plain_precision(hits, num_instances, mean);
    let recall_steps = hits
        .iter()
        .map(|hit| f64::from(u8::from(*hit)) / num_instances as f64);
    recall_steps
        .enumerate()
        .map(|(rank, step)| step * precision[rank..].iter().copied().fold(0.0, f64::max))
        .sum()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

proptest! {
    #[test]
    fn the_clear_implementation_agrees((truth, detections) in problem()) {
        let diagnosis = result(&truth, &detections);
        for (t, threshold) in THRESHOLDS.into_iter().enumerate() {
            let plain = plain(&truth, &detections, threshold);
            prop_assert!(close(diagnosis.normalized_map.map[t], plain.map));
            prop_assert_eq!(diagnosis.profile.thresholds[t].total, plain.counts);
            prop_assert!(close(diagnosis.impact.base.map[t], plain.top_map));
            for (impact, without) in diagnosis.impact.errors.iter().zip(plain.without) {
                prop_assert!(close(impact.without.map[t], without), "{:?}", impact.error);
            }
            prop_assert_eq!(diagnosis.num_missed[t], plain.num_missed);
        }
    }

    #[test]
    fn counts_add_up((truth, detections) in problem()) {
        let diagnosis = result(&truth, &detections);
        let instances: Vec<&Instance> = truth.iter().flat_map(|r| &r.instances).collect();
        let labels: BTreeSet<u32> = instances.iter().map(|i| i.label).collect();
        let num_looked_at: usize = labels
            .iter()
            .map(|label| {
                let num_detections = detections.values().flatten().filter(|d| d.label == *label);
                let num_instances = instances.iter().filter(|i| i.label == *label);
                num_detections.count().min(2 * num_instances.count())
            })
            .sum();
        for profile in &diagnosis.profile.thresholds {
            prop_assert_eq!(profile.total.num_detections(), num_looked_at);
            let groups: usize = profile.groups.iter().map(ErrorCounts::num_detections).sum();
            prop_assert_eq!(groups, num_looked_at);
        }
        for by in &diagnosis.characteristics {
            let num: usize = by.buckets.iter().map(|b| b.num_instances).sum();
            prop_assert_eq!(num + by.num_without_bucket, instances.len());
            for (t, num_missed) in diagnosis.num_missed.iter().enumerate() {
                let missed: usize = by.buckets.iter().map(|b| b.num_missed[t]).sum();
                prop_assert!(missed <= *num_missed);
                prop_assert!(*num_missed <= missed + by.num_without_bucket);
            }
        }
    }

    #[test]
    fn taking_errors_away_never_costs((truth, detections) in problem()) {
        let impact = result(&truth, &detections).impact;
        for error in &impact.errors {
            prop_assert!(error.gain >= -1e-12);
            for (without, base) in error.without.map.iter().zip(&impact.base.map) {
                prop_assert!(*without >= *base - 1e-12);
            }
        }
    }

    #[test]
    fn one_bucket_for_all_gives_the_whole((truth, detections) in problem()) {
        let mut config = config();
        let all = vec![Bucket { name: "all".into(), max: None }];
        config.buckets.length = all.clone();
        config.buckets.num_instances = all;
        let diagnosis = diagnose(&truth, &detections, &config).unwrap();
        for characteristic in [Characteristic::Length, Characteristic::NumInstances] {
            let by = diagnosis.by(characteristic).unwrap();
            prop_assert_eq!(by.num_without_bucket, 0);
            prop_assert_eq!(by.buckets[0].normalized_map.as_ref(), Some(&diagnosis.normalized_map));
            prop_assert_eq!(&by.buckets[0].num_missed, &diagnosis.num_missed);
        }
    }

    #[test]
    fn the_order_of_recordings_does_not_matter((mut truth, detections) in problem()) {
        let forward = result(&truth, &detections);
        truth.reverse();
        prop_assert_eq!(result(&truth, &detections), forward);
    }

    #[test]
    fn one_class_needs_no_normalisation((mut truth, mut detections) in problem()) {
        for instance in truth.iter_mut().flat_map(|r| &mut r.instances) {
            instance.label = 2;
        }
        for detection in detections.values_mut().flatten() {
            detection.label = 2;
        }
        let config = DiagnosisConfig { drop_duplicates: true, ..config() };
        let diagnosis = diagnose(&truth, &detections, &config).unwrap();
        let rules = EvaluationConfig {
            tiou_thresholds: THRESHOLDS.to_vec(),
            dialect: EvaluationDialect::Clean,
            ambiguous_class: None,
            blocked: Vec::new(),
        };
        let evaluation = evaluate(&truth, &detections, &rules).unwrap();
        for (normalized, map) in diagnosis.normalized_map.map.iter().zip(&evaluation.map) {
            prop_assert!(close(*normalized, *map));
        }
    }

    #[test]
    fn finding_everything_leaves_nothing_to_diagnose((truth, _) in problem()) {
        let perfect: DetectionSet = truth
            .iter()
            .map(|recording| {
                let rows: Vec<_> = recording
                    .instances
                    .iter()
                    .map(|i| {
                        let Segment { start, end } = i.segment;
                        (start, end, i.label, 1.0)
                    })
                    .collect();
                found(&recording.id, &rows)
            })
            .collect();
        let diagnosis = result(&truth, &perfect);
        prop_assert!(close(diagnosis.normalized_map.average_map, 1.0));
        prop_assert!(diagnosis.num_missed.iter().all(|missed| *missed == 0));
        for error in &diagnosis.impact.errors {
            prop_assert_eq!(error.gain, 0.0);
        }
        for bucket in diagnosis.characteristics.iter().flat_map(|by| &by.buckets) {
            if let Some(map) = &bucket.normalized_map {
                prop_assert!(close(map.average_map, 1.0));
            }
        }
    }
}
