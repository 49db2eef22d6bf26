//! Selection of candidates: order, limits, batches.

use tal_core::config::{InferenceConfig, OffsetUnit, RefinedScore};
use tal_core::nn::{FeaturePyramid, PyramidLevel};
use tal_core::{Candidates, PointGrid};
use tal_decoder::{
    BoundaryOutput, Decoder, DecoderOutput, LevelOutput, RefinementRule, TridentOutput,
    select_candidates,
};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

use crate::support::{config, grid_of, random_pyramid, single_threaded};

const RANGES: [[f32; 2]; 2] = [[0.0, 4.0], [4.0, 1e4]];

fn inference(changes: &[&str]) -> InferenceConfig {
    config(changes).inference
}

/// One sample of 4 and 2 points with two classes; every boundary is half a stride away.
fn output(level0: [[f32; 4]; 2], level1: [[f32; 2]; 2], valid: usize) -> DecoderOutput {
    let level = |probabilities: &[f32], len: usize, valid: usize| {
        let logits = Tensor::from_slice(probabilities)
            .view([1, 2, len as i64])
            .logit(None);
        let zeros =
            |channels: i64| Tensor::zeros([1, channels, len as i64], (Kind::Float, Device::Cpu));
        LevelOutput {
            mask: tal_core::nn::length_mask(&[valid], len, Device::Cpu),
            cls_logits: logits,
            boundaries: BoundaryOutput::Trident(TridentOutput {
                offset_bins: zeros(4),
                start_logits: zeros(2),
                end_logits: zeros(2),
            }),
            refine_cls: None,
            refine_start: None,
            refine_end: None,
        }
    };
    let levels = [
        level(level0.as_flattened(), 4, valid),
        level(level1.as_flattened(), 2, valid.div_ceil(2)),
    ];
    let rule = RefinementRule {
        score: RefinedScore::LogitProduct,
        offset_unit: OffsetUnit::Grid,
    };
    DecoderOutput::from_levels(&levels, rule).unwrap()
}

fn select(output: &DecoderOutput, config: &InferenceConfig) -> Candidates {
    let grid = PointGrid::new(4, &RANGES);
    let mut samples = select_candidates(output, &grid, config);
    assert_eq!(samples.len(), 1);
    samples.remove(0)
}

/// (centre, label) of every candidate in its order.
fn places(candidates: &Candidates) -> Vec<(f32, u32)> {
    (0..candidates.len())
        .map(|row| (candidates.segment(row).center(), candidates.label[row]))
        .collect()
}

#[test]
fn levels_then_probabilities_then_points_then_classes() {
    let output = output(
        [[0.5, 0.9, 0.5, 0.0005], [0.5, 0.2, 0.5, 0.9]],
        [[0.3, 0.6], [0.95, 0.6]],
        4,
    );
    let found = select(&output, &inference(&[]));
    assert_eq!(
        places(&found),
        [
            (1.0, 0),
            (3.0, 1),
            (0.0, 0),
            (0.0, 1),
            (2.0, 0),
            (2.0, 1),
            (1.0, 1),
            (0.0, 1),
            (2.0, 0),
            (2.0, 1),
            (0.0, 0),
        ]
    );
    assert_eq!((found.start[0], found.end[0]), (0.5, 1.5));
    assert_eq!((found.start[7], found.end[7]), (-1.0, 1.0));
    assert!((found.score[7] - 0.95).abs() < 1e-6);
}

#[test]
fn the_top_k_acts_per_level_and_keeps_the_first_of_equals() {
    let output = output(
        [[0.5, 0.9, 0.5, 0.1], [0.5, 0.2, 0.5, 0.1]],
        [[0.3, 0.6], [0.4, 0.6]],
        4,
    );
    let found = select(&output, &inference(&["inference.pre_nms_topk=3"]));
    assert_eq!(
        places(&found),
        [(1.0, 0), (0.0, 0), (0.0, 1), (2.0, 0), (2.0, 1), (0.0, 1)]
    );
}

#[test]
fn a_top_k_of_zero_keeps_nothing() {
    let output = output([[0.5; 4]; 2], [[0.5; 2]; 2], 4);
    let mut config = inference(&[]);
    config.pre_nms_topk = 0;
    assert!(select(&output, &config).is_empty());
}

#[test]
fn padding_the_threshold_and_short_segments_are_left_out() {
    let output = output(
        [[0.5, 0.25, 0.5, 0.9], [0.1, 0.3, 0.5, 0.9]],
        [[0.9, 0.9], [0.26, 0.1]],
        2,
    );
    let found = select(&output, &inference(&["inference.pre_nms_thresh=0.25"]));
    assert_eq!(places(&found), [(0.0, 0), (1.0, 1), (0.0, 0), (0.0, 1)]);
    // Every segment of level 0 is exactly 1 long.
    let found = select(
        &output,
        &inference(&[
            "inference.pre_nms_thresh=0.25",
            "inference.duration_thresh=1",
        ]),
    );
    assert_eq!(places(&found), [(0.0, 0), (0.0, 1)]);
    assert!(select(&output, &inference(&["inference.pre_nms_thresh=1"])).is_empty());
    let all = select(&output, &inference(&["inference.pre_nms_thresh=0"]));
    assert_eq!(all.len(), 4 + 2);
}

#[test]
fn the_threshold_compares_probabilities_strictly() {
    // The float32 probability of this logit is the threshold itself, of the next greater one a little more.
    let threshold = 0.3f32;
    let output = output([[0.1; 4]; 2], [[0.1; 2]; 2], 4);
    let logits: Vec<f32> = (0..8)
        .map(|step| (0.3f32 / 0.7).ln() + (step as f32 - 4.0) * 3e-7)
        .collect();
    let logits = Tensor::from_slice(&logits).view([1, 2, 4]);
    output.cls_logits.narrow(2, 0, 4).copy_(&logits);
    let expected = Vec::<f32>::try_from(logits.sigmoid().view(-1)).unwrap();
    let expected = expected.into_iter().filter(|p| *p > threshold).count();
    assert!(expected > 0 && expected < 8);
    let found = select(&output, &inference(&["inference.pre_nms_thresh=0.3"]));
    assert_eq!(found.len(), expected);
    assert!(found.score.iter().all(|score| *score > threshold));
}

#[test]
fn refined_scores_are_roots_in_the_paper() {
    let mut output = output(
        [[0.5, 0.9, 0.5, 0.1], [0.5, 0.2, 0.5, 0.1]],
        [[0.3, 0.6], [0.4, 0.6]],
        4,
    );
    output.refinement.score = RefinedScore::ProbabilityRoot;
    output.refine_cls = Some(output.cls_logits.shallow_clone());
    let found = select(&output, &inference(&["inference.pre_nms_topk=2"]));
    for (score, expected) in found.score.iter().zip([0.9, 0.5, 0.6, 0.6]) {
        assert!((score - expected).abs() < 1e-6);
    }
}

#[test]
fn a_batch_gives_what_its_samples_give_alone() {
    single_threaded();
    let config = config(&[
        "encoder.num_levels=3",
        "decoder.regression_range=[[0,4],[4,8],[8,10000]]",
        "decoder.head.dim=8",
        "inference.pre_nms_topk=20",
    ]);
    tch::manual_seed(3);
    let vs = VarStore::new(Device::Cpu);
    let decoder = Decoder::new(&vs.root(), 8, 4, &[], 3, &config.decoder).unwrap();
    let pyramid = random_pyramid(8, 32, &[32, 9, 20], 3, Kind::Float);
    let grid = grid_of(&pyramid, &config);
    let batch = select_candidates(&decoder.forward(&pyramid), &grid, &config.inference);
    assert_eq!(batch.len(), 3);
    for (sample, ours) in batch.iter().enumerate() {
        let level = |level: &PyramidLevel| {
            let features = level.features.narrow(0, sample as i64, 1);
            PyramidLevel::new(features, vec![level.lens[sample]])
        };
        let alone = FeaturePyramid {
            levels: pyramid.levels.iter().map(level).collect(),
        };
        let alone = select_candidates(&decoder.forward(&alone), &grid, &config.inference).remove(0);
        assert_eq!(ours.len(), alone.len());
        let mut labels = [ours.label.clone(), alone.label.clone()];
        labels.iter_mut().for_each(|labels| labels.sort_unstable());
        assert_eq!(labels[0], labels[1]);
        let total = |values: &[f32]| values.iter().map(|v| f64::from(*v)).sum::<f64>();
        for (a, b) in [
            (&ours.score, &alone.score),
            (&ours.start, &alone.start),
            (&ours.end, &alone.end),
        ] {
            assert!((total(a) - total(b)).abs() < 1e-3);
        }
    }
}
