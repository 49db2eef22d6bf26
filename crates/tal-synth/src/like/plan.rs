//! Recordings of a synthetic data set that fit a configuration.

use tal_core::TimeGrid;
use tal_core::config::{DatasetConfig, FeatureFormat};

use crate::config::NUM_DIRECTIONS;
use crate::{SynthConfig, SynthError};

/// Frames per second if the configuration leaves them to the annotations.
const DEFAULT_FPS: f32 = 30.0;
/// Classes of a data set whose detector does not tell them apart.
const ANY_CLASSES: usize = 10;
/// Fewest features of a recording, where `max_seq_len` is small: there must be room for an action.
const MIN_LENGTH: usize = 16;
/// Shortest median length of a class, longest relative to the shortest recording, and mean gap: all in features.
const SHORTEST: f64 = 5.0;
const LONGEST_SHARE: f64 = 0.3;
const GAP: f64 = 8.0;
/// Actions that are laid out for each class, so that chance leaves none out.
const ACTIONS_PER_CLASS: f64 = 1.5;

/// How recordings are made and how they lie in time.
pub(super) struct Plan {
    /// For the generator; its unit of length is that of the files: features or samples of a raw signal.
    pub(super) synth: SynthConfig,
    /// The grid of the stored values; `None` if it follows from each recording's duration.
    grid: Option<TimeGrid>,
    fps: f32,
    /// Stored values over time for one feature of the network.
    unit: usize,
    /// More of a raw signal, so that its last window is whole.
    tail: usize,
    max_seq_len: usize,
    /// Whether all recordings have `max_seq_len` features.
    fixed: bool,
    /// Channels that are stored; the generator may need more.
    pub(super) num_channels: usize,
}

impl Plan {
    pub(super) fn new(config: &DatasetConfig, count: usize, seed: u64) -> Result<Self, SynthError> {
        let fps = config.fps.unwrap_or(DEFAULT_FPS);
        let (unit, tail, num_channels) = match &config.features.format {
            FeatureFormat::Inertial {
                window,
                stride,
                channels,
            } => {
                let highest = channels.iter().flatten().max().map(|channel| channel + 1);
                let num_channels = highest.unwrap_or((config.input_dim / window).max(1));
                (*stride, window.saturating_sub(*stride), num_channels)
            }
            _ => (1, 0, config.input_dim),
        };
        let unit = unit * config.downsample_rate;
        let is_raw = matches!(config.features.format, FeatureFormat::Inertial { .. });
        let grid = |feat_stride, num_frames| TimeGrid {
            fps,
            feat_stride,
            num_frames,
        };
        let grid = match config.feat_stride {
            _ if is_raw => Some(grid(1.0, 1.0)),
            stride => stride.map(|stride| grid(stride, config.num_frames)),
        };
        let mut synth = SynthConfig {
            num_train: count,
            num_test: count,
            num_classes: match config.class_agnostic {
                true => ANY_CLASSES,
                false => config.num_classes,
            },
            num_channels: num_channels.max(NUM_DIRECTIONS),
            fps,
            // A window must not be empty for the renderer.
            feat_stride: grid.map_or(1.0, |grid| grid.feat_stride),
            num_frames: grid.map_or(1.0, |grid| grid.num_frames.max(grid.feat_stride * 0.01)),
            difficulty: 0.3,
            seed,
            // Context tells classes apart only if there is room for it.
            confusable_share: 0.0,
            cue_distance: (0.0, 0.0),
            ..SynthConfig::default()
        };
        let shortest = (config.max_seq_len / 2).max(MIN_LENGTH);
        // The shortest recording is three quarters of the mean.
        synth.mean_length = (shortest * unit * 4).div_ceil(3) + 1;
        let room = f64::from(u32::try_from(shortest).unwrap_or(u32::MAX));
        let (durations, gap) = spread(room, config.max_seq_len, count, synth.num_classes);
        let unit_length = unit as f64;
        synth.durations = (durations.0 * unit_length, durations.1 * unit_length);
        synth.mean_gap = gap * unit_length;
        synth.validate()?;
        Ok(Self {
            synth,
            grid,
            fps,
            unit,
            tail,
            max_seq_len: config.max_seq_len,
            fixed: config.feat_stride.is_none() && !config.resize,
            num_channels,
        })
    }

    /// Range of the stored lengths of recording `number` of a subset: they are shorter and longer than `max_seq_len` by
    /// turns.
    pub(super) fn lengths(&self, number: usize) -> (usize, usize) {
        let stored = |len: usize| len * self.unit + self.tail;
        if self.fixed {
            return (stored(self.max_seq_len), stored(self.max_seq_len));
        }
        let shortest = (self.max_seq_len / 2).max(MIN_LENGTH);
        let (low, high) = if number.is_multiple_of(2) && shortest < self.max_seq_len {
            (shortest, self.max_seq_len)
        } else {
            (self.max_seq_len + 1, self.max_seq_len * 3 / 2)
        };
        let low = low.max(shortest);
        (stored(low), stored(high.max(low)))
    }

    /// The grid of a recording of `len` stored values and its duration in seconds; `seconds` is the duration of a recording of fixed
    /// length.
    pub(super) fn timing(&self, len: usize, seconds: f64) -> (TimeGrid, f64) {
        match self.grid {
            Some(grid) => (grid, crate::duration(&grid, len)),
            None => {
                let stride = (seconds * f64::from(self.fps) / len as f64) as f32;
                let grid = TimeGrid {
                    fps: self.fps,
                    feat_stride: stride,
                    num_frames: stride,
                };
                (grid, seconds)
            }
        }
    }
}

/// Median lengths of the shortest and the longest class and the mean gap, in features, such that the classes find room in
/// `count` recordings.
fn spread(
    shortest: f64,
    max_seq_len: usize,
    count: usize,
    num_classes: usize,
) -> ((f64, f64), f64) {
    let longest = (LONGEST_SHARE * shortest).max(3.0);
    let low = SHORTEST.min(longest);
    // Of lengths in a geometric sequence.
    let mean = match longest > low {
        true => (longest - low) / (longest / low).ln(),
        false => low,
    };
    let total = count as f64 * (max_seq_len as f64).max(shortest);
    let per_action = total / (ACTIONS_PER_CLASS * num_classes as f64);
    if mean + GAP <= per_action {
        return ((low, longest), GAP);
    }
    let length = (0.7 * per_action).clamp(3.0, longest);
    let low = (0.6 * length).clamp(3.0, length);
    let high = (1.5 * length).clamp(low, longest.max(low));
    ((low, high), (0.3 * per_action).clamp(0.5, GAP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_classes_get_short_actions() {
        let ((low, high), gap) = spread(1152.0, 2304, 20, 20);
        assert_eq!((low, gap), (5.0, 8.0));
        assert!((high - 345.6).abs() < 1e-9);
        let ((low, high), gap) = spread(1152.0, 2304, 2, 300);
        // 4608 features for 450 actions: about 10 each, of which 7 are the action's.
        assert!(low >= 3.0 && high < 12.0 && gap < 4.0, "{low} {high} {gap}");
        let ((low, high), gap) = spread(16.0, 16, 1, 300);
        assert!(
            low == 3.0 && high == 4.5 && gap == 0.5,
            "{low} {high} {gap}"
        );
    }
}
