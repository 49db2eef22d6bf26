//! Memory does not grow with the number of steps or predictions.
#![cfg(target_os = "linux")]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tal_core::config::Config;
use tal_core::{ClassMap, TimeGrid};
use tal_data::{FeatureArray, Features};
use tal_engine::memory::resident_bytes;
use tal_engine::metrics::StepMetrics;
use tal_engine::run::{self, RunObserver, RunOptions};
use tal_engine::{Detector, Model, Pyramid};
use tal_synth::SynthConfig;
use tch::Device;

/// What the allocator may keep beyond the warm-up: less than 5 kB for each of the steps, of which one alone allocates many
/// times that, and 0.9 kB for each of the predictions.
const MARGIN: u64 = 8 << 20;

/// The resident set belongs to the process, so the tests take turns.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let guard = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    tal_engine::set_num_threads(1);
    guard
}

fn config(dir: &std::path::Path, num_epochs: usize) -> Config {
    let text = format!(
        "
dataset:
  annotations: {data}/annotations.json
  features: {{ dir: {data}/features, format: {{ type: npy }} }}
  num_classes: 2
  input_dim: 7
  feat_stride: 4
  num_frames: 8
  max_seq_len: 32
encoder:
  dim: 16
  num_levels: 2
  projection: {{ num_layers: 1 }}
  mixer: {{ type: gmg, mlp_dim: 16, local_kernel_size: 1 }}
decoder:
  regression_range: [[0, 8], [8, 10000]]
  head: {{ dim: 8, num_layers: 2 }}
  trident: {{ num_bins: 4 }}
train:
  epochs: {num_epochs}
  warmup_epochs: 0
  batch_size: 1
  input_noise: 0.1
  num_workers: 1
  checkpoint: {{ save_every: 5, weights: raw }}
inference: {{ pre_nms_topk: 10 }}
",
        data = dir.join("data").display()
    );
    tal_config::from_yaml(&text, "test", dir, &[]).unwrap()
}

/// The resident set after some steps.
struct Watch {
    warm_up: u64,
    warm: Option<u64>,
    last: Option<u64>,
    num_steps: u64,
}

impl RunObserver for Watch {
    fn step(&mut self, _: &StepMetrics) {
        self.num_steps += 1;
        if self.num_steps == self.warm_up {
            self.warm = resident_bytes();
        }
        if self.num_steps.is_multiple_of(100) {
            self.last = resident_bytes();
        }
    }
}

#[test]
fn two_thousand_training_steps() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let corpus = tal_synth::generate(&SynthConfig {
        num_train: 100,
        num_test: 1,
        num_classes: 2,
        num_channels: 7,
        mean_length: 60,
        durations: (4.0, 12.0),
        cue_distance: (6.0, 8.0),
        ..SynthConfig::default()
    })
    .unwrap();
    tal_synth::write(&corpus, &dir.path().join("data")).unwrap();
    let options = RunOptions {
        out: dir.path().join("run"),
        resume: false,
        device: Device::Cpu,
        profile: false,
        ranks: tal_engine::Ranks::alone(),
    };
    let mut watch = Watch {
        warm_up: 300,
        warm: None,
        last: None,
        num_steps: 0,
    };
    run::train(&config(dir.path(), 22), &options, &mut watch).unwrap();
    assert_eq!(watch.num_steps, 2200);
    let (warm, last) = (watch.warm.unwrap(), watch.last.unwrap());
    println!("{warm} bytes after the warm-up, {last} at the end");
    assert!(last <= warm + MARGIN, "{warm} {last}");
}

#[test]
fn ten_thousand_predictions() {
    let _alone = alone();
    let config = config("".as_ref(), 1);
    tch::manual_seed(1);
    let weights = Model::<Pyramid>::new(&config, &[], Device::Cpu)
        .unwrap()
        .parameters();
    let kind = config.train.checkpoint.weights;
    let detector = Detector::with_weights(
        &config,
        &ClassMap::default(),
        (kind, &weights),
        "test".as_ref(),
        Device::Cpu,
    )
    .unwrap();
    // One as long as in training, one that is padded further.
    let recordings = [24, 40].map(|len| {
        let values = (0..7 * len).map(|i| (i as f32).sin()).collect();
        Features {
            id: len.to_string(),
            array: Arc::new(FeatureArray::from_channel_first(values, 7, len)),
            grid: TimeGrid {
                fps: 16.0,
                feat_stride: 4.0,
                num_frames: 8.0,
            },
            duration: None,
        }
    });
    let predict = |count: usize| {
        for features in recordings.iter().cycle().take(count) {
            assert!(!detector.detect(features).unwrap().is_empty());
        }
        resident_bytes().unwrap()
    };
    let (warm, last) = (predict(500), predict(10_000));
    println!("{warm} bytes after the warm-up, {last} at the end");
    assert!(last <= warm + MARGIN, "{warm} {last}");
}
