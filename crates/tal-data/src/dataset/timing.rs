//! Grids of features in time that depend on the recording.

use std::sync::Arc;

use tal_core::TimeGrid;
use tal_core::config::{DatasetConfig, FeatureFormat};

use super::resize;
use crate::{DataError, FeatureArray};

/// Frame rate and duration of a recording.
///
/// # Units
/// `fps` in frames per second, `duration` in seconds.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    fps: f64,
    duration: Option<f64>,
}

impl Timing {
    /// `fps` and `duration` are the recording's own; the configured frame rate wins.
    ///
    /// # Errors
    /// A frame rate or a duration that the configuration needs is unknown.
    pub fn new(
        config: &DatasetConfig,
        id: &str,
        fps: Option<f64>,
        duration: Option<f64>,
    ) -> Result<Self, DataError> {
        let fps = match (config.fps.map(f64::from).or(fps), config.feat_stride) {
            (Some(fps), _) => fps,
            // Features of fixed length share out the duration; frames cancel out.
            (None, None) => 1.0,
            (None, Some(_)) => return Err(DataError::MissingFps(id.to_owned())),
        };
        if config.feat_stride.is_none() && duration.is_none() {
            return Err(DataError::MissingDuration(id.to_owned()));
        }
        Ok(Self { fps, duration })
    }

    /// The grid of a recording with `num_features` stored features, after every `downsample_rate`-th was taken and
    /// `resize` was done.
    ///
    /// With T features left, σ = `feat_stride` · `downsample_rate`, w = `num_frames` and m = `max_seq_len`:
    ///
    /// ```text
    ///                    as they are              resize
    /// feat_stride: σ     σ, w                     σ' = ((T − 1)·σ + w) / m,      w' = σ'
    /// feat_stride: null  σ' = duration·fps / T    σ' = duration·fps / m,         w' = σ'
    /// ```
    ///
    /// # Source
    /// The authors' public code, the three cases of ActivityNet and HACS.
    pub fn grid(&self, config: &DatasetConfig, num_features: usize) -> TimeGrid {
        let len = num_features.div_ceil(config.downsample_rate).max(1);
        let fps = self.fps as f32;
        let frames = match (config.feat_stride, self.duration) {
            (Some(feat_stride), _) if !config.resize => {
                let grid = TimeGrid {
                    fps,
                    feat_stride,
                    num_frames: config.num_frames,
                };
                return grid.downsampled(config.downsample_rate);
            }
            (Some(feat_stride), _) => {
                let stride = f64::from(feat_stride) * config.downsample_rate as f64;
                let frames = (len - 1) as f64 * stride + f64::from(config.num_frames);
                // One feature of no frames (`num_frames: 0`) would have no extent at all.
                if frames > 0.0 { frames } else { stride }
            }
            // `new` refused recordings without duration.
            (None, duration) => duration.unwrap_or(1.0) * self.fps,
        };
        let len = if config.resize {
            config.max_seq_len
        } else {
            len
        };
        let feat_stride = (frames / len as f64) as f32;
        TimeGrid {
            fps,
            feat_stride,
            num_frames: feat_stride,
        }
    }

    /// Duration of the recording in seconds, if it is known.
    pub fn duration(&self) -> Option<f64> {
        self.duration
    }

    /// Every `downsample_rate`-th feature, then `resize`; and the grid of the remaining features.
    pub(crate) fn prepare(
        &self,
        config: &DatasetConfig,
        array: FeatureArray,
    ) -> (Arc<FeatureArray>, TimeGrid) {
        let grid = self.grid(config, array.len());
        let array = match config.downsample_rate {
            1 => array,
            rate => array.every(rate),
        };
        let array = if config.resize && array.len() != config.max_seq_len {
            resize::linear(&array, config.max_seq_len)
        } else {
            array
        };
        (Arc::new(array), grid)
    }
}

/// Whether windows of a raw signal agree with the configured grid.
///
/// # Errors
/// If they do not.
pub fn check_inertial_grid(config: &DatasetConfig) -> Result<(), DataError> {
    let FeatureFormat::Inertial { window, stride, .. } = &config.features.format else {
        return Ok(());
    };
    let fields = [
        ("feat_stride", config.feat_stride, *stride),
        ("num_frames", Some(config.num_frames), *window),
    ];
    match fields
        .into_iter()
        .find(|(_, found, expected)| *found != Some(*expected as f32))
    {
        Some((field, found, expected)) => Err(DataError::InertialGrid {
            field,
            found: found.map_or("null".to_owned(), |found| found.to_string()),
            expected,
        }),
        None => Ok(()),
    }
}
