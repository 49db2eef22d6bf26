//! Features of a recording, with their grid in time; also of one outside any annotation file.

use std::path::Path;
use std::sync::Arc;

use tal_core::TimeGrid;
use tal_core::config::DatasetConfig;

use super::timing::{Timing, check_inertial_grid};
use crate::features::{self, store};
use crate::{DataError, FeatureArray};

/// The features of one recording and their grid in time: the input of a detector.
///
/// # Shapes
/// `array` is (C, T).
///
/// # Units
/// `duration` in seconds; `grid` relates the T features to seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    /// The recording's id.
    pub id: String,
    /// The values; shared, since a cache may hold them too.
    pub array: Arc<FeatureArray>,
    /// Grid of the features in time, down-sampling included.
    pub grid: TimeGrid,
    /// Duration of the recording; `None` if it is not known.
    pub duration: Option<f64>,
}

impl Features {
    /// The end of the last window: where the recording ends, as far as its features tell.
    ///
    /// # Units
    /// Seconds.
    pub fn end(&self) -> f64 {
        let grid = &self.grid;
        let last = (self.array.len().max(1) - 1) as f32 * grid.feat_stride;
        f64::from((last + grid.num_frames.max(grid.feat_stride)) / grid.fps)
    }

    /// Features from values in memory, treated as those of a file: `columns` are chosen, every `downsample_rate`-th feature
    /// is taken, and `resize` is done. If the configuration has `append`, the array must hold the channels of all files.
    ///
    /// `fps` counts only if the configuration sets none; `duration` is needed if `feat_stride` is null, since nothing else
    /// then says how the features lie in time.
    ///
    /// # Shapes
    /// `array` is (C, T) as a file has it, before anything is chosen.
    ///
    /// # Units
    /// `fps` in frames per second, `duration` in seconds.
    ///
    /// # Errors
    /// No feature; another number of channels than `input_dim`; a value that is not finite; no frame rate; no duration if one
    /// is needed; windows of a raw signal that do not agree with `feat_stride` and `num_frames`. Errors name the id.
    pub fn from_array(
        config: &DatasetConfig,
        id: impl Into<String>,
        array: FeatureArray,
        fps: Option<f64>,
        duration: Option<f64>,
    ) -> Result<Self, DataError> {
        let id = id.into();
        check_inertial_grid(config)?;
        let timing = Timing::new(config, &id, fps, duration)?;
        let array = store::checked(config, array, Path::new(&id))?;
        Ok(Self::prepared(config, id, array, &timing))
    }

    fn prepared(config: &DatasetConfig, id: String, array: FeatureArray, timing: &Timing) -> Self {
        let (array, grid) = timing.prepare(config, array);
        Self {
            id,
            array,
            grid,
            duration: timing.duration(),
        }
    }
}

/// Reads one feature file outside any annotation file, for prediction.
///
/// The id is the file's name without the configured prefix and suffix. `fps` and `duration` are those of
/// [`Features::from_array`].
///
/// # Shapes
/// (C, T).
///
/// # Units
/// `fps` in frames per second, `duration` in seconds.
///
/// # Errors
/// Those of [`crate::FeatureStore::load_file`] and [`Features::from_array`].
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
    Ok(Features::prepared(config, id, array, &timing))
}
