//! Another detector than CLTDR-GMG, from single crates of tal: a projection and two GMG blocks of `tal-encoder` at one length
//! (no pyramid), a head of its own, Soft-NMS and mAP of `tal-postprocess`. It learns made-up signals in half a minute.
//!
//! `cargo run --release`, with LibTorch where `cargo xtask setup` of tal put it, or where `LIBTORCH` says.

mod signals;

use std::error::Error;

use tal_core::config::{
    EvaluationConfig, EvaluationDialect, GmgConfig, MixerConfig, PerLevel, ProjectionConfig,
    SuppressionConfig,
};
use tal_core::nn::length_mask;
use tal_core::{Candidates, DetectionSet, Segment, TimeGrid};
use tal_encoder::{BlockConfig, EncoderError, Projection, TemporalMixer, build_mixer};
use tal_postprocess::{evaluate, suppress, to_detections};
use tch::nn::{self, Module, OptimizerConfig};
use tch::{Device, Kind, Reduction, Tensor};

use signals::{CHANNELS, CLASSES, LENGTH, Signal};

const WIDTH: usize = 32;
const STEPS: usize = 250;
const BATCH: usize = 8;
const MIN_SCORE: f64 = 0.05;

/// One class score and the distances to both ends per position: an anchor-free detector without levels.
struct Detector {
    projection: Projection,
    blocks: Vec<Box<dyn TemporalMixer>>,
    head: nn::Conv1D,
}

impl Detector {
    fn new(path: &nn::Path<'_>) -> Result<Self, EncoderError> {
        let projection = ProjectionConfig {
            num_layers: 1,
            kernel_size: 3,
            norm: true,
        };
        let mixer = MixerConfig::Gmg(GmgConfig {
            mlp_dim: 2 * WIDTH,
            local_kernel_size: PerLevel::Same(5),
            local_in_stem: true,
            init_std: 0.1,
            drop_path: 0.0,
            ..GmgConfig::default()
        });
        let block = BlockConfig {
            dim: WIDTH,
            level: 0,
            downsampling: None,
        };
        Ok(Self {
            projection: Projection::new(&(path / "projection"), &projection, CHANNELS, WIDTH)?,
            blocks: (0..2)
                .map(|index| build_mixer(&(path / "block" / index), &mixer, block))
                .collect::<Result<_, _>>()?,
            head: nn::conv1d(
                path / "head",
                WIDTH as i64,
                (CLASSES + 2) as i64,
                3,
                nn::ConvConfig {
                    padding: 1,
                    ..Default::default()
                },
            ),
        })
    }

    /// (B, C, T) → class logits (B, K, T) and logarithms of the distances to start and end (B, 2, T), in positions.
    fn forward(&self, signals: &Tensor, train: bool) -> (Tensor, Tensor) {
        let lens = vec![LENGTH; signals.size()[0] as usize];
        let mut mask = length_mask(&lens, LENGTH, signals.device());
        let mut x = self.projection.forward(signals, &mask, LENGTH);
        for block in &self.blocks {
            (x, mask) = block.forward_t(&x, &mask, train);
        }
        let out = self.head.forward(&x);
        let classes = CLASSES as i64;
        (out.narrow(1, 0, classes), out.narrow(1, classes, 2))
    }

    fn loss(&self, batch: &[Signal]) -> Tensor {
        let stack = |part: fn(&Signal) -> &Tensor| {
            Tensor::stack(&batch.iter().map(part).collect::<Vec<_>>(), 0)
        };
        let (logits, distances) = self.forward(&stack(|signal| &signal.values), true);
        let classes = stack(|signal| &signal.class_targets);
        let inside = classes.sum_dim_intlist([1i64].as_slice(), true, Kind::Float);
        let error = (distances - stack(|signal| &signal.distance_targets)).abs() * &inside;
        let weight: Option<Tensor> = None;
        let cls = logits.binary_cross_entropy_with_logits(
            &classes,
            weight.as_ref(),
            None,
            Reduction::Mean,
        );
        cls * 10.0 + error.sum(Kind::Float) / inside.sum(Kind::Float).clamp_min(1.0)
    }

    /// What the head says about every position, in grid units.
    fn candidates(&self, signal: &Signal) -> Result<Candidates, Box<dyn Error>> {
        let (logits, distances) = self.forward(&signal.values.unsqueeze(0), false);
        let scores: Vec<Vec<f64>> = logits.sigmoid().squeeze_dim(0).try_into()?;
        let distances: Vec<Vec<f64>> = distances.exp().squeeze_dim(0).try_into()?;
        let mut candidates = Candidates::default();
        for (class, scores) in scores.iter().enumerate() {
            for (position, &score) in scores.iter().enumerate().filter(|(_, s)| **s > MIN_SCORE) {
                let [left, right] = [0, 1].map(|side| distances[side][position] as f32);
                let segment = Segment::new(position as f32 - left, position as f32 + right);
                candidates.push(segment, score as f32, class as u32);
            }
        }
        Ok(candidates)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    tch::manual_seed(1);
    tch::set_num_threads(1);
    let variables = nn::VarStore::new(Device::Cpu);
    let detector = Detector::new(&variables.root())?;
    let mut optimizer = nn::AdamW::default().build(&variables, 2e-3)?;
    for step in 0..STEPS {
        let batch: Vec<Signal> = (0..BATCH)
            .map(|i| signals::make(step * BATCH + i))
            .collect();
        let loss = detector.loss(&batch);
        optimizer.backward_step(&loss);
        if step % 50 == 49 {
            println!("step {:3}: loss {:.3}", step + 1, loss.double_value(&[]));
        }
    }

    // One position a second: grid units are seconds.
    let grid = TimeGrid {
        fps: 1.0,
        feat_stride: 1.0,
        num_frames: 0.0,
    };
    let suppression = SuppressionConfig {
        max_detections: 50,
        ..SuppressionConfig::default()
    };
    let mut recordings = Vec::new();
    let mut found = DetectionSet::new();
    for number in 0..40 {
        let signal = signals::make(1_000_000 + number);
        let recording = signal.recording(number);
        let candidates = tch::no_grad(|| detector.candidates(&signal))?;
        let kept = suppress(&candidates, &suppression)?;
        found.insert(
            recording.id.clone(),
            to_detections(&kept, &grid, recording.duration),
        );
        recordings.push(recording);
    }
    let rules = EvaluationConfig {
        tiou_thresholds: vec![0.3, 0.5, 0.7],
        dialect: EvaluationDialect::Clean,
        ..EvaluationConfig::default()
    };
    let result = evaluate(&recordings, &found, &rules)?;
    println!(
        "mAP at tIoU 0.3, 0.5, 0.7: {:.3?}; average {:.3}",
        result.map, result.average_map
    );
    Ok(())
}
