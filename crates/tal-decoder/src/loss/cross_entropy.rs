//! Parts of the classification losses.

use tch::{Reduction, Tensor};

/// Binary cross entropy of logits, `max(x, 0) − x·y + ln(1 + e^{−|x|})`.
pub(super) fn binary_cross_entropy(logits: &Tensor, targets: &Tensor) -> Tensor {
    logits.binary_cross_entropy_with_logits::<Tensor>(targets, None, None, Reduction::None)
}

/// `base^gamma` for a base of at least zero, with a finite gradient everywhere.
///
/// Only an exponent between 0 and 1 needs care: its derivative is infinite at zero, so it is 0 there by definition.
pub(super) fn modulation(base: &Tensor, gamma: f64) -> Tensor {
    if gamma > 0.0 && gamma < 1.0 {
        base.clamp_min(1e-12).pow_tensor_scalar(gamma)
    } else {
        base.pow_tensor_scalar(gamma)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use tch::Kind;

    use super::*;

    /// Checks that a loss of logits, targets and γ is finite with its gradient at extreme logits.
    pub(in crate::loss) fn assert_finite(loss: impl Fn(&Tensor, &Tensor, f64) -> Tensor) {
        let logits = Tensor::from_slice(&[-200f32, 200.0, -200.0, 200.0]).set_requires_grad(true);
        let targets = Tensor::from_slice(&[0f32, 1.0, 1.0, 0.0]);
        for gamma in [0.5, 2.0] {
            let loss = loss(&logits, &targets, gamma).sum(Kind::Float);
            let grad = Tensor::run_backward(&[loss.shallow_clone()], &[&logits], false, false);
            assert!(loss.double_value(&[]).is_finite());
            assert!(bool::try_from(grad[0].isfinite().all()).unwrap());
        }
    }
}
