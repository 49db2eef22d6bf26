//! Networks and recordings for the benchmarks.

use std::sync::Arc;

use tal_core::config::{Config, Precision};
use tal_core::{ClassMap, Segment, TimeGrid};
use tal_data::{FeatureArray, Features, TrainingSample};
use tal_engine::{Detector, Model, Pyramid, PyramidNetwork, Trainer};
use tal_engine::{PaddedBatch, TrainingBatch};
use tch::Device;

use crate::{Uniform, config};

/// Configuration of the repository and size of a recording.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    /// Name of the configuration.
    pub config: &'static str,
    /// Length of a recording in features.
    pub len: usize,
    /// Number of actions in a training recording.
    pub num_actions: usize,
    /// Precision of the products in convolutions.
    pub precision: Precision,
}

/// Recordings to predict.
pub const PREDICT: [Workload; 5] = [
    workload("thumos14_i3d", 2304, 15),
    workload("thumos14_i3d", 750, 15),
    workload("activitynet_tsp", 110, 2),
    workload("epic_kitchens100_noun", 2304, 60),
    workload("gtea", 1152, 20),
];

/// Recordings to predict if [`multiplies_bfloat16`]; other processors emulate it.
pub const PREDICT_BFLOAT16: [Workload; 2] = [
    workload("thumos14_i3d", 2304, 15).in_bfloat16(),
    workload("thumos14_i3d", 750, 15).in_bfloat16(),
];

/// Recordings for which encoder and decoder are timed separately.
pub const PYRAMIDS: [Workload; 2] = [PREDICT[0], PREDICT[1]];

/// Batches of two to train on.
pub const TRAIN_STEP: [Workload; 4] = [
    workload("thumos14_i3d", 2304, 15),
    workload("thumos14_i3d", 1207, 15),
    workload("epic_kitchens100_noun", 2304, 60),
    workload("gtea", 1152, 20),
];

const fn workload(config: &'static str, len: usize, num_actions: usize) -> Workload {
    Workload {
        config,
        len,
        num_actions,
        precision: Precision::Float32,
    }
}

/// Every workload with its name, `predict/…` or `train_step/…`; those in bfloat16 if [`multiplies_bfloat16`].
pub fn cases() -> impl Iterator<Item = (String, Workload)> {
    let named = |kind: &'static str| {
        move |workload: Workload| (format!("{kind}/{}", workload.name()), workload)
    };
    let bfloat16 = multiplies_bfloat16().then_some(PREDICT_BFLOAT16);
    let predict = PREDICT.into_iter().chain(bfloat16.into_iter().flatten());
    let predict = predict.map(named("predict"));
    predict.chain(TRAIN_STEP.into_iter().map(named("train_step")))
}

/// Whether this processor has instructions for products of bfloat16.
pub fn multiplies_bfloat16() -> bool {
    #[cfg(target_arch = "x86_64")]
    let has = std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512bf16");
    #[cfg(not(target_arch = "x86_64"))]
    let has = false;
    has
}

impl Workload {
    const fn in_bfloat16(self) -> Self {
        Self {
            precision: Precision::Bfloat16,
            ..self
        }
    }

    /// `CONFIG/LENGTH`, with the suffix `/bfloat16` if that is the precision.
    pub fn name(&self) -> String {
        let suffix = match self.precision {
            Precision::Bfloat16 => "/bfloat16",
            _ => "",
        };
        format!("{}/{}{suffix}", self.config, self.len)
    }

    /// Configuration of the repository, with the precision of the workload and without class scores, which are files of the data set.
    pub fn config(&self) -> Config {
        let mut config = config(self.config, &[]);
        config.inference.external_scores = None;
        config.inference.precision = self.precision;
        config
    }

    fn array(&self, num_channels: usize) -> FeatureArray {
        let mut random = Uniform::new(self.len as u64);
        let data = (0..num_channels * self.len)
            .map(|_| random.draw() as f32 - 0.5)
            .collect();
        FeatureArray::from_channel_first(data, num_channels, self.len)
    }

    /// Detector with random weights: the worst case for suppression, because nearly every pair of class and point passes
    /// the threshold.
    ///
    /// # Panics
    /// If the configuration cannot be built.
    pub fn detector(&self) -> Detector {
        let config = self.config();
        tch::manual_seed(1);
        let model = Model::<Pyramid>::new(&config, &[], Device::Cpu).expect("a network");
        let kind = config.train.checkpoint.weights;
        Detector::from_model(model, &ClassMap::default(), kind).expect("no class scores")
    }

    /// Features of a recording.
    pub fn features(&self) -> Features {
        Features {
            id: self.config.to_owned(),
            array: Arc::new(self.array(self.config().dataset.input_dim)),
            grid: TimeGrid {
                fps: 30.0,
                feat_stride: 4.0,
                num_frames: 16.0,
            },
            duration: None,
        }
    }

    /// [`Workload::features`], padded as for prediction.
    pub fn recording(&self) -> PaddedBatch {
        let config = self.config();
        let padded_len = (config.encoder).padded_len(self.len, config.dataset.max_seq_len);
        let array = self.array(config.dataset.input_dim);
        PaddedBatch::new(&[&array], padded_len, Device::Cpu)
    }

    /// Trainer before its first step.
    ///
    /// # Panics
    /// If the configuration cannot be built.
    pub fn trainer(&self) -> Trainer<Pyramid> {
        Trainer::<Pyramid>::new(&self.config(), &ClassMap::default(), 100, Device::Cpu)
            .expect("a network")
    }

    /// Two recordings to train on.
    pub fn samples(&self) -> Vec<TrainingSample> {
        let config = self.config();
        let mut random = Uniform::new(3);
        let sample = |index: usize| TrainingSample {
            id: index.to_string(),
            features: Arc::new(self.array(config.dataset.input_dim)),
            segments: (0..self.num_actions)
                .map(|_| {
                    let start = random.draw() * (self.len as f64 - 40.0);
                    Segment::new(start as f32, (start + 2.0 + 38.0 * random.draw()) as f32)
                })
                .collect(),
            labels: (0..self.num_actions)
                .map(|label| label as u32 % config.dataset.num_classes as u32)
                .collect(),
        };
        (0..2).map(sample).collect()
    }

    /// [`Workload::samples`] as a batch.
    ///
    /// # Panics
    /// If the recordings are too long for the configuration.
    pub fn batch(&self) -> TrainingBatch {
        TrainingBatch::new(&self.samples(), &self.config(), Device::Cpu).expect("a batch")
    }
}

/// The network of [`Workload::detector`].
///
/// # Panics
/// If the detector is of another method.
pub fn network(detector: &Detector) -> &PyramidNetwork {
    detector.model::<Pyramid>().expect("a pyramid").network()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_workload_needs_files() {
        for workload in PREDICT.iter().chain(&PREDICT_BFLOAT16).chain(&TRAIN_STEP) {
            let config = workload.config();
            assert_eq!(
                config.inference.external_scores,
                None,
                "{}",
                workload.name()
            );
            assert_eq!(config.inference.precision, workload.precision);
        }
        let released = config("activitynet_tsp", &[]);
        assert!(released.inference.external_scores.is_some());
    }
}
