//! Suppression against results of the released implementation.

use std::collections::BTreeMap;

use safetensors::SafeTensors;
use serde::Deserialize;
use tal_core::config::{SuppressionConfig, SuppressionMethod, VotingConfig, VotingWeight};
use tal_core::{Candidates, TimeGrid};
use tal_postprocess::{suppress, to_detections};

/// Parameters as the released code names them.
#[derive(Deserialize)]
struct Parameters {
    iou_threshold: f32,
    min_score: f32,
    max_seg_num: usize,
    use_soft_nms: bool,
    multiclass: bool,
    sigma: f32,
    voting_thresh: f32,
}

impl From<Parameters> for SuppressionConfig {
    fn from(parameters: Parameters) -> Self {
        Self {
            method: if parameters.use_soft_nms {
                SuppressionMethod::Gaussian
            } else {
                SuppressionMethod::Hard
            },
            sigma: parameters.sigma,
            iou_threshold: parameters.iou_threshold,
            min_score: parameters.min_score,
            per_class: parameters.multiclass,
            max_detections: parameters.max_seg_num,
            max_per_class: None,
            voting: Some(VotingConfig {
                iou_threshold: parameters.voting_thresh,
                weight: VotingWeight::Score,
            }),
        }
    }
}

/// Row by row: the same classes, ends within 1e-3, scores within 1e-5.
fn assert_same(name: &str, ours: &Candidates, golden: &Candidates) {
    assert_eq!(ours.label, golden.label, "{name}");
    let (mut ends, mut scores) = (0f32, 0f32);
    for row in 0..golden.len() {
        let (a, b) = (ours.segment(row), golden.segment(row));
        ends = ends
            .max((a.start - b.start).abs())
            .max((a.end - b.end).abs());
        scores = scores.max((ours.score[row] - golden.score[row]).abs());
    }
    assert!(ends <= 1e-3, "{name}: ends differ by {ends}");
    assert!(scores <= 1e-5, "{name}: scores differ by {scores}");
}

#[test]
fn six_cases_equal_the_released_result_row_by_row() {
    let bytes = crate::support::fixture("nms.safetensors");
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let cases = header.metadata().as_ref().unwrap();
    let cases = BTreeMap::from_iter(cases.clone());
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(cases.len(), 6);
    for (name, parameters) in &cases {
        let parameters: Parameters = serde_json::from_str(parameters).unwrap();
        let input = crate::support::candidates(&file, &format!("{name}.in"));
        let golden = crate::support::candidates(&file, &format!("{name}.out"));
        let ours = suppress(&input, &parameters.into()).unwrap();
        assert_same(name, &ours, &golden);
    }
}

/// Two whole recordings: candidates of a network in grid units to its detections in seconds.
#[test]
fn recordings_equal_the_released_result() {
    let bytes = crate::support::fixture("recordings.safetensors");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let gaussian = SuppressionConfig {
        method: SuppressionMethod::Gaussian,
        sigma: 0.5,
        iou_threshold: 0.1,
        min_score: 0.001,
        per_class: true,
        max_detections: 200,
        max_per_class: None,
        voting: None,
    };
    let per_class = gaussian.clone();
    let voting = SuppressionConfig {
        sigma: 0.75,
        per_class: false,
        max_detections: 60,
        max_per_class: None,
        voting: Some(VotingConfig {
            iou_threshold: 0.95,
            weight: VotingWeight::Score,
        }),
        ..gaussian
    };
    for (name, config, fps, duration) in [
        ("per_class", per_class, 30.0, 14.0),
        ("voting", voting, 25.0, 34.96),
    ] {
        let grid = TimeGrid {
            fps,
            feat_stride: 4.0,
            num_frames: 16.0,
        };
        let input = crate::support::candidates(&file, &format!("{name}.candidates"));
        let golden = crate::support::candidates(&file, &format!("{name}.detections"));
        let kept = suppress(&input, &config).unwrap();
        let mut ours = Candidates::default();
        for found in to_detections(&kept, &grid, Some(duration)) {
            let (start, end) = (found.segment.start, found.segment.end);
            assert!(0.0 <= start && start <= end && end <= duration);
            let segment = tal_core::Segment::new(start as f32, end as f32);
            ours.push(segment, found.score as f32, found.label);
        }
        assert_same(name, &ours, &golden);
    }
}
