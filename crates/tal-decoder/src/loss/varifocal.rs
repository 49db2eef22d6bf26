//! Varifocal loss.

use tch::Tensor;

use super::cross_entropy::{binary_cross_entropy, modulation};

/// Varifocal loss: positives weigh as much as their target, negatives are modulated as in the focal loss.
///
/// `w · BCE(x, y)` with `w = y` if y > 0, else `w = α·|σ(x) − y|^γ`. The weight takes part in the gradient. With smoothed
/// labels every target is above zero, so nothing is modulated.
///
/// # Shapes
/// `logits`, `targets` and the result of one shape.
///
/// # Source
/// Zhang et al., *VarifocalNet*, equation 2; α defaults to 0.75 there and to 0.25 here.
pub fn varifocal(logits: &Tensor, targets: &Tensor, alpha: f64, gamma: f64) -> Tensor {
    let positive = targets.gt(0.0);
    // The unused branch gets a base of 1, which keeps its gradient finite for every γ.
    let miss = (logits.sigmoid() - targets)
        .abs()
        .masked_fill(&positive, 1.0);
    let weight = (modulation(&miss, gamma) * alpha).where_self(&positive.logical_not(), targets);
    weight * binary_cross_entropy(logits, targets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::cross_entropy::tests::assert_finite;
    use approx::assert_relative_eq;

    fn value(x: f64, y: f64) -> f64 {
        let tensor = |v: f64| Tensor::from_slice(&[v]);
        varifocal(&tensor(x), &tensor(y), 0.25, 2.0).double_value(&[0])
    }

    fn bce(x: f64, y: f64) -> f64 {
        let p = 1.0 / (1.0 + f64::exp(-x));
        -(y * p.ln() + (1.0 - y) * (1.0 - p).ln())
    }

    #[test]
    fn positives_weigh_their_target_and_negatives_are_modulated() {
        for (x, y) in [(-1.0, 1.0), (0.4, 0.91), (2.0, 0.01)] {
            assert_relative_eq!(value(x, y), y * bce(x, y), max_relative = 1e-10);
        }
        for x in [-4.6, 0.0, 1.5] {
            let p = 1.0 / (1.0 + f64::exp(-x));
            assert_relative_eq!(
                value(x, 0.0),
                0.25 * p * p * bce(x, 0.0),
                max_relative = 1e-10
            );
        }
    }

    #[test]
    fn extreme_logits_stay_finite() {
        assert_finite(|logits, targets, gamma| varifocal(logits, targets, 0.25, gamma));
    }
}
