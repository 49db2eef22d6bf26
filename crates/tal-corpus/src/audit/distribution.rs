//! Distributions: many values in a few numbers.

use serde::Serialize;

/// Distribution of values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Distribution {
    /// How many there are, at least one.
    pub num: usize,
    /// The least.
    pub min: f64,
    /// The middle one; the mean of the two in the middle where their number is even.
    pub median: f64,
    /// Sum by number.
    pub mean: f64,
    /// The least that 95 % of them do not exceed.
    pub p95: f64,
    /// The greatest.
    pub max: f64,
}

impl Distribution {
    /// Distribution of `values`; `None` without values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let num = values.len();
        let (min, max) = (*values.first()?, *values.last()?);
        let rank = (0.95 * num as f64).ceil() as usize;
        Some(Self {
            num,
            min,
            median: 0.5 * (values[(num - 1) / 2] + values[num / 2]),
            mean: values.iter().sum::<f64>() / num as f64,
            p95: values[rank.clamp(1, num) - 1],
            max,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let hundred = Distribution::of((1..=100).rev().map(f64::from)).unwrap();
        assert_eq!((hundred.num, hundred.min, hundred.max), (100, 1.0, 100.0));
        assert_eq!(
            (hundred.median, hundred.mean, hundred.p95),
            (50.5, 50.5, 95.0)
        );
        let one = Distribution::of([3.0]).unwrap();
        assert_eq!((one.median, one.p95), (3.0, 3.0));
        assert_eq!(Distribution::of([]), None);
    }
}
