//! Recordings at another tempo.

use std::sync::Arc;

use tal_core::Segment;

use super::windows::SignalWindows;
use crate::dataset::Features;
use crate::dataset::resize::linear;

/// Features of a recording whose signal is stretched by `factor` (above 1: slower). Their grid keeps the clock of the recording, so
/// that detections come out in its seconds.
///
/// # Panics
/// If there is no feature, or `factor` is not above 0.
pub fn rescaled(features: &Features, windows: SignalWindows, factor: f64) -> Features {
    assert!(factor > 0.0, "a factor above 0");
    let signal = windows.unfold(&features.array);
    let len = windows.scaled_len(signal.len(), factor);
    let exact = len as f64 / signal.len() as f64;
    Features {
        id: features.id.clone(),
        array: Arc::new(windows.fold(&linear(&signal, len))),
        grid: windows.scaled_grid(&features.grid, exact),
        duration: features.duration,
    }
}

/// The same place on a signal that is stretched by `factor`.
///
/// # Units
/// Samples.
pub(super) fn stretched(segment: Segment, factor: f64) -> Segment {
    Segment::new(segment.start * factor, segment.end * factor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FeatureArray;
    use tal_core::TimeGrid;
    use tal_core::config::DatasetConfig;

    #[test]
    fn a_step_stays_at_its_second() {
        let len = 200;
        let data = (0..len).map(|t| f32::from(u8::from(t >= 80))).collect();
        let features = Features {
            id: "r".into(),
            array: Arc::new(FeatureArray::from_channel_first(data, 1, len)),
            grid: TimeGrid {
                fps: 10.0,
                feat_stride: 4.0,
                num_frames: 16.0,
            },
            duration: Some(80.0),
        };
        let windows = SignalWindows::of(&DatasetConfig::default());
        // The step lies between features 79 and 80.
        let second = features.grid.to_seconds(79.5);
        for factor in [0.5, 0.7, 1.0, 1.3, 2.0] {
            let scaled = rescaled(&features, windows, factor);
            assert_eq!(scaled.array.len(), (len as f64 * factor).round() as usize);
            let after = scaled.array.channel(0).iter().position(|v| *v >= 0.5);
            let found = scaled.grid.to_seconds(after.unwrap() as f32 - 0.5);
            assert!(
                (found - second).abs() <= scaled.grid.feat_stride / 10.0,
                "{factor}: {found} s, expected {second} s"
            );
        }
    }
}
