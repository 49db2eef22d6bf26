//! Stochastic depth with a learned scale.

use tch::{Device, Kind, Tensor, nn};

use super::{dim, draw_rows};

/// Scales a residual branch per channel and, while training, skips it for a random part of the samples.
///
/// y = s ⊙ x · k / (1 − p) with k = ⌊1 − p + u⌋ and u ~ U\[0, 1) per sample; outside training y = s ⊙ x.
///
/// # Shapes
/// (B, C, T) → (B, C, T); `scale` (1, C, 1).
#[derive(Debug)]
pub struct AffineDropPath {
    /// s, 1e-4 at the start.
    pub scale: Tensor,
    probability: f64,
}

impl AffineDropPath {
    /// Initial value of the scale.
    pub const INITIAL_SCALE: f64 = 1e-4;

    /// Variable `scale` below `path`; `probability` is that of skipping a sample.
    ///
    /// # Panics
    /// If `probability` is below 0 or not below 1.
    pub fn new(path: &nn::Path<'_>, num_channels: usize, probability: f64) -> Self {
        assert!(
            (0.0..1.0).contains(&probability),
            "a drop path needs a probability of at least 0 and below 1, not {probability}"
        );
        AffineDropPath {
            scale: path.var(
                "scale",
                &[1, dim(num_channels), 1],
                nn::Init::Const(Self::INITIAL_SCALE),
            ),
            probability,
        }
    }

    /// Scales, and skips samples if `train` is true.
    pub fn forward_t(&self, x: &Tensor, train: bool) -> Tensor {
        match self.factors(x.size()[0], (x.kind(), x.device()), train) {
            // The factor of a sample and a channel first: it is small, x is not.
            Some(factors) => x * (&self.scale * factors),
            None => x * &self.scale,
        }
    }

    /// The factors k / (1 − p) of all samples, drawn anew, by which [`AffineDropPath::forward_t`] multiplies beside the scale;
    /// `None` if no sample can be skipped.
    ///
    /// # Shapes
    /// (B, 1, 1).
    pub fn factors(
        &self,
        num_samples: i64,
        options: (Kind, Device),
        train: bool,
    ) -> Option<Tensor> {
        let is_random = train && self.probability > 0.0;
        is_random.then(|| {
            let uniform = draw_rows(&[num_samples, 1, 1], |size| Tensor::rand(size, options));
            self.factors_of(&uniform)
        })
    }

    /// The factors for given u, (B, 1, 1).
    fn factors_of(&self, uniform: &Tensor) -> Tensor {
        let keep = 1.0 - self.probability;
        (uniform + keep).floor() / keep
    }
}

#[cfg(test)]
mod tests {
    use tch::nn::VarStore;

    use super::*;
    use crate::nn::gradient_error;

    const F32: (Kind, Device) = (Kind::Float, Device::Cpu);

    #[test]
    fn evaluation_only_scales() {
        let vs = VarStore::new(Device::Cpu);
        let layer = AffineDropPath::new(&vs.root(), 3, 0.9);
        let y = layer.forward_t(&Tensor::ones([2, 3, 4], F32), false);
        assert!(((y - 1e-4).abs().max().double_value(&[])) < 1e-10);
    }

    #[test]
    fn training_keeps_or_drops_whole_samples_and_their_mean() {
        tch::manual_seed(3);
        let vs = VarStore::new(Device::Cpu);
        let layer = AffineDropPath::new(&vs.root(), 2, 0.25);
        tch::no_grad(|| {
            let _ = layer.scale.shallow_clone().fill_(1.0);
        });
        let y = layer.forward_t(&Tensor::ones([4000, 2, 3], F32), true);
        let first = y.narrow(1, 0, 1).narrow(2, 0, 1);
        assert_eq!((&y - &first).abs().max().double_value(&[]), 0.0);
        let dropped = first.eq(0.0).sum(Kind::Int64).int64_value(&[]) as f64 / 4000.0;
        assert!((dropped - 0.25).abs() < 0.03, "{dropped}");
        let kept = y.max().double_value(&[]);
        assert!((kept - 1.0 / 0.75).abs() < 1e-6, "{kept}");
    }

    #[test]
    fn gradients_match_finite_differences() {
        tch::manual_seed(5);
        let mut vs = VarStore::new(Device::Cpu);
        let layer = AffineDropPath::new(&vs.root(), 3, 0.5);
        vs.double();
        tch::no_grad(|| {
            let _ = layer.scale.shallow_clone().fill_(0.7);
        });
        let x = Tensor::randn([4, 3, 5], (Kind::Double, Device::Cpu)).set_requires_grad(true);
        let inputs = [x.shallow_clone(), layer.scale.shallow_clone()];
        let uniform = Tensor::from_slice(&[0.1f64, 0.6, 0.4, 0.9]).view([4, 1, 1]);
        let error = gradient_error(&inputs, || &x * (&layer.scale * layer.factors_of(&uniform)));
        assert!(error < 1e-6, "{error}");
        // u = 0.1 and 0.4 drop their samples.
        let gradient = x
            .grad()
            .abs()
            .sum_dim_intlist([1i64, 2].as_slice(), false, None);
        let dropped = Vec::<bool>::try_from(gradient.eq(0.0)).unwrap();
        assert_eq!(dropped, [true, false, true, false]);
    }
}
