//! Features of a recording, with their grid in time.

use std::path::Path;
use std::sync::Arc;

use tal_core::TimeGrid;
use tal_core::config::DatasetConfig;

use super::timing::{Timing, check_inertial_grid};
use crate::features::store;
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

    pub(super) fn prepared(
        config: &DatasetConfig,
        id: String,
        array: FeatureArray,
        timing: &Timing,
    ) -> Self {
        let (array, grid) = timing.prepare(config, array);
        Self {
            id,
            array,
            grid,
            duration: timing.duration(),
        }
    }
}
