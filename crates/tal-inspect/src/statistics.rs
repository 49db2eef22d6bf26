//! Figures about many values.

use serde::Serialize;

/// Least, middle and greatest of values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The least.
    pub min: f64,
    /// The middle one; of two, the greater.
    pub median: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    /// The spread of values; `None` if there is none.
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        Some(Self {
            min: *values.first()?,
            median: values[values.len() / 2],
            max: *values.last()?,
        })
    }

    /// The spread in words.
    pub(crate) fn text(self, unit: &str) -> String {
        format!(
            "{:.2} to {:.2}{unit}, median {:.2}",
            self.min, self.max, self.median
        )
    }
}

/// Figures about the values of an array. NaN and infinite values count for none of the others.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ValueStatistics {
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub std: f64,
    /// Values that are 0.
    pub num_zero: usize,
    /// Values that are NaN.
    pub num_nan: usize,
    /// Values that are infinite.
    pub num_infinite: usize,
}

impl ValueStatistics {
    /// The figures of values.
    pub(crate) fn of(values: &[f32]) -> Self {
        let finite = || {
            values
                .iter()
                .filter(|value| value.is_finite())
                .map(|value| f64::from(*value))
        };
        let count = finite().count().max(1) as f64;
        let mean = finite().sum::<f64>() / count;
        let variance = finite().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        let (min, max) = (
            finite().fold(f64::INFINITY, f64::min),
            finite().fold(f64::NEG_INFINITY, f64::max),
        );
        let any = min <= max;
        Self {
            min: if any { min } else { 0.0 },
            max: if any { max } else { 0.0 },
            mean,
            std: variance.sqrt(),
            num_zero: values.iter().filter(|value| **value == 0.0).count(),
            num_nan: values.iter().filter(|value| value.is_nan()).count(),
            num_infinite: values.iter().filter(|value| value.is_infinite()).count(),
        }
    }
}

/// Numbers of values in `num_bins` equal parts of their range.
pub(crate) fn histogram(values: &[f64], num_bins: usize) -> Vec<f64> {
    let mut counts = vec![0.0; num_bins];
    let Some(spread) = Spread::of(values.to_vec()) else {
        return counts;
    };
    let width = (spread.max - spread.min) / num_bins as f64;
    for value in values {
        let bin = if width > 0.0 {
            (value - spread.min) / width
        } else {
            0.0
        };
        counts[(bin as usize).min(num_bins - 1)] += 1.0;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_no_numbers_are_counted_apart() {
        let found = ValueStatistics::of(&[1.0, f32::NAN, 3.0, f32::INFINITY, 0.0, 0.0]);
        assert_eq!((found.min, found.max, found.mean), (0.0, 3.0, 1.0));
        assert_eq!(
            (found.num_nan, found.num_infinite, found.num_zero),
            (1, 1, 2)
        );
        assert!((found.std - 1.5_f64.sqrt()).abs() < 1e-12);
        assert_eq!(ValueStatistics::of(&[]).max, 0.0);
    }

    #[test]
    fn histograms_hold_every_value() {
        assert_eq!(histogram(&[0.0, 0.1, 0.9, 1.0], 2), [2.0, 2.0]);
        assert_eq!(histogram(&[5.0, 5.0], 3), [2.0, 0.0, 0.0]);
        assert_eq!(histogram(&[], 2), [0.0, 0.0]);
    }
}
