//! Conversion between frames, features and seconds.

use serde::{Deserialize, Serialize};

use crate::Segment;

/// Position of a recording's features in time.
///
/// Feature `i` is computed from `num_frames` frames, starting at frame `i · feat_stride`; the middle of these frames is the
/// grid position `i`. All conversions are computed in `f32`, in the order of the released code, so that grid positions agree
/// with it to the last bit.
///
/// # Units
/// `fps` in frames per second, `feat_stride` and `num_frames` in frames.
///
/// # Source
/// The authors' public code; the same convention as ActionFormer, TriDet and OpenTAD.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TimeGrid {
    /// Frames (or samples) per second of the recording.
    pub fps: f32,
    /// Frames between two neighbouring features.
    pub feat_stride: f32,
    /// Frames that one feature is computed from.
    pub num_frames: f32,
}

impl TimeGrid {
    /// Seconds to grid units: `(s · fps − 0.5 · num_frames) / feat_stride`.
    pub fn to_grid(&self, seconds: f64) -> f32 {
        (seconds as f32 * self.fps - 0.5 * self.num_frames) / self.feat_stride
    }

    /// Grid units to seconds: `(g · feat_stride + 0.5 · num_frames) / fps`.
    pub fn to_seconds(&self, grid: f32) -> f32 {
        (grid * self.feat_stride + 0.5 * self.num_frames) / self.fps
    }

    /// [`TimeGrid::to_grid`] of both ends.
    pub fn segment_to_grid(&self, seconds: Segment) -> Segment<f32> {
        Segment::new(self.to_grid(seconds.start), self.to_grid(seconds.end))
    }

    /// [`TimeGrid::to_seconds`] of both ends.
    pub fn segment_to_seconds(&self, grid: Segment<f32>) -> Segment {
        Segment::new(
            f64::from(self.to_seconds(grid.start)),
            f64::from(self.to_seconds(grid.end)),
        )
    }

    /// The grid of every `rate`-th feature.
    pub fn downsampled(&self, rate: usize) -> Self {
        Self {
            feat_stride: self.feat_stride * rate as f32,
            ..*self
        }
    }

    /// Number of features that fit into `duration` seconds.
    pub fn num_features(&self, duration: f64) -> usize {
        let frames = duration * f64::from(self.fps) - f64::from(self.num_frames);
        if frames < 0.0 {
            0
        } else {
            (frames / f64::from(self.feat_stride)).floor() as usize + 1
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const THUMOS: TimeGrid = TimeGrid {
        fps: 30.0,
        feat_stride: 4.0,
        num_frames: 16.0,
    };

    #[test]
    fn the_middle_of_the_first_window_is_the_origin() {
        assert_eq!(THUMOS.to_grid(8.0 / 30.0), 0.0);
        assert_eq!(THUMOS.to_seconds(0.0), 8.0 / 30.0);
    }

    #[test]
    fn features_are_counted_by_whole_windows() {
        assert_eq!(THUMOS.num_features(15.0 / 30.0), 0);
        assert_eq!(THUMOS.num_features(16.0 / 30.0), 1);
        assert_eq!(THUMOS.num_features(20.0 / 30.0), 2);
        let inertial = TimeGrid {
            fps: 50.0,
            feat_stride: 25.0,
            num_frames: 50.0,
        };
        assert_eq!(inertial.num_features(2.0), 3);
    }

    proptest! {
        #[test]
        fn there_and_back(
            seconds in 0.0..1e4f64, fps in 1.0..120f32, stride in 1.0..64f32, frames in 1.0..64f32,
        ) {
            let grid = TimeGrid { fps, feat_stride: stride, num_frames: frames };
            let back = f64::from(grid.to_seconds(grid.to_grid(seconds)));
            prop_assert!((back - seconds).abs() <= 1e-5 * seconds.max(f64::from(frames / fps)) + 1e-5);
        }
    }
}
