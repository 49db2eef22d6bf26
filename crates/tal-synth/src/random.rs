//! Random numbers of a synthetic corpus, the same on every platform and with every version of `rand`.

use chacha20::ChaCha8Rng;
use chacha20::rand_core::SeedableRng;

use tal_data::rng::{self, uniform_inclusive};

/// Purpose of a stream of random numbers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    World = 1,
    Layout = 2,
    Features = 3,
    Duration = 4,
    Films = 5,
}

pub(super) struct Random(ChaCha8Rng);

impl Random {
    pub(super) fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        // The last word keeps these streams apart from those of `tal_data::rng`.
        let last = u64::from_le_bytes(*b"tal.synt");
        let words = [seed, purpose as u64, index, last];
        let mut key = [0; 32];
        for (bytes, word) in key.chunks_exact_mut(8).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Uniform in [0, 1).
    pub(super) fn unit(&mut self) -> f64 {
        rng::unit(&mut self.0)
    }

    /// Uniform in [low, high).
    pub(super) fn between(&mut self, (low, high): (f64, f64)) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform in 0 … count − 1.
    pub(super) fn below(&mut self, count: usize) -> usize {
        uniform_inclusive(&mut self.0, 0, count as u64 - 1) as usize
    }

    /// Uniform in low … high.
    pub(super) fn integer(&mut self, (low, high): (usize, usize)) -> usize {
        uniform_inclusive(&mut self.0, low as u64, high as u64) as usize
    }

    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Standard normal.
    pub(super) fn normal(&mut self) -> f64 {
        rng::normal(&mut self.0)
    }

    pub(super) fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        median * (sigma * self.normal()).exp()
    }

    pub(super) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_the_distributions() {
        let mut random = Random::new(3, Purpose::World, 0);
        const N: usize = 100_000;
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let normal: Vec<f64> = (0..N).map(|_| random.normal()).collect();
        let squares: Vec<f64> = normal.iter().map(|v| v * v).collect();
        // Four standard errors.
        assert!(mean(&normal).abs() < 4.0 / (N as f64).sqrt());
        assert!((mean(&squares) - 1.0).abs() < 4.0 * (2.0 / N as f64).sqrt());
        let waits: Vec<f64> = (0..N).map(|_| random.exponential(5.0)).collect();
        assert!((mean(&waits) - 5.0).abs() < 4.0 * 5.0 / (N as f64).sqrt());
        let above = (0..N).filter(|_| random.log_normal(8.0, 0.7) > 8.0).count();
        assert!((above as f64 / N as f64 - 0.5).abs() < 4.0 * 0.5 / (N as f64).sqrt());
    }

    #[test]
    fn purposes_and_recordings_have_their_own_streams() {
        let first = |seed, purpose, index| Random::new(seed, purpose, index).unit();
        let all = [
            first(0, Purpose::World, 0),
            first(0, Purpose::Layout, 0),
            first(0, Purpose::Layout, 1),
            first(1, Purpose::Layout, 0),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|b| a != b));
        }
    }
}
