//! Signals below the time axis.

use std::collections::BTreeMap;

use anyhow::Result;
use tal_core::Recording;
use tal_core::config::{DatasetConfig, FeatureFormat};
use tal_data::{Dataset, FeatureArray};
use tal_report::page::{Channel, Signal};

use super::sources::RunFolder;
use crate::args::SignalArg;
use crate::failure::bail_usage;

/// Most channels that are shown one by one.
const MAX_CHANNELS: usize = 6;

/// Signals of the recordings, as the run reads them.
pub(super) fn read(
    which: SignalArg,
    run: Option<&RunFolder>,
    recordings: &[&Recording],
) -> Result<BTreeMap<String, Signal>> {
    let Some(run) = run else {
        if which == SignalArg::Features {
            bail_usage!(
                "--signal features: none of the inputs is a run folder, whose configuration says how features are read"
            );
        }
        return Ok(BTreeMap::new());
    };
    let config = &run.config.dataset;
    let is_raw = matches!(config.features.format, FeatureFormat::Inertial { .. });
    match which {
        SignalArg::None => return Ok(BTreeMap::new()),
        SignalArg::Auto if !is_raw => return Ok(BTreeMap::new()),
        _ => {}
    }
    let dataset = match Dataset::open(config, &config.test_subsets) {
        Ok(dataset) => dataset,
        // A report needs no features: they may be on another machine.
        Err(error) if which == SignalArg::Auto => {
            tracing::warn!("the report has no signals: {error}");
            return Ok(BTreeMap::new());
        }
        Err(error) => return Err(error.into()),
    };
    let mut signals = BTreeMap::new();
    for index in 0..dataset.num_recordings() {
        let id = &dataset.recording(index).id;
        if recordings.iter().any(|recording| recording.id == *id) {
            let features = dataset.features(index)?;
            let rows = &features.array;
            let grid = &features.grid;
            let stride = f64::from(grid.feat_stride / grid.fps);
            let (channels, num_samples) = channels(config, rows);
            signals.insert(
                id.clone(),
                Signal {
                    start: 0.0,
                    end: match num_samples {
                        Some(samples) => samples as f64 / f64::from(grid.fps),
                        None => rows.len() as f64 * stride,
                    },
                    channels,
                },
            );
        }
    }
    Ok(signals)
}

/// Channels of a raw signal with the number of its samples, or the features themselves.
fn channels(config: &DatasetConfig, rows: &FeatureArray) -> (Vec<Channel>, Option<usize>) {
    let named = |name: String, values: &[f32]| Channel::new(name, values);
    if let FeatureFormat::Inertial { window, stride, .. } = config.features.format
        && config.downsample_rate == 1
        && !config.resize
        && config.features.append.is_empty()
        && window > 0
    {
        let num_channels = rows.num_channels() / window;
        let signal = |channel| unrolled(rows, num_channels, channel, (window, stride));
        let channels: Vec<Vec<f32>> = (0..num_channels.min(MAX_CHANNELS)).map(signal).collect();
        let num_samples = channels.first().map(Vec::len);
        let all = channels.iter().enumerate();
        let channels = all.map(|(at, values)| named(format!("channel {}", at + 1), values));
        return (channels.collect(), num_samples);
    }
    if rows.num_channels() <= MAX_CHANNELS {
        let all =
            (0..rows.num_channels()).map(|c| named(format!("channel {}", c + 1), rows.channel(c)));
        return (all.collect(), None);
    }
    let norm: Vec<f32> = (0..rows.len())
        .map(|t| {
            let squares = (0..rows.num_channels()).map(|c| rows.channel(c)[t].powi(2));
            squares.sum::<f32>().sqrt()
        })
        .collect();
    (vec![named("norm of the features".to_owned(), &norm)], None)
}

/// A channel of the signal that was cut into windows, time-major: the first `stride` samples of each window, then the rest of
/// the last one.
fn unrolled(
    rows: &FeatureArray,
    num_channels: usize,
    channel: usize,
    (window, stride): (usize, usize),
) -> Vec<f32> {
    let mut signal = Vec::new();
    for at in 0..rows.len() {
        let num = match at + 1 == rows.len() {
            true => window,
            false => stride.min(window),
        };
        signal.extend((0..num).map(|sample| rows.channel(sample * num_channels + channel)[at]));
        // Samples between two windows belong to none.
        let gap = stride.saturating_sub(window);
        if at + 1 < rows.len() {
            signal.extend(std::iter::repeat_n(f32::NAN, gap));
        }
    }
    signal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_become_a_signal_again() {
        // Samples 0 to 7 of two channels, the second negative, in windows of 4 with steps of 2.
        let sample = |s: usize| [s as f32, -(s as f32)];
        let rows: Vec<f32> = (0..3)
            .flat_map(|w| (0..4).flat_map(move |s| sample(w * 2 + s)))
            .collect();
        let rows = FeatureArray::from_time_first(&rows, 8, 3);
        let expected: Vec<f32> = (0..8).map(|s| s as f32).collect();
        assert_eq!(unrolled(&rows, 2, 0, (4, 2)), expected);
        let negative: Vec<f32> = expected.iter().map(|s| -s).collect();
        assert_eq!(unrolled(&rows, 2, 1, (4, 2)), negative);
        let gaps = unrolled(&rows, 2, 0, (4, 5));
        assert_eq!(gaps.len(), 14);
        assert!(gaps[4].is_nan());
    }
}
