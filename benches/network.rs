//! The network: one recording through, and one training step. CPU, all threads of LibTorch.

use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use tal_benches::{Uniform, config};
use tal_core::{ClassMap, Segment, TimeGrid};
use tal_data::{FeatureArray, Features, TrainingSample};
use tal_engine::batch::TrainingBatch;
use tal_engine::{Detector, Model, Trainer};
use tch::Device;

/// Configurations and lengths: a recording as long as the padding, and one of about a third.
const CASES: [(&str, [usize; 2]); 2] = [("gtea", [1152, 400]), ("thumos14_i3d", [2304, 750])];

fn array(num_channels: usize, len: usize) -> FeatureArray {
    let mut random = Uniform::new(len as u64);
    let data = (0..num_channels * len)
        .map(|_| random.draw() as f32 - 0.5)
        .collect();
    FeatureArray::from_channel_first(data, num_channels, len)
}

fn detect(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("detect");
    group.sample_size(10);
    for (name, lens) in CASES {
        let config = config(name, &[]);
        tch::manual_seed(1);
        let weights = Model::new(&config, &[], Device::Cpu)
            .expect("a network")
            .parameters();
        let kind = config.train.checkpoint.weights;
        let detector = Detector::with_weights(
            &config,
            &ClassMap::default(),
            (kind, &weights),
            name.as_ref(),
            Device::Cpu,
        )
        .expect("weights of the same network");
        for len in lens {
            let features = Features {
                id: name.to_owned(),
                array: Arc::new(array(config.dataset.input_dim, len)),
                grid: TimeGrid {
                    fps: 30.0,
                    feat_stride: 4.0,
                    num_frames: 16.0,
                },
                duration: None,
            };
            group.bench_function(BenchmarkId::new(name, len), |bencher| {
                bencher.iter(|| detector.detect(&features).expect("detections"));
            });
        }
    }
    group.finish();
}

fn train_step(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("train_step");
    group.sample_size(10);
    for (name, [len, _]) in CASES {
        let config = config(name, &[]);
        let mut random = Uniform::new(3);
        let sample = |index: usize| TrainingSample {
            id: index.to_string(),
            features: Arc::new(array(config.dataset.input_dim, len)),
            segments: (0..15)
                .map(|_| {
                    let start = random.draw() * (len as f64 - 40.0);
                    Segment::new(start as f32, (start + 2.0 + 38.0 * random.draw()) as f32)
                })
                .collect(),
            labels: (0..15).map(|label| label % 10).collect(),
        };
        let samples: Vec<_> = (0..2).map(sample).collect();
        let classes = ClassMap::default();
        let mut trainer = Trainer::new(&config, &classes, 100, Device::Cpu).expect("a network");
        group.bench_function(BenchmarkId::new(name, format!("2x{len}")), |bencher| {
            bencher.iter(|| {
                let mut batch =
                    TrainingBatch::new(&samples, &config, Device::Cpu).expect("a batch");
                trainer.step(&mut batch, 0).expect("a finite step")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, detect, train_step);
criterion_main!(benches);
