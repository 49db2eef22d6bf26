//! Contrastive loss over features of known classes.

use tch::{Kind, Tensor};

/// Far below every similarity, and finite so that its gradient is.
const NEVER: f64 = -1e30;

/// InfoNCE of features whose positives are the other features of their class.
///
/// `L = 1/A Σ_i 1/|P| Σ_{j∈P} −ln( exp s_ij / (exp s_ij + Σ_{n∈N} exp s_in) )`
///
/// s are cosine similarities divided by τ, P the positives of anchor i (the other anchors of its class), N its negatives
/// (anchors of other classes and all of `background`). The sum runs over the A anchors that have a positive; L is 0 if no
/// anchor has one.
///
/// # Shapes
/// `anchors` (M, C), `classes` (M) of int64, `background` (G, C) with G ≥ 0; the result is a scalar.
///
/// # Source
/// van den Oord et al., *Contrastive Predictive Coding*, equation 4, averaged over several positives.
pub fn info_nce(
    anchors: &Tensor,
    classes: &Tensor,
    background: &Tensor,
    temperature: f64,
) -> Tensor {
    let num_anchors = anchors.size()[0];
    let anchors = unit(anchors);
    let all = Tensor::cat(&[&anchors, &unit(background)], 0);
    let similarity = anchors.matmul(&all.transpose(0, 1)) / temperature;

    let same = classes.unsqueeze(1).eq_tensor(&classes.unsqueeze(0));
    let itself = Tensor::eye(num_anchors, (Kind::Bool, anchors.device()));
    let positive = same.logical_and(&itself.logical_not());
    // Background has no class.
    let excluded = same.constant_pad_nd([0, background.size()[0]]);
    let negatives = similarity.masked_fill(&excluded, NEVER).logsumexp(1, true);
    // −ln( e^s / (e^s + e^n) ) = softplus(n − s)
    let losses = (negatives - similarity.narrow(1, 0, num_anchors)).softplus();

    let positive = positive.to_kind(losses.kind());
    let count = positive.sum_dim_intlist(1i64, false, None);
    let means = (losses * positive).sum_dim_intlist(1i64, false, None) / count.clamp_min(1.0);
    let num_used = count.gt(0.0).sum(means.kind()).clamp_min(1.0);
    means.sum(None) / num_used
}

/// Rows, scaled to length 1; a row of zeros stays.
fn unit(rows: &Tensor) -> Tensor {
    let square = rows.square().sum_dim_intlist(1i64, true, None);
    rows / square.clamp_min(1e-12).sqrt()
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;
    use tal_core::nn::gradient_error;
    use tch::Device;

    use super::*;

    fn rows(values: &[[f64; 2]]) -> Tensor {
        Tensor::from_slice2(values)
    }

    #[test]
    fn known_values() {
        let classes = Tensor::from_slice(&[7i64, 7, 1]);
        // Unit vectors at 0, 60 and 90 degrees, the first twice as long; background at 180 degrees.
        let (c, s) = (0.5, 0.75f64.sqrt());
        let anchors = rows(&[[2.0, 0.0], [c, s], [0.0, 1.0]]);
        let background = rows(&[[-3.0, 0.0]]);
        let e = |similarity: f64| (similarity / 0.5).exp();
        // Anchor 0: positive 0.5; negatives 0 (class 1) and −1. Anchor 1: positive 0.5; negatives s and −0.5. Anchor 2 has no
        // positive.
        let first = -(e(0.5) / (e(0.5) + e(0.0) + e(-1.0))).ln();
        let second = -(e(0.5) / (e(0.5) + e(s) + e(-0.5))).ln();
        let loss = info_nce(&anchors, &classes, &background, 0.5);
        assert_relative_eq!(
            loss.double_value(&[]),
            0.5 * (first + second),
            max_relative = 1e-12
        );
        // Two positives weigh half each; without background and other classes there are no negatives.
        let classes = Tensor::from_slice(&[0i64, 0, 0]);
        let loss = info_nce(&anchors, &classes, &background, 0.5);
        let pair = |positive: f64, negative: f64| -(e(positive) / (e(positive) + e(negative))).ln();
        let expected = (pair(0.5, -1.0) + pair(0.0, -1.0)) / 2.0
            + (pair(0.5, -0.5) + pair(s, -0.5)) / 2.0
            + (pair(0.0, 0.0) + pair(s, 0.0)) / 2.0;
        assert_relative_eq!(loss.double_value(&[]), expected / 3.0, max_relative = 1e-12);
        let none = Tensor::zeros([0, 2], (Kind::Double, Device::Cpu));
        let loss = info_nce(&anchors, &classes, &none, 0.5);
        assert_eq!(loss.double_value(&[]), 0.0);
    }

    #[test]
    fn gradients_exist_everywhere_and_are_exact() {
        tch::manual_seed(5);
        let anchors = Tensor::randn([6, 4], (Kind::Double, Device::Cpu)).set_requires_grad(true);
        let background = Tensor::randn([3, 4], (Kind::Double, Device::Cpu)).set_requires_grad(true);
        let classes = Tensor::from_slice(&[0i64, 1, 0, 2, 1, 0]);
        let inputs = [anchors.shallow_clone(), background.shallow_clone()];
        for temperature in [0.07, 1.0] {
            let error = gradient_error(&inputs, || {
                info_nce(&anchors, &classes, &background, temperature)
            });
            assert!(error < 1e-6, "{error}");
        }
        // No anchor has a positive, none has a negative, a feature is zero.
        let alone = Tensor::from_slice(&[0i64, 1, 2, 3, 4, 5]);
        let equal = alone.zeros_like();
        let zero = Tensor::zeros([1, 4], (Kind::Double, Device::Cpu));
        for (classes, background) in [
            (&alone, &background),
            (&equal, &zero.narrow(0, 0, 0)),
            (&equal, &zero),
        ] {
            let loss = info_nce(&anchors, classes, background, 0.07);
            let gradient = Tensor::run_backward(&[&loss], &[&anchors], false, false).remove(0);
            assert!(loss.double_value(&[]).is_finite());
            assert!(bool::try_from(gradient.isfinite().all()).unwrap());
        }
    }
}
