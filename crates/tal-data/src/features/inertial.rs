//! Raw sensor signals cut into windows.

use std::path::Path;

use super::npy::Array;
use super::{FeatureArray, FeatureError};

/// Number of windows in a signal: `⌊(num_samples − window) / stride⌋ + 1`, zero if the signal is shorter than one.
///
/// # Units
/// All in samples.
///
/// # Panics
/// If `stride` is zero.
pub fn num_windows(num_samples: usize, window: usize, stride: usize) -> usize {
    match num_samples.checked_sub(window) {
        Some(rest) => rest / stride + 1,
        None => 0,
    }
}

/// Windows of a signal, each flattened time-major: value `s · n + c` of feature `i` is channel c of sample
/// `i · stride + s`.
///
/// # Shapes
/// `signal` (samples, all channels) → (window · n, num_windows), n the number of chosen channels.
///
/// # Units
/// `window` and `stride` in samples.
///
/// # Errors
/// If a channel is not there or the signal is shorter than one window; errors name `path`.
///
/// # Panics
/// If `signal` is not a matrix or `stride` is zero.
///
/// # Source
/// Bock et al. (2024), *Temporal Action Localization for Inertial-based Human Activity Recognition*.
pub fn windows(
    signal: &Array,
    window: usize,
    stride: usize,
    channels: Option<&[usize]>,
    path: &Path,
) -> Result<FeatureArray, FeatureError> {
    let [num_samples, num_columns] = signal.shape[..] else {
        panic!("a signal is a matrix, not {:?}", signal.shape);
    };
    let all: Vec<usize> = (0..num_columns).collect();
    let channels = channels.unwrap_or(&all);
    if let Some(channel) = channels.iter().find(|c| **c >= num_columns) {
        return Err(FeatureError::NoSuchChannel {
            path: path.to_owned(),
            channel: *channel,
            found: num_columns,
        });
    }
    let len = num_windows(num_samples, window, stride);
    if len == 0 {
        return Err(FeatureError::ShorterThanWindow {
            path: path.to_owned(),
            window,
            found: num_samples,
        });
    }
    let mut data = Vec::with_capacity(window * channels.len() * len);
    for sample in 0..window {
        for channel in channels {
            data.extend(
                (0..len).map(|i| signal.data[(i * stride + sample) * num_columns + channel]),
            );
        }
    }
    Ok(FeatureArray::from_channel_first(
        data,
        window * channels.len(),
        len,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn signal(num_samples: usize, num_columns: usize) -> Array {
        Array {
            shape: vec![num_samples, num_columns],
            data: (0..num_samples * num_columns).map(|v| v as f32).collect(),
        }
    }

    #[test]
    fn the_published_sizes() {
        // SBHAR: accelerometer only, one second with half overlap, 150 values.
        let features = windows(&signal(125, 6), 50, 25, Some(&[0, 1, 2]), Path::new("x")).unwrap();
        assert_eq!((features.num_channels(), features.len()), (150, 4));
        assert_eq!(num_windows(49, 50, 25), 0);
        assert_eq!(num_windows(50, 50, 25), 1);
        assert_eq!(num_windows(74, 50, 25), 1);
    }

    #[test]
    fn missing_channels_and_short_signals_are_named() {
        let error = windows(&signal(60, 3), 50, 25, Some(&[0, 3]), Path::new("x.npy")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "x.npy: channel 3 is wanted, but the signal has 3 (0 to 2)"
        );
        let error = windows(&signal(49, 3), 50, 25, None, Path::new("x.npy")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "x.npy: 49 samples; expected at least 50, one window"
        );
    }

    proptest! {
        #[test]
        fn windows_equal_the_naive_ones(
            num_samples in 1..80usize, num_columns in 1..5usize, window in 1..20usize, stride in 1..20usize,
            reversed: bool,
        ) {
            prop_assume!(num_samples >= window);
            let signal = signal(num_samples, num_columns);
            let mut channels: Vec<usize> = (0..num_columns).collect();
            if reversed {
                channels.reverse();
            }
            let features = windows(&signal, window, stride, Some(&channels), Path::new("x")).unwrap();
            let mut start = 0;
            let mut count = 0;
            while start + window <= num_samples {
                let mut flat = Vec::new();
                for sample in start..start + window {
                    for channel in &channels {
                        flat.push(signal.data[sample * num_columns + channel]);
                    }
                }
                let column: Vec<f32> = (0..features.num_channels()).map(|c| features.channel(c)[count]).collect();
                prop_assert_eq!(column, flat);
                start += stride;
                count += 1;
            }
            prop_assert_eq!(count, features.len());
        }
    }
}
