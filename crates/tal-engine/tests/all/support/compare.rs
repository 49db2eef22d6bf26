//! Recordings of a golden case as the engine takes them, and comparison of what it answers.

use std::sync::Arc;

use tal_core::weights::NamedTensors;
use tal_core::{Detection, Segment};
use tal_data::{FeatureArray, TrainingSample};
use tal_engine::TrainingBatch;
use tch::{Device, Tensor};

use super::Golden;

/// Features (C, T) from a tensor.
pub(crate) fn array(tensor: &Tensor) -> FeatureArray {
    let [channels, len] = tensor.size()[..] else {
        panic!("features are (C, T)")
    };
    let data = Vec::<f32>::try_from(tensor.flatten(0, -1)).unwrap();
    FeatureArray::from_channel_first(data, channels as usize, len as usize)
}

/// Both recordings as one batch, as they are.
pub(crate) fn batch(golden: &Golden) -> TrainingBatch {
    let sample = |index: usize| {
        let get = |part: &str| golden.get(&format!("input.{index}.{part}"));
        let segments = get("segments");
        TrainingSample {
            id: index.to_string(),
            features: Arc::new(array(get("feats"))),
            segments: (0..segments.size()[0])
                .map(|row| {
                    let end = |side| segments.double_value(&[row, side]) as f32;
                    Segment::new(end(0), end(1))
                })
                .collect(),
            labels: Vec::<i64>::try_from(get("labels"))
                .unwrap()
                .into_iter()
                .map(|label| label as u32)
                .collect(),
        }
    };
    TrainingBatch::new(&[sample(0), sample(1)], &golden.config, Device::Cpu).unwrap()
}

/// Checks each golden gradient: within 1e-3 of its norm, 1e-6 where that is less. The largest relative difference.
pub(crate) fn gradients(name: &str, parameters: &NamedTensors, golden: &NamedTensors) -> f64 {
    let mut largest = 0f64;
    for (parameter, expected) in golden {
        let found = parameters[parameter].grad();
        assert!(found.defined(), "{name} {parameter} has no gradient");
        let norm = expected.norm().double_value(&[]);
        let difference = (found - expected).norm().double_value(&[]);
        let allowed = (1e-3 * norm).max(1e-6);
        assert!(
            difference <= allowed,
            "{name} {parameter}: {difference} of {norm}"
        );
        if norm > 1e-4 {
            largest = largest.max(difference / norm);
        }
    }
    largest
}

/// How far the detections are from the golden ones of recording `index`, as sets: each gets the nearest free one of its
/// class. The largest difference of a score, and of an end in seconds.
pub(crate) fn detections(golden: &Golden, index: usize, found: &[Detection]) -> (f64, f64) {
    let expected = |part: &str| golden.get(&format!("eval.{index}.detections.{part}"));
    let (segments, scores, labels) = (expected("segments"), expected("scores"), expected("labels"));
    // The released code keeps detections that its cut to the recording leaves without length; ours drops them.
    let has_length =
        |row: &i64| segments.double_value(&[*row, 0]) < segments.double_value(&[*row, 1]);
    let rows: Vec<i64> = (0..scores.size()[0]).filter(has_length).collect();
    assert_eq!(found.len(), rows.len());
    let mut free = vec![true; found.len()];
    let mut largest = (0f64, 0f64);
    for row in rows {
        let (start, end) = (
            segments.double_value(&[row, 0]),
            segments.double_value(&[row, 1]),
        );
        let (score, label) = (scores.double_value(&[row]), labels.int64_value(&[row]));
        let differences = |detection: &Detection| {
            let ends = [detection.segment.start - start, detection.segment.end - end];
            let ends = ends[0].abs().max(ends[1].abs());
            ((detection.score - score).abs(), ends)
        };
        // In units of their tolerances.
        let distance = |(score, ends): (f64, f64)| (score / 1e-4).max(ends / 1e-3);
        let nearest = found
            .iter()
            .enumerate()
            .filter(|(place, detection)| free[*place] && i64::from(detection.label) == label)
            .map(|(place, detection)| (place, differences(detection)))
            .min_by(|a, b| distance(a.1).total_cmp(&distance(b.1)))
            .filter(|(_, differences)| distance(*differences) <= 1.0);
        let (place, differences) = nearest.unwrap_or_else(|| {
            panic!("{index}: nothing matches {start}..{end} class {label} score {score}")
        });
        free[place] = false;
        largest = (largest.0.max(differences.0), largest.1.max(differences.1));
    }
    largest
}
