//! Normalised average precision: as if every class had the same number of annotations.

use serde::{Deserialize, Serialize};

/// Normalised average precision of a ranked list: the area under the envelope of normalised precision over recall.
///
/// `P_N = R · N̄ / (R · N̄ + F)` with recall `R = T / N_c`, `T` true and `F` false positives so far, `N_c` annotations of
/// the class and `N̄` annotations of a mean class. If `N̄ = N_c`, it is [`crate::average_precision`]. `true_positives` says
/// for each detection, highest score first, whether it is a true positive. A list without true positives has 0.
///
/// # Source
/// Alwassel et al., Diagnosing Error in Temporal Action Detectors (ECCV 2018), after Hoiem et al. (ECCV 2012).
pub fn normalized_average_precision(
    true_positives: &[bool],
    num_ground_truth: usize,
    mean_instances: f64,
) -> f64 {
    let mut num_false = 0;
    let mut before = Vec::new();
    for hit in true_positives {
        if *hit {
            before.push(num_false);
        } else {
            num_false += 1;
        }
    }
    area(&before, num_ground_truth, mean_instances)
}

/// Normalised average precision from the number of false positives before each true positive.
pub(super) fn area(
    false_positives_before: &[usize],
    num_ground_truth: usize,
    mean_instances: f64,
) -> f64 {
    // Recall changes only at true positives; between two of them precision falls.
    let mut envelope = 0.0f64;
    let mut area = 0.0;
    for (position, num_false) in false_positives_before.iter().enumerate().rev() {
        let precision =
            normalized_precision(position + 1, *num_false, num_ground_truth, mean_instances);
        envelope = envelope.max(precision);
        area += envelope;
    }
    if false_positives_before.is_empty() {
        0.0
    } else {
        area / num_ground_truth as f64
    }
}

/// `P_N` after `num_true` true and `num_false` false positives.
pub(super) fn normalized_precision(
    num_true: usize,
    num_false: usize,
    num_ground_truth: usize,
    mean_instances: f64,
) -> f64 {
    let found = num_true as f64 * mean_instances / num_ground_truth as f64;
    found / (found + num_false as f64)
}

/// Normalised mean average precision; fractions in [0, 1].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NormalizedMap {
    /// Mean of `map` over the thresholds.
    pub average_map: f64,
    /// Mean of the normalised APs of all classes, per threshold.
    pub map: Vec<f64>,
}

impl NormalizedMap {
    /// Mean of the APs (per class, per threshold) over the classes, of which there must be at least one.
    pub(super) fn over_classes(ap: &[Vec<f64>]) -> Self {
        let num_thresholds = ap[0].len();
        let map: Vec<f64> = (0..num_thresholds)
            .map(|t| ap.iter().map(|class| class[t]).sum::<f64>() / ap.len() as f64)
            .collect();
        Self {
            average_map: map.iter().sum::<f64>() / num_thresholds as f64,
            map,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn area_of_known_lists() {
        // N_c = 2, N̄ = 4. Ranks: hit (R·N̄ = 2, F 0: 1), miss, hit (R·N̄ = 4, F 1: 4/5). 1/2·1 + 1/2·4/5 = 0.9.
        assert_relative_eq!(
            normalized_average_precision(&[true, false, true, false], 2, 4.0),
            0.9
        );
        // A class with more annotations than the mean pays more: N_c = 4, N̄ = 2: miss, hit: (1/2)/(1/2 + 1) = 1/3, /4.
        assert_relative_eq!(
            normalized_average_precision(&[false, true], 4, 2.0),
            1.0 / 12.0
        );
        // The envelope reaches back: miss (0), hit (1/2), hit (2/3).
        assert_relative_eq!(
            normalized_average_precision(&[false, true, true], 2, 2.0),
            2.0 / 3.0
        );
    }

    #[test]
    fn nothing_found_is_zero() {
        assert_eq!(normalized_average_precision(&[], 2, 2.0), 0.0);
        assert_eq!(normalized_average_precision(&[false], 0, 2.0), 0.0);
    }
}
