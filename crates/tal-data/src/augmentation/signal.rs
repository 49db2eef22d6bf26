//! Changes to a raw signal: another place of the sensor, another amplitude, noise, another first sample.

use chacha20::rand_core::Rng;
use tal_core::config::SignalConfig;

use crate::FeatureArray;
use crate::rng::{normal, uniform_inclusive, unit};

/// Changes a signal; returns it with the number of samples that were dropped at its start. At least `window` samples are left,
/// and fewer than `stride` are dropped.
///
/// # Shapes
/// (n, samples); rotation turns channels 0 to 2, 3 to 5, … alike.
pub(super) fn changed(
    signal: FeatureArray,
    config: &SignalConfig,
    (window, stride): (usize, usize),
    rng: &mut impl Rng,
) -> (FeatureArray, usize) {
    let turn = rotation(config.rotation, rng);
    let factor = 1.0 + config.scaling * (2.0 * unit(rng) - 1.0);
    let most = (stride - 1).min(signal.len().saturating_sub(window));
    let dropped = match config.offset {
        true => uniform_inclusive(rng, 0, most as u64) as usize,
        false => 0,
    };
    let (num_channels, len) = (signal.num_channels(), signal.len() - dropped);
    let mut data = signal.window(dropped, len).data().to_vec();
    if config.rotation > 0.0 {
        for sensor in data.chunks_exact_mut(3 * len) {
            for time in 0..len {
                let from = [0, 1, 2].map(|axis| f64::from(sensor[axis * len + time]));
                for (axis, row) in turn.iter().enumerate() {
                    let value: f64 = row.iter().zip(from).map(|(r, v)| r * v).sum();
                    sensor[axis * len + time] = value as f32;
                }
            }
        }
    }
    if config.scaling > 0.0 {
        data.iter_mut().for_each(|value| *value *= factor as f32);
    }
    if config.jitter > 0.0 {
        for value in &mut data {
            *value += (config.jitter * normal(rng)) as f32;
        }
    }
    (
        FeatureArray::from_channel_first(data, num_channels, len),
        dropped,
    )
}

/// A rotation about a uniform axis by an angle of at most `degrees` (Rodrigues).
fn rotation(degrees: f64, rng: &mut impl Rng) -> [[f64; 3]; 3] {
    let axis = [(); 3].map(|()| normal(rng));
    let length = axis.iter().map(|v| v * v).sum::<f64>().sqrt().max(1e-12);
    let [x, y, z] = axis.map(|v| v / length);
    let (sin, cos) = (degrees.to_radians() * (2.0 * unit(rng) - 1.0)).sin_cos();
    let rest = 1.0 - cos;
    [
        [
            cos + x * x * rest,
            x * y * rest - z * sin,
            x * z * rest + y * sin,
        ],
        [
            y * x * rest + z * sin,
            cos + y * y * rest,
            y * z * rest - x * sin,
        ],
        [
            z * x * rest - y * sin,
            z * y * rest + x * sin,
            cos + z * z * rest,
        ],
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream};

    fn signal() -> FeatureArray {
        let data = (0..6 * 40).map(|v| (v as f32 * 0.37).sin()).collect();
        FeatureArray::from_channel_first(data, 6, 40)
    }

    fn norms(signal: &FeatureArray, sensor: usize) -> Vec<f32> {
        let square = |time: usize| {
            let axes = (0..3).map(|axis| signal.channel(3 * sensor + axis)[time].powi(2));
            axes.sum::<f32>().sqrt()
        };
        (0..signal.len()).map(square).collect()
    }

    fn changed_by(config: SignalConfig, seed: u64) -> (FeatureArray, usize) {
        let mut rng = stream(seed, 0, 0, Purpose::Signal);
        changed(signal(), &config, (10, 5), &mut rng)
    }

    #[test]
    fn a_turned_sensor_measures_the_same_length() {
        for seed in 0..20 {
            let config = SignalConfig {
                rotation: 40.0,
                ..SignalConfig::default()
            };
            let (turned, _) = changed_by(config, seed);
            assert_ne!(turned, signal());
            for sensor in 0..2 {
                for (before, after) in norms(&signal(), sensor).iter().zip(norms(&turned, sensor)) {
                    assert!((*before - after).abs() < 1e-5);
                }
            }
            // No vector is turned by more than the angle.
            for time in 0..40 {
                let dot: f32 = (0..3)
                    .map(|axis| signal().channel(axis)[time] * turned.channel(axis)[time])
                    .sum();
                let length = norms(&signal(), 0)[time].powi(2);
                assert!(dot >= length * 40f32.to_radians().cos() - 1e-5);
            }
        }
    }

    #[test]
    fn offset_drops_less_than_a_stride() {
        let config = SignalConfig {
            offset: true,
            ..SignalConfig::default()
        };
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..100 {
            let (cut, dropped) = changed_by(config.clone(), seed);
            assert_eq!(cut.channel(4), &signal().channel(4)[dropped..]);
            seen.insert(dropped);
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn amplitude_and_noise_stay_within_bounds() {
        let config = SignalConfig {
            scaling: 0.2,
            ..SignalConfig::default()
        };
        for seed in 0..50 {
            let (scaled, _) = changed_by(config.clone(), seed);
            let factor = scaled.data()[7] / signal().data()[7];
            assert!((0.8..=1.2).contains(&factor));
            assert!((scaled.data()[100] - signal().data()[100] * factor).abs() < 1e-5);
        }
        let config = SignalConfig {
            jitter: 0.1,
            ..SignalConfig::default()
        };
        let (noisy, _) = changed_by(config, 3);
        let squares = noisy
            .data()
            .iter()
            .zip(signal().data())
            .map(|(a, b)| (a - b).powi(2))
            .sum::<f32>();
        let deviation = (squares / 240.0).sqrt();
        assert!((0.08..0.12).contains(&deviation), "{deviation}");
    }
}
