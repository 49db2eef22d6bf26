//! Recordings as tensors.

use std::collections::BTreeSet;

use tal_core::nn::draw_rows;
use tal_core::{PointGrid, config::Config};
use tal_data::{FeatureArray, Features, TrainingSample};
use tal_decoder::{Action, Targets, assign};
use tch::{Device, Tensor};

use crate::error::EngineError;

/// Several recordings, padded on the right with zeros to one length.
///
/// # Shapes
/// `features` (B, D_in, T); `lens` has B entries.
#[derive(Debug)]
pub struct PaddedBatch {
    /// The features.
    pub features: Tensor,
    /// True lengths.
    pub lens: Vec<usize>,
}

impl PaddedBatch {
    /// Pads `arrays` to `padded_len` features.
    ///
    /// # Panics
    /// If an array is longer than that.
    pub fn new(arrays: &[&FeatureArray], padded_len: usize, device: Device) -> Self {
        let num_channels = arrays.first().map_or(0, |array| array.num_channels());
        let mut data = vec![0f32; arrays.len() * num_channels * padded_len];
        for (array, sample) in arrays
            .iter()
            .zip(data.chunks_mut((num_channels * padded_len).max(1)))
        {
            assert!(
                array.len() <= padded_len,
                "a recording is longer than its padding"
            );
            for (channel, row) in sample.chunks_mut(padded_len.max(1)).enumerate() {
                row[..array.len()].copy_from_slice(array.channel(channel));
            }
        }
        let shape = [arrays.len() as i64, num_channels as i64, padded_len as i64];
        Self {
            features: upload(Tensor::from_slice(&data).view(shape), device),
            lens: arrays.iter().map(|array| array.len()).collect(),
        }
    }

    /// Adds Gaussian noise with standard deviation `sigma` to the whole padded batch, from the generator of its device: drawing
    /// it on the CPU would take longer than a step on a GPU.
    pub fn add_noise(&mut self, sigma: f64) {
        if sigma > 0.0 {
            let options = (self.features.kind(), self.features.device());
            let noise = draw_rows(&self.features.size(), |size| Tensor::randn(size, options));
            self.features += noise * sigma;
        }
    }
}

/// Copies a tensor to a device. A copy to CUDA reads pinned memory, so that the program need not wait for it.
fn upload(tensor: Tensor, device: Device) -> Tensor {
    if device.is_cuda() {
        // The public function warns about its own argument, once per batch.
        let pinned = tensor.internal_pin_memory(device);
        pinned.to_device_(device, tensor.kind(), true, false)
    } else {
        tensor.to_device(device)
    }
}

/// A training batch: padded features and their targets.
pub struct TrainingBatch {
    /// The features.
    pub input: PaddedBatch,
    /// Targets of each recording.
    pub targets: Vec<Targets>,
    /// Actions of each recording, which the targets follow from.
    pub actions: Vec<Vec<Action>>,
    /// Points of the targets.
    pub points: PointGrid,
    /// Ids of the recordings.
    pub ids: Vec<String>,
    num_classes: usize,
}

impl TrainingBatch {
    /// Pads `samples` to `dataset.max_seq_len` and assigns labels to points.
    ///
    /// # Errors
    /// If there is no sample; if a sample is longer than that, or has another number of channels or an unknown class.
    pub fn new(
        samples: &[TrainingSample],
        config: &Config,
        device: Device,
    ) -> Result<Self, EngineError> {
        let padded_len = config.dataset.max_seq_len;
        check_not_empty(samples)?;
        for sample in samples {
            let array = &sample.features;
            check_sample(&sample.id, array.num_channels(), &sample.labels, config)?;
            if array.len() > padded_len {
                let reason = format!(
                    "has {} features, more than dataset.max_seq_len = {padded_len}; it must be truncated first",
                    array.len()
                );
                return Err(EngineError::recording(&sample.id, reason));
            }
        }
        let arrays: Vec<_> = samples
            .iter()
            .map(|sample| sample.features.as_ref())
            .collect();
        let points = PointGrid::new(padded_len, &config.decoder.regression_range);
        let assignment = &config.loss.assignment;
        let actions: Vec<Vec<Action>> = samples.iter().map(actions).collect();
        let targets = actions
            .iter()
            .map(|actions| assign(&points, actions, assignment))
            .collect();
        Ok(Self {
            input: PaddedBatch::new(&arrays, padded_len, device),
            targets,
            actions,
            points,
            ids: samples.iter().map(|sample| sample.id.clone()).collect(),
            num_classes: config.dataset.num_classes,
        })
    }

    /// Classes of the positive points, without those in the padding.
    pub(crate) fn positive_classes(&self) -> BTreeSet<u32> {
        let mut classes = BTreeSet::new();
        for (targets, len) in self.targets.iter().zip(&self.input.lens) {
            for level in self.points.levels() {
                let end = level.offset + len.div_ceil(level.stride as usize);
                let of_level = |point: usize| (level.offset..end).contains(&point);
                let positives = targets.positives.iter();
                let valid = positives.filter(|positive| of_level(positive.point));
                classes.extend(valid.flat_map(|positive| positive.classes.iter().copied()));
            }
        }
        classes
    }

    /// Whether the batch was made for the network of `config`.
    pub(crate) fn fits(&self, config: &Config) -> bool {
        let Config {
            dataset, decoder, ..
        } = config;
        self.num_classes == dataset.num_classes
            && self.input.features.size()[1] == dataset.input_dim as i64
            && self.points == PointGrid::new(dataset.max_seq_len, &decoder.regression_range)
    }
}

/// Checks that there is a sample.
pub(crate) fn check_not_empty<S>(samples: &[S]) -> Result<(), EngineError> {
    match samples {
        [] => Err(EngineError::Batch("has no recording")),
        _ => Ok(()),
    }
}

/// Checks that a sample has the channels of the network and no class beyond its classes.
pub(crate) fn check_sample(
    id: &str,
    num_channels: usize,
    labels: &[u32],
    config: &Config,
) -> Result<(), EngineError> {
    check_channels(id, num_channels, config)?;
    let num_classes = config.dataset.num_classes;
    match labels.iter().find(|label| **label as usize >= num_classes) {
        None => Ok(()),
        Some(label) => {
            let reason = format!(
                "has class {label}, expected one below dataset.num_classes = {num_classes}"
            );
            Err(EngineError::recording(id, reason))
        }
    }
}

/// Checks that features to predict from have the network's channels and are not empty.
pub(crate) fn check_features(features: &Features, config: &Config) -> Result<(), EngineError> {
    check_channels(&features.id, features.array.num_channels(), config)?;
    if features.array.len() == 0 {
        return Err(EngineError::recording(&features.id, "has no features"));
    }
    Ok(())
}

/// Checks that a recording has the network's channels.
fn check_channels(id: &str, num_channels: usize, config: &Config) -> Result<(), EngineError> {
    let expected = config.dataset.input_dim;
    if num_channels == expected {
        return Ok(());
    }
    let reason = format!("has {num_channels} channels, the network takes {expected}");
    Err(EngineError::recording(id, reason))
}

fn actions(sample: &TrainingSample) -> Vec<Action> {
    let actions = sample.segments.iter().zip(&sample.labels);
    actions
        .map(|(&segment, &class)| Action { segment, class })
        .collect()
}
