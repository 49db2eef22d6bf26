//! Sigmoid focal loss.

use tch::Tensor;

use super::cross_entropy::{binary_cross_entropy, modulation};

/// Sigmoid focal loss: cross entropy with lower weights for easy entries.
///
/// `[α·y + (1 − α)(1 − y)] · BCE(x, y) · (1 − p_t)^γ` with `p = σ(x)` and `p_t = p·y + (1 − p)(1 − y)`; y may be
/// fractional.
///
/// # Shapes
/// `logits`, `targets` and the result of one shape.
///
/// # Source
/// Lin et al., *Focal Loss for Dense Object Detection*, equation 5.
pub fn focal(logits: &Tensor, targets: &Tensor, alpha: f64, gamma: f64) -> Tensor {
    let probability = logits.sigmoid();
    // 1 − p_t, written without the cancellation of 1 − (…).
    let miss = &probability + targets * (1.0 - 2.0 * &probability);
    let balance = targets * (2.0 * alpha - 1.0) + (1.0 - alpha);
    balance * binary_cross_entropy(logits, targets) * modulation(&miss, gamma)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::cross_entropy::tests::assert_finite;
    use approx::assert_relative_eq;

    fn value(x: f64, y: f64, alpha: f64, gamma: f64) -> f64 {
        let tensor = |v: f64| Tensor::from_slice(&[v]);
        focal(&tensor(x), &tensor(y), alpha, gamma).double_value(&[0])
    }

    #[test]
    fn matches_the_formula() {
        for (x, y) in [
            (-4.6, 0.0),
            (-4.6, 1.0),
            (0.7, 0.9),
            (3.0, 0.01),
            (0.0, 0.5),
        ] {
            let p = 1.0 / (1.0 + f64::exp(-x));
            let p_t = p * y + (1.0 - p) * (1.0 - y);
            let bce = -(y * p.ln() + (1.0 - y) * (1.0 - p).ln());
            let expected = (0.25 * y + 0.75 * (1.0 - y)) * bce * (1.0 - p_t).powi(2);
            assert_relative_eq!(value(x, y, 0.25, 2.0), expected, max_relative = 1e-10);
        }
    }

    #[test]
    fn without_modulation_it_is_half_the_cross_entropy() {
        assert_relative_eq!(
            value(0.3, 1.0, 0.5, 0.0),
            0.5 * f64::ln(1.0 + f64::exp(-0.3)),
            max_relative = 1e-12
        );
    }

    #[test]
    fn extreme_logits_stay_finite() {
        assert_finite(|logits, targets, gamma| focal(logits, targets, 0.25, gamma));
    }
}
