//! Feature files outside any annotation file.

use std::path::Path;
use std::sync::Arc;

use tal_core::config::DatasetConfig;

use super::prepared;
use super::timing::{Timing, check_inertial_grid};
use crate::DataError;
use crate::features::{self, Features};

/// Reads one feature file outside any annotation file, for prediction.
///
/// The id is the file's name without the configured prefix and suffix. `fps` is used where the configuration sets none;
/// `duration` is needed where `feat_stride` is null, since nothing else then says how the features lie in time.
///
/// # Shapes
/// (C, T).
///
/// # Units
/// `fps` in frames per second, `duration` in seconds.
///
/// # Errors
/// As [`crate::FeatureStore::load_file`]; no frame rate; no duration where one is needed; windows of a raw signal that do not
/// agree with `feat_stride` and `num_frames`.
pub fn read_features(
    config: &DatasetConfig,
    path: &Path,
    fps: Option<f32>,
    duration: Option<f64>,
) -> Result<Features, DataError> {
    check_inertial_grid(config)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name
        .strip_prefix(config.features.prefix.as_str())
        .unwrap_or(&name);
    let id = name
        .strip_suffix(config.features.suffix.as_str())
        .unwrap_or(name)
        .to_owned();
    let timing = Timing::new(config, &id, fps.map(f64::from), duration)?;
    let array = features::open(config).load_file(path, id.as_str().into())?;
    let grid = timing.grid(config, array.len());
    Ok(Features {
        id,
        array: Arc::new(prepared(array, config)),
        grid,
        duration,
    })
}
