//! The signal that overlapping windows were cut from.

use tal_core::config::{DatasetConfig, FeatureFormat};
use tal_core::{Segment, TimeGrid};

use crate::FeatureArray;

/// Windows of a signal: a feature is the `window` samples from `stride` times its number on, flattened time-major.
///
/// Features of any other kind are samples themselves (`window` and `stride` 1).
///
/// # Units
/// Samples. Positions are continuous: sample i lies from i to i + 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignalWindows {
    window: usize,
    stride: usize,
}

impl SignalWindows {
    /// The windows of a data set: those of its raw signal if windows without gaps are all that a feature holds, otherwise
    /// features as they are.
    pub fn of(config: &DatasetConfig) -> Self {
        let features = &config.features;
        let whole = features.columns.is_none()
            && features.append.is_empty()
            && config.downsample_rate == 1
            && !config.resize;
        match features.format {
            FeatureFormat::Inertial { window, stride, .. } if whole && stride <= window => {
                Self { window, stride }
            }
            _ => Self {
                window: 1,
                stride: 1,
            },
        }
    }

    /// Samples between the starts of two windows.
    pub fn stride(self) -> usize {
        self.stride
    }

    /// The signal of windows: (`window` · n, T) to (n, samples).
    ///
    /// # Panics
    /// If there is no window, or its size does not divide the number of channels.
    pub fn unfold(self, array: &FeatureArray) -> FeatureArray {
        let Self { window, stride } = self;
        assert!(array.num_channels().is_multiple_of(window) && array.len() > 0);
        let num_channels = array.num_channels() / window;
        let len = (array.len() - 1) * stride + window;
        let mut data = Vec::with_capacity(num_channels * len);
        for channel in 0..num_channels {
            data.extend((0..len).map(|sample| {
                let feature = (sample / stride).min(array.len() - 1);
                let within = sample - feature * stride;
                array.channel(within * num_channels + channel)[feature]
            }));
        }
        FeatureArray::from_channel_first(data, num_channels, len)
    }

    /// The windows of a signal: (n, samples) to (`window` · n, T). Samples behind the last whole window are left out.
    ///
    /// # Panics
    /// If the signal is shorter than a window.
    pub fn fold(self, signal: &FeatureArray) -> FeatureArray {
        let Self { window, stride } = self;
        assert!(signal.len() >= window, "a window has {window} samples");
        let len = (signal.len() - window) / stride + 1;
        let mut data = Vec::with_capacity(window * signal.num_channels() * len);
        for sample in 0..window {
            for channel in 0..signal.num_channels() {
                let row = signal.channel(channel)[sample..].iter().step_by(stride);
                data.extend(row.take(len));
            }
        }
        FeatureArray::from_channel_first(data, window * signal.num_channels(), len)
    }

    /// Length of a signal after stretching by `factor`, at least one window.
    pub(crate) fn scaled_len(self, num_samples: usize, factor: f64) -> usize {
        ((num_samples as f64 * factor).round() as usize).max(self.window)
    }

    /// Grid units to samples: the middle of window g lies at g · stride + window / 2.
    pub(crate) fn to_samples(self, segment: Segment<f32>) -> Segment {
        let sample = |grid: f32| f64::from(grid) * self.stride as f64 + 0.5 * self.window as f64;
        Segment::new(sample(segment.start), sample(segment.end))
    }

    /// Samples to grid units.
    pub(crate) fn to_grid(self, segment: Segment) -> Segment<f32> {
        let grid = |sample: f64| ((sample - 0.5 * self.window as f64) / self.stride as f64) as f32;
        Segment::new(grid(segment.start), grid(segment.end))
    }

    /// The grid of windows of a signal that was stretched by `factor`, on the clock of the recording.
    ///
    /// Window g of the stretched signal has its middle at (g · stride + window / 2) / factor of the original one.
    pub(crate) fn scaled_grid(self, grid: &TimeGrid, factor: f64) -> TimeGrid {
        let frames_per_sample = f64::from(grid.feat_stride) / self.stride as f64;
        let window = self.window as f64;
        let added = (window / factor - window) * frames_per_sample;
        TimeGrid {
            fps: grid.fps,
            feat_stride: (f64::from(grid.feat_stride) / factor) as f32,
            num_frames: (f64::from(grid.num_frames) + added) as f32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn unfolding_gives_the_signal_back(
            window in 1..12usize, gap in 0..12usize, num_channels in 1..4usize, num_windows in 1..10usize,
        ) {
            let windows = SignalWindows { window, stride: (window - gap.min(window - 1)).max(1) };
            let len = (num_windows - 1) * windows.stride + window;
            let data = (0..num_channels * len).map(|value| value as f32).collect();
            let signal = FeatureArray::from_channel_first(data, num_channels, len);
            let folded = windows.fold(&signal);
            prop_assert_eq!(folded.len(), num_windows);
            prop_assert_eq!(&windows.unfold(&folded), &signal);
            // Window g begins at sample g · stride; values are time-major.
            let (last, first) = (folded.len() - 1, num_channels - 1);
            prop_assert_eq!(folded.channel(first)[last], signal.channel(first)[last * windows.stride]);
        }

        #[test]
        fn the_stretched_grid_keeps_the_clock(
            window in 1..60usize, gap in 0..60usize, factor in 0.5..2.0f64, position in 0.0..500f32,
        ) {
            let stride = (window - gap.min(window - 1)).max(1);
            let windows = SignalWindows { window, stride };
            let grid = TimeGrid { fps: 50.0, feat_stride: stride as f32, num_frames: window as f32 };
            let scaled = windows.scaled_grid(&grid, factor);
            let samples = windows.to_samples(Segment::new(position, position));
            let moved = windows.to_grid(Segment::new(samples.start * factor, samples.end * factor));
            let (before, after) = (grid.to_seconds(position), scaled.to_seconds(moved.start));
            prop_assert!((before - after).abs() < 1e-4 * before.max(1.0), "{} {}", before, after);
        }
    }
}
