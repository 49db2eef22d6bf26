//! A small corpus and a small network on it.

use std::path::Path;

use tal_core::config::Config;
use tal_synth::SynthConfig;

/// Writes the corpus to `dir/data`.
pub(crate) fn write(dir: &Path) {
    let config = SynthConfig {
        num_train: 8,
        num_test: 3,
        num_classes: 3,
        num_channels: 8,
        mean_length: 60,
        durations: (4.0, 12.0),
        cue_distance: (6.0, 8.0),
        ..SynthConfig::default()
    };
    let corpus = tal_synth::generate(&config).unwrap();
    tal_synth::write(&corpus, &dir.join("data")).unwrap();
}

/// The network's configuration, with `overrides` over it.
pub(crate) fn config(dir: &Path, overrides: &[&str]) -> Config {
    let text = format!(
        "
dataset:
  annotations: {data}/annotations.json
  features: {{ dir: {data}/features, format: {{ type: npy }} }}
  num_classes: 3
  input_dim: 8
  feat_stride: 4
  num_frames: 8
  max_seq_len: 64
encoder:
  dim: 16
  num_levels: 4
  mixer: {{ type: gmg, mlp_dim: 16, local_kernel_size: 3, drop_path: 0.3 }}
decoder:
  regression_range: [[0, 4], [4, 8], [8, 16], [16, 10000]]
  head: {{ dim: 16 }}
  trident: {{ num_bins: 4 }}
train:
  epochs: 2
  warmup_epochs: 1
  learning_rate: 0.001
  input_noise: 0.1
  num_workers: 2
  checkpoint: {{ save_every_steps: 1, weights: raw }}
",
        data = dir.join("data").display()
    );
    let overrides: Vec<_> = overrides.iter().map(|s| s.to_string()).collect();
    tal_config::from_yaml(&text, "test", dir, &overrides).unwrap()
}
