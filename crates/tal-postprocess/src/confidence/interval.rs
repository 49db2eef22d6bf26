//! Percentile intervals of replicates.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::resampler::mean;

/// A value and its uncertainty over the choice of recordings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Value on the given recordings.
    pub estimate: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Standard deviation of the replicates.
    pub standard_error: f64,
}

impl Interval {
    /// Percentile interval: `low` and `high` are the `(1 ∓ level)/2` quantiles of the replicates.
    ///
    /// # Panics
    /// If there is no replicate.
    pub(super) fn of(estimate: f64, mut replicates: Vec<f64>, level: f64) -> Self {
        let center = mean(&replicates);
        let squares: f64 = replicates.iter().map(|v| (v - center).powi(2)).sum();
        replicates.sort_by(|a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal));
        let tail = (1.0 - level) / 2.0;
        Self {
            estimate,
            low: quantile(&replicates, tail),
            high: quantile(&replicates, 1.0 - tail),
            standard_error: (squares / (replicates.len().max(2) - 1) as f64).sqrt(),
        }
    }
}

/// Quantile of sorted values, linear between the two around position `probability · (n − 1)`.
fn quantile(sorted: &[f64], probability: f64) -> f64 {
    let position = probability * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (position - below as f64) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn quantiles_are_linear_between_values() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.5), 2.0);
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), 3.0);
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 1.0), 4.0);
        assert_eq!(quantile(&[7.0], 0.3), 7.0);
    }

    #[test]
    fn the_interval_cuts_equal_tails() {
        // 0, 1, …, 100 in some order: the 5 % and 95 % quantiles are 5 and 95; variance 101 · 102 / 12.
        let values = (0..=100).map(|i| f64::from(i * 37 % 101)).collect();
        let interval = Interval::of(48.0, values, 0.9);
        assert_eq!(interval.estimate, 48.0);
        assert_relative_eq!(interval.low, 5.0, max_relative = 1e-12);
        assert_relative_eq!(interval.high, 95.0, max_relative = 1e-12);
        assert_relative_eq!(
            interval.standard_error,
            (101.0f64 * 102.0 / 12.0).sqrt(),
            max_relative = 1e-12
        );
    }
}
