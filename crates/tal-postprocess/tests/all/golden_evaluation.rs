//! mAP against results of the released evaluator.

use std::collections::BTreeMap;

use safetensors::SafeTensors;
use serde::Deserialize;
use tal_core::config::{EvaluationConfig, EvaluationDialect};
use tal_core::{Detection, DetectionSet, Instance, Recording, Segment};
use tal_postprocess::{Evaluation, evaluate};

fn recording(id: &str, subset: &str) -> Recording {
    Recording {
        id: id.into(),
        subset: subset.into(),
        duration: None,
        fps: None,
        instances: Vec::new(),
    }
}

fn config(tiou_thresholds: &[f64], dialect: EvaluationDialect) -> EvaluationConfig {
    EvaluationConfig {
        tiou_thresholds: tiou_thresholds.to_vec(),
        dialect,
        ..EvaluationConfig::default()
    }
}

/// The greatest difference to the expected values; `ap[threshold][class]`.
fn difference(ours: &Evaluation, average: f64, map: &[f64], ap: &[Vec<f64>]) -> f64 {
    assert_eq!(ours.map.len(), map.len());
    let mut worst = (ours.average_map - average).abs();
    for (t, (map, ap)) in map.iter().zip(ap).enumerate() {
        assert_eq!(ours.classes.len(), ap.len());
        worst = worst.max((ours.map[t] - map).abs());
        for (class, ap) in ours.classes.iter().zip(ap) {
            worst = worst.max((class.ap[t] - ap).abs());
        }
    }
    worst
}

/// Columns of `thumos14.safetensors`: recording numbers, segments, labels and, of detections, scores.
fn thumos14() -> (Vec<Recording>, DetectionSet) {
    let bytes = crate::support::fixture("thumos14.safetensors");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let column = |name: &str| crate::support::numbers(&file, name);
    let rows = |table: &str| -> Vec<(usize, Segment, u32)> {
        let [recording, start, end, label] =
            ["recording", "start", "end", "label"].map(|c| column(&format!("{table}.{c}")));
        (0..recording.len())
            .map(|row| {
                let segment = Segment::new(start[row], end[row]);
                (recording[row] as usize, segment, label[row] as u32)
            })
            .collect()
    };
    let mut recordings: Vec<Recording> = (0..210)
        .map(|number| recording(&format!("{number:03}"), "Test"))
        .collect();
    for (number, segment, label) in rows("ground_truth") {
        recordings[number]
            .instances
            .push(Instance { segment, label });
    }
    let mut detections = DetectionSet::new();
    for ((number, segment, label), score) in rows("detections")
        .into_iter()
        .zip(column("detections.score"))
    {
        let detection = Detection {
            segment,
            label,
            score,
        };
        detections.push(&recordings[number].id, detection);
    }
    (recordings, detections)
}

#[derive(Deserialize)]
struct Expected {
    tious: Vec<f64>,
    #[serde(rename = "mAP")]
    map: Vec<f64>,
    average: f64,
    ap_by_class: Vec<Vec<f64>>,
}

#[test]
fn thumos14_equals_the_released_evaluator_in_four_dialects() {
    let (recordings, detections) = thumos14();
    let expected: BTreeMap<String, Expected> =
        serde_json::from_slice(&crate::support::fixture("thumos14_expected.json")).unwrap();
    assert_eq!(expected.len(), 3);
    for (name, expected) in &expected {
        // All classes occur, no scores are equal and no annotation is short, so that the dialects without duplicates agree.
        for dialect in [
            EvaluationDialect::ActionFormer,
            EvaluationDialect::TriDet,
            EvaluationDialect::OpenTad,
            EvaluationDialect::Clean,
        ] {
            let rules = config(&expected.tious, dialect);
            let ours = evaluate(&recordings, &detections, &rules).unwrap();
            assert_eq!(ours.counts.num_detections, 13_063);
            assert_eq!(ours.counts.num_ignored_detections, 0);
            let worst = difference(
                &ours,
                expected.average,
                &expected.map,
                &expected.ap_by_class,
            );
            assert!(worst <= 1e-9, "{name} {dialect:?} differs by {worst}");
        }
    }
}

#[derive(Deserialize)]
struct Collision {
    recordings: Vec<CollisionRecording>,
    detections: BTreeMap<String, Vec<(f64, f64, u32, f64)>>,
    tiou: Vec<f64>,
    classes_sorted: Vec<u32>,
    ap_tiou_by_class: Vec<Vec<f64>>,
    #[serde(rename = "mAP")]
    map: Vec<f64>,
    average: f64,
}

#[derive(Deserialize)]
struct CollisionRecording {
    id: String,
    subset: String,
    instances: Vec<(f64, f64, u32)>,
}

impl Collision {
    fn load() -> (Self, Vec<Recording>, DetectionSet) {
        let case: Self =
            serde_json::from_slice(&crate::support::fixture("collision.json")).unwrap();
        let recordings = case
            .recordings
            .iter()
            .filter(|from| from.subset == "Test")
            .map(|from| {
                let mut to = crate::support::recording(&from.id, None, &from.instances);
                to.subset.clone_from(&from.subset);
                to
            })
            .collect();
        let detections = case
            .detections
            .iter()
            .map(|(id, rows)| crate::support::found(id, rows))
            .collect();
        (case, recordings, detections)
    }
}

/// A duplicate, an empty segment, detections in recordings of another subset (false positives), and class 2 without
/// ground truth, whose id is the rank of class 3.
#[test]
fn collisions_equal_the_released_evaluator() {
    let (case, recordings, detections) = Collision::load();
    // ActionFormer's rules differ from TriDet's in short annotations only, of which there are none but the empty one.
    let rules = config(&case.tiou, EvaluationDialect::ActionFormer);
    let actionformer = evaluate(&recordings, &detections, &rules).unwrap();
    let rules = config(&case.tiou, EvaluationDialect::TriDet);
    let ours = evaluate(&recordings, &detections, &rules).unwrap();
    assert_eq!(actionformer.classes, ours.classes);
    let labels: Vec<u32> = ours.classes.iter().map(|class| class.label).collect();
    assert_eq!(labels, case.classes_sorted);
    let worst = difference(&ours, case.average, &case.map, &case.ap_tiou_by_class);
    assert!(worst <= 1e-9, "differs by {worst}");
    assert_eq!(ours.counts.num_removed_ground_truth, 2);
    // Classes 4, 5, 6 and 8 have no rank to collide with (20 + 13 + 16 + 16 detections).
    assert_eq!(ours.counts.num_ignored_detections, 65);
    assert_eq!(ours.counts.num_unmatched_recording_detections, 120);
}

/// In the clean dialect the 16 detections of class 2 do not count either: only class 3 changes, for the better.
#[test]
fn the_clean_dialect_has_no_collisions() {
    let (case, recordings, detections) = Collision::load();
    let rules = config(&case.tiou, EvaluationDialect::OpenTad);
    let opentad = evaluate(&recordings, &detections, &rules).unwrap();
    let rules = config(&case.tiou, EvaluationDialect::Clean);
    let ours = evaluate(&recordings, &detections, &rules).unwrap();
    assert_eq!(opentad.classes, ours.classes);
    assert_eq!(ours.counts.num_ignored_detections, 65 + 16);
    assert_eq!(ours.counts.num_removed_ground_truth, 2);
    for (t, released) in case.ap_tiou_by_class.iter().enumerate() {
        for (class, released) in ours.classes.iter().zip(released) {
            if class.label == 3 {
                assert!(class.ap[t] > *released);
            } else {
                assert!((class.ap[t] - released).abs() <= 1e-9);
            }
        }
    }
    // The same as the released dialect without those detections.
    let mut known = detections.clone();
    for rows in known.values_mut() {
        rows.retain(|row| case.classes_sorted.contains(&row.label));
    }
    let rules = config(&case.tiou, EvaluationDialect::TriDet);
    let released = evaluate(&recordings, &known, &rules).unwrap();
    assert_eq!(released.classes, ours.classes);
    assert_eq!(released.map, ours.map);
}
