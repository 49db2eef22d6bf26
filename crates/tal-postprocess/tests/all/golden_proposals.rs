//! Proposals against detections of the released BackTAL.

use std::collections::BTreeMap;

use safetensors::SafeTensors;
use serde::Deserialize;
use tal_config::Layers;
use tal_core::Segment;
use tal_core::config::BackTalConfig;
use tal_postprocess::{ActivationCurves, localize};

use crate::support::{fixture, numbers};

#[derive(Deserialize)]
struct Expected {
    frames: usize,
    duration: f64,
    detections: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    label: String,
    segment: [f64; 2],
    score: f64,
}

/// The published settings, with the class threshold of the recorded networks.
fn config(preset: &str) -> BackTalConfig {
    let file = format!(
        "preset: {preset}
dataset:
  annotations: a.json
  features: {{dir: features, format: {{type: npy}}}}
  feat_stride: null
  num_frames: 1
backtal: {{proposals: {{class_threshold: 0.1}}}}
"
    );
    let layers = Layers::from_yaml(&file, "test", "/".as_ref()).unwrap();
    layers.resolve().unwrap().config.backtal.unwrap()
}

/// The probabilities of all classes and background: softmax of the mean of the highest share `ratio` of each row.
fn scores(cas: &[f32], num_rows: usize, ratio: f64) -> Vec<f32> {
    let len = cas.len() / num_rows;
    let top = (len as f64 * ratio) as usize;
    let powers: Vec<f32> = cas
        .chunks(len)
        .map(|row| {
            let mut row = row.to_vec();
            row.sort_by(|a, b| b.total_cmp(a));
            (row[..top].iter().sum::<f32>() / top as f32).exp()
        })
        .collect();
    let sum: f32 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

fn values(file: &SafeTensors<'_>, name: &str) -> Vec<f32> {
    let values = numbers(file, name).into_iter();
    values.map(|value| value as f32).collect()
}

#[test]
fn detections_of_both_rules() {
    for (name, preset) in [
        ("backtal_thumos", "backtal_thumos14"),
        ("backtal_anet", "backtal_activitynet12"),
    ] {
        let bytes = fixture(&format!("{name}.safetensors"));
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let expected: BTreeMap<String, Expected> =
            serde_json::from_slice(&fixture(&format!("{name}_detections.json"))).unwrap();
        assert_eq!(expected.len(), 3);
        for (r, expected) in expected.values().enumerate() {
            let get = |what: &str| values(&file, &format!("eval.{r}.{what}"));
            let (cas, recorded, feature) = (get("cas"), get("score"), get("feature1"));
            let num_classes = recorded.len() - 1;
            let len = cas.len() / recorded.len();
            let config = config(preset);
            let score = scores(&cas, recorded.len(), config.topk_ratio);
            assert!((score[num_classes] - recorded[num_classes]).abs() < 1e-6);
            let norm: Vec<f32> = (0..len)
                .map(|t| {
                    feature
                        .iter()
                        .skip(t)
                        .step_by(len)
                        .map(|v| v * v)
                        .sum::<f32>()
                        .sqrt()
                })
                .collect();
            let curves = ActivationCurves {
                cas: &cas[..num_classes * len],
                scores: &score[..num_classes],
                norm: &norm,
                num_frames: expected.frames,
                duration: expected.duration,
            };
            let mut found = localize(&curves, &config.proposals).unwrap();
            assert_eq!(
                found.len(),
                expected.detections.len(),
                "{name} recording {r}"
            );
            let (mut worst_end, mut worst_score) = (0f64, 0f64);
            for row in &expected.detections {
                let label: u32 = row.label.trim_start_matches("class_").parse().unwrap();
                let truth = Segment::new(row.segment[0], row.segment[1]);
                let ends = |segment: Segment| {
                    (segment.start - truth.start)
                        .abs()
                        .max((segment.end - truth.end).abs())
                };
                let at = found
                    .iter()
                    .position(|d| {
                        d.label == label
                            && ends(d.segment) <= 1e-3
                            && (d.score - row.score).abs() <= 1e-4
                    })
                    .unwrap_or_else(|| {
                        panic!(
                            "{name} recording {r}: nothing like {label} {truth:?} {}",
                            row.score
                        )
                    });
                let match_ = found.swap_remove(at);
                worst_end = worst_end.max(ends(match_.segment));
                worst_score = worst_score.max((match_.score - row.score).abs());
            }
            println!(
                "{name} recording {r}: ends differ by {worst_end:e}, scores by {worst_score:e}"
            );
        }
    }
}
