//! Random streams by purpose; the order and the thread in which they are drawn do not matter.

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng, SeedableRng};

/// Purpose of a stream; streams of different purposes are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The order of recordings in an epoch.
    Order = 1,
    /// Truncation and cropping of one recording.
    Truncation = 2,
    /// Dealing recordings to subsets.
    Split = 3,
    /// Background clicks of one recording.
    Clicks = 4,
    /// Tempo of one training recording.
    Scale = 5,
    /// Masks of one training recording.
    Mask = 6,
    /// Actions of one training recording that are replaced.
    Swap = 7,
    /// Changes to the raw signal of one training recording.
    Signal = 8,
}

/// The stream of one purpose, epoch and item.
///
/// The 256-bit ChaCha8 key is `seed ‖ epoch ‖ item ‖ purpose`, each as 64 bits little-endian. Different arguments thus give
/// different keys, with no mixing that could collide.
pub fn stream(seed: u64, epoch: u64, item: u64, purpose: Purpose) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (bytes, word) in key
        .chunks_exact_mut(8)
        .zip([seed, epoch, item, purpose as u64])
    {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// A uniform integer of `low ..= high`, without bias, from whole 64-bit words (rejection sampling).
///
/// # Panics
/// If `low > high`.
pub fn uniform_inclusive(rng: &mut impl Rng, low: u64, high: u64) -> u64 {
    assert!(low <= high, "empty range {low}..={high}");
    let span = (high - low).wrapping_add(1);
    if span == 0 {
        return rng.next_u64();
    }
    // Words at or above the largest multiple of `span` would favour small remainders.
    let limit = u64::MAX - (u64::MAX % span + 1) % span;
    loop {
        let word = rng.next_u64();
        if word <= limit {
            return low + word % span;
        }
    }
}

/// Uniform in [0, 1), a multiple of 2⁻⁵³.
pub fn unit(rng: &mut impl Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// Standard normal (Box and Muller; the second number of the pair is not kept, to have no hidden state).
pub fn normal(rng: &mut impl Rng) -> f64 {
    let (u, v) = (1.0 - unit(rng), unit(rng));
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_stream_is_pinned() {
        // A change here changes every training run: it must be deliberate.
        let mut rng = stream(1, 2, 3, Purpose::Order);
        // Computed by an implementation of ChaCha8 that shares no code with this one.
        let words = [rng.next_u64(), rng.next_u64()];
        assert_eq!(words, [0x9174_d249_63ff_5496, 0xa262_8898_6641_c63b]);
        let mut rng = stream(7, 3, 2, Purpose::Truncation);
        let draws = [(); 3].map(|()| uniform_inclusive(&mut rng, 0, 900));
        assert_eq!(draws, [831, 655, 114]);
    }

    #[test]
    fn every_argument_matters() {
        let first = |s, e, i, p| stream(s, e, i, p).next_u64();
        let all = [
            first(0, 0, 0, Purpose::Order),
            first(1, 0, 0, Purpose::Order),
            first(0, 1, 0, Purpose::Order),
            first(0, 0, 1, Purpose::Order),
            first(0, 0, 0, Purpose::Truncation),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|b| a != b));
        }
    }

    #[test]
    fn small_ranges_are_even() {
        let mut rng = stream(5, 0, 0, Purpose::Order);
        let mut counts = [0usize; 7];
        for _ in 0..70_000 {
            counts[uniform_inclusive(&mut rng, 0, 6) as usize] += 1;
        }
        // Five standard deviations of a binomial with n = 70000, p = 1/7.
        assert!(
            counts.iter().all(|c| c.abs_diff(10_000) < 470),
            "{counts:?}"
        );
    }

    proptest! {
        #[test]
        fn draws_stay_inside(seed: u64, low in 0..u64::MAX, width: u64) {
            let high = low.saturating_add(width);
            let value = uniform_inclusive(&mut stream(seed, 0, 0, Purpose::Order), low, high);
            prop_assert!((low..=high).contains(&value));
        }
    }

    #[test]
    fn the_whole_range_works() {
        let mut rng = stream(0, 0, 0, Purpose::Order);
        let word = uniform_inclusive(&mut rng, 0, u64::MAX);
        assert_eq!(word, stream(0, 0, 0, Purpose::Order).next_u64());
    }
}
