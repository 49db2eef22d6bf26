//! Made-up recordings: two of six channels rise while the one action of a recording goes on; all have noise.

use std::sync::Arc;

use tal_core::{ClassMap, ClassMapError, Segment};
use tal_data::{FeatureArray, TrainingSample};

/// Channels of a recording.
pub(crate) const CHANNELS: usize = 6;
/// Positions of a recording, one a second.
pub(crate) const LENGTH: usize = 128;

/// Data, network and training in the words of a configuration file.
pub(crate) const CONFIG: &str = "
dataset:
  annotations: annotations.json
  features: { dir: features, format: { type: npy } }
  num_classes: 3
  input_dim: 6
  feat_stride: 1
  num_frames: 1
  fps: 1
  max_seq_len: 128
encoder: { dim: 32, num_levels: 1, mixer: { type: gmg, mlp_dim: 64, local_kernel_size: 5 } }
decoder:
  regression_range: [[0, 10000]]
  head: { dim: 32 }
  dcm: { neighbors: none } # there is one level
  drm: { neighbors: none }
  refinement: { classification: false, regression: false }
loss: { refined: { weight: 0 }, unrefined: { weight: 1 } }
train: { learning_rate: 0.002, warmup_epochs: 0, epochs: 60, batch_size: 4, checkpoint: { weights: raw } }
";

/// Names of the classes; class k raises the channels k and k + 1.
pub(crate) fn classes() -> Result<ClassMap, ClassMapError> {
    ClassMap::from_names(["walk", "run", "jump"])
}

/// The action of a recording, in seconds.
pub(crate) fn action(number: usize) -> Segment<f64> {
    let start = 10 + number * 37 % 70;
    let len = 16 + number * 11 % 24;
    Segment::new(start as f64, (start + len) as f64)
}

/// The class of a recording's action.
pub(crate) fn class(number: usize) -> usize {
    number % 3
}

/// (T, C), one position after the other.
pub(crate) fn values(number: usize) -> Vec<f32> {
    let (action, class) = (action(number), class(number));
    let mut state = number as u64 + 1;
    let mut values = Vec::with_capacity(LENGTH * CHANNELS);
    for position in 0..LENGTH {
        for channel in 0..CHANNELS {
            // Knuth's multiplier; the upper bits are the random ones.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let noise = (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5;
            let at = position as f64;
            let inside = at >= action.start && at < action.end;
            let raised = inside && (channel == class || channel == class + 1);
            values.push(noise + f32::from(u8::from(raised)));
        }
    }
    values
}

/// What a network learns from; positions are seconds.
pub(crate) fn sample(number: usize) -> TrainingSample {
    let action = action(number);
    TrainingSample {
        id: format!("signal_{number}"),
        features: Arc::new(FeatureArray::from_time_first(&values(number), CHANNELS, LENGTH)),
        segments: vec![Segment::new(action.start as f32, action.end as f32)],
        labels: vec![class(number) as u32],
    }
}
