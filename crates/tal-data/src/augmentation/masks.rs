//! Channels and stretches of time that are replaced by means.

use chacha20::rand_core::Rng;
use tal_core::config::TimeMaskConfig;

use crate::FeatureArray;
use crate::rng::{uniform_inclusive, unit};

/// The signal with masked channels and stretches of time. A mask of time of one feature has `unit_len` samples.
pub(super) fn masked(
    signal: &FeatureArray,
    channel_mask: f64,
    time_mask: Option<&TimeMaskConfig>,
    unit_len: usize,
    rng: &mut impl Rng,
) -> FeatureArray {
    let (num_channels, len) = (signal.num_channels(), signal.len());
    let mut data = signal.data().to_vec();
    let hidden: Vec<bool> = match channel_mask > 0.0 {
        true => (0..num_channels)
            .map(|_| unit(rng) < channel_mask)
            .collect(),
        false => vec![false; num_channels],
    };
    let mut stretches = Vec::new();
    if let Some(TimeMaskConfig { count, max_length }) = time_mask {
        for _ in 0..*count {
            let longest = (max_length * unit_len).min(len);
            let masked = uniform_inclusive(rng, unit_len.min(longest) as u64, longest as u64);
            let start = uniform_inclusive(rng, 0, len as u64 - masked);
            stretches.push(start as usize..(start + masked) as usize);
        }
    }
    for (row, hidden) in data.chunks_exact_mut(len).zip(hidden) {
        let mean = row.iter().map(|value| f64::from(*value)).sum::<f64>() / len as f64;
        if hidden {
            row.fill(mean as f32);
        }
        for stretch in &stretches {
            row[stretch.clone()].fill(mean as f32);
        }
    }
    FeatureArray::from_channel_first(data, num_channels, len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream};

    fn signal(num_channels: usize, len: usize) -> FeatureArray {
        let data = (0..num_channels * len).map(|v| (v % 17) as f32).collect();
        FeatureArray::from_channel_first(data, num_channels, len)
    }

    #[test]
    fn channels_are_hidden_as_often_as_asked() {
        let signal = signal(50, 20);
        let mut hidden = 0;
        for seed in 0..200 {
            let mut rng = stream(seed, 0, 0, Purpose::Mask);
            let masked = masked(&signal, 0.2, None, 1, &mut rng);
            for channel in 0..50 {
                let row = masked.channel(channel);
                let is_flat = row.iter().all(|value| *value == row[0]);
                assert!(is_flat || row == signal.channel(channel));
                hidden += usize::from(is_flat);
            }
        }
        // Five standard deviations of a binomial with n = 10000, p = 0.2.
        assert!(hidden.abs_diff(2000) < 200, "{hidden}");
    }

    #[test]
    fn stretches_have_the_wanted_length_and_keep_the_mean_of_a_channel() {
        let signal = signal(3, 90);
        let config = TimeMaskConfig {
            count: 1,
            max_length: 4,
        };
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..300 {
            let mut rng = stream(seed, 0, 0, Purpose::Mask);
            let masked = masked(&signal, 0.0, Some(&config), 5, &mut rng);
            // The means are no values of the signal.
            let differs = |c: usize, t: usize| masked.channel(c)[t] != signal.channel(c)[t];
            let changed = |c| (0..90).filter(|t| differs(c, *t)).collect::<Vec<usize>>();
            let first = changed(0);
            assert!(first.windows(2).all(|pair| pair[1] == pair[0] + 1));
            assert!((5..=20).contains(&first.len()), "{}", first.len());
            assert_eq!(first, changed(2));
            seen.insert(first.len());
        }
        assert!(seen.len() > 10);
    }

    #[test]
    fn short_recordings_are_masked_within_their_length() {
        let config = TimeMaskConfig {
            count: 3,
            max_length: 40,
        };
        for len in 1..5 {
            let mut rng = stream(1, 0, 0, Purpose::Mask);
            assert_eq!(
                masked(&signal(2, len), 0.5, Some(&config), 3, &mut rng).len(),
                len
            );
        }
    }
}
