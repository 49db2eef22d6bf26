//! A checkpoint and values in memory to detections.

use std::error::Error;
use std::path::Path;

use tal_core::Detection;
use tal_data::{FeatureArray, Features};
use tal_engine::Detector;
use tch::Device;

/// Detections in `values` (T × C, one position after the other), best first.
pub(crate) fn detect(
    checkpoint: &Path,
    values: Vec<f32>,
) -> Result<Vec<Detection>, Box<dyn Error>> {
    let detector = Detector::load(checkpoint, None, Device::Cpu)?;
    let dataset = &detector.config().dataset;
    let len = values.len() / dataset.input_dim;
    let array = FeatureArray::from_time_first(&values, dataset.input_dim, len);
    let features = Features::from_array(dataset, "in memory", array, None, None)?;
    Ok(detector.detect(&features)?)
}
