//! Comparison of two detectors.

use serde::{Deserialize, Serialize};
use tal_core::config::{EvaluationConfig, EvaluationDialect};
use tal_core::{ClassMap, DetectionSet, Recording};

use super::config::BootstrapConfig;
use super::error::ConfidenceError;
use super::interval::Interval;
use super::resampler::Resampler;

/// Comparison of two sets of detections for the same recordings. All values are fractions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairedComparison {
    /// Configuration of the bootstrap.
    pub bootstrap: BootstrapConfig,
    /// Dialect by whose rules the detections were evaluated.
    pub dialect: EvaluationDialect,
    /// Thresholds in the order of the configuration.
    pub tiou_thresholds: Vec<f64>,
    /// Number of recordings from which replicates were drawn.
    pub num_recordings: usize,
    /// Mean of mAP over the thresholds.
    pub average_map: Difference,
    /// mAP per threshold.
    pub map: Vec<Difference>,
    /// Conclusion from `average_map`.
    pub verdict: Verdict,
}

/// Difference of one number between two sets of detections.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Value of the first set.
    pub a: f64,
    /// Value of the second set.
    pub b: f64,
    /// `b − a`.
    pub difference: Interval,
    /// Share of the replicates with `b > a`.
    pub share_b_better: f64,
    /// Two-sided p-value of the hypothesis that a and b do not differ:
    /// `min(1, 2 · (1 + min(#{d ≤ 0}, #{d ≥ 0})) / (1 + num_replicates))` over the differences d of the replicates.
    ///
    /// 1 is added because the given recordings count as a replicate, too; so the p-value is never 0.
    pub p_value: f64,
}

/// The better set of detections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The second: `p_value ≤ 1 − level`, and the interval of the difference lies above 0.
    BBetter,
    /// The first: `p_value ≤ 1 − level`, and the interval of the difference lies below 0.
    ABetter,
    /// Neither: the recordings do not tell.
    Undecided,
}

/// Comparison of two sets of detections by their average mAP, over recordings drawn at random.
///
/// Each replicate draws recordings once, as in [`crate::bootstrap`], and evaluates both sets on them. So the cost of a hard
/// recording to both sets cancels in the difference.
///
/// # Units
/// Segments in seconds.
///
/// # Errors
/// Those of [`crate::bootstrap`], for either set.
pub fn compare<'a>(
    recordings: impl IntoIterator<Item = &'a Recording>,
    a: &DetectionSet,
    b: &DetectionSet,
    config: &EvaluationConfig,
    classes: Option<&ClassMap>,
    bootstrap: &BootstrapConfig,
) -> Result<PairedComparison, ConfidenceError> {
    let recordings: Vec<&Recording> = recordings.into_iter().collect();
    let a = Resampler::new(recordings.iter().copied(), a, config, classes)?;
    bootstrap.check(a.recordings())?;
    let b = Resampler::new(recordings.iter().copied(), b, config, classes)?;
    // b − a of average mAP, then of mAP per threshold.
    let differences: Vec<Vec<f64>> = bootstrap.replicates(&a, |weights, scratch| {
        let of_a = a.evaluate_with(weights, scratch)?;
        let of_b = b.evaluate_with(weights, scratch)?;
        let map = of_a.map.iter().zip(&of_b.map).map(|(a, b)| b - a);
        let average_map = of_b.average_map - of_a.average_map;
        Some([average_map].into_iter().chain(map).collect())
    });

    let (of_a, of_b) = (a.evaluation(), b.evaluation());
    let difference = |column: usize, a: f64, b: f64| {
        let replicates = differences.iter().map(|row| row[column]).collect();
        Difference::of(a, b, replicates, bootstrap.level)
    };
    let average_map = difference(0, of_a.average_map, of_b.average_map);
    let map = of_a.map.iter().zip(&of_b.map).enumerate();
    Ok(PairedComparison {
        bootstrap: *bootstrap,
        dialect: of_a.dialect,
        tiou_thresholds: of_a.tiou_thresholds.clone(),
        num_recordings: a.recordings().len(),
        verdict: average_map.verdict(bootstrap.level),
        average_map,
        map: map.map(|(t, (a, b))| difference(t + 1, *a, *b)).collect(),
    })
}

impl Difference {
    pub(super) fn of(a: f64, b: f64, replicates: Vec<f64>, level: f64) -> Self {
        let count = |holds: &dyn Fn(f64) -> bool| replicates.iter().filter(|d| holds(**d)).count();
        let num = replicates.len() as f64;
        let num_in_tail = count(&|d| d <= 0.0).min(count(&|d| d >= 0.0)) as f64;
        Self {
            a,
            b,
            share_b_better: count(&|d| d > 0.0) as f64 / num,
            p_value: (2.0 * (1.0 + num_in_tail) / (1.0 + num)).min(1.0),
            difference: Interval::of(b - a, replicates, level),
        }
    }

    pub(super) fn verdict(&self, level: f64) -> Verdict {
        // The p-value and `1 − level` may differ in the last bits although they are equal on paper.
        match self.p_value <= 1.0 - level + 1e-9 {
            true if self.difference.low > 0.0 => Verdict::BBetter,
            true if self.difference.high < 0.0 => Verdict::ABetter,
            _ => Verdict::Undecided,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    /// `num_negative` of 39 replicates are −1, `num_zero` are 0, the others 1.
    fn difference(num_negative: usize, num_zero: usize) -> Difference {
        let mut replicates = vec![1.0; 39];
        replicates[..num_negative].fill(-1.0);
        replicates[num_negative..num_negative + num_zero].fill(0.0);
        Difference::of(0.25, 0.75, replicates, 0.95)
    }

    #[test]
    fn the_smaller_tail_decides() {
        let all = difference(0, 0);
        assert_eq!((all.share_b_better, all.difference.estimate), (1.0, 0.5));
        // 2 · 1 / 40, just enough.
        assert_relative_eq!(all.p_value, 0.05);
        assert_eq!(all.verdict(0.95), Verdict::BBetter);
        let one_against = difference(1, 0);
        assert_relative_eq!(one_against.p_value, 0.1);
        assert_relative_eq!(one_against.share_b_better, 38.0 / 39.0);
        assert_eq!(one_against.verdict(0.95), Verdict::Undecided);
        assert_eq!(difference(39, 0).verdict(0.95), Verdict::ABetter);
        assert_eq!(difference(39, 0).share_b_better, 0.0);
    }

    #[test]
    fn no_difference_counts_for_both_sides() {
        let equal = difference(0, 39);
        assert_eq!((equal.p_value, equal.share_b_better), (1.0, 0.0));
        assert_eq!(equal.verdict(0.95), Verdict::Undecided);
        assert_relative_eq!(difference(0, 3).p_value, 0.2);
    }
}
