//! Gaussians per class over the place within an action.

use tch::{Device, Kind, Tensor, nn};

use super::learned::LearnedGaussians;

/// Gaussians per class with learned centres and widths, both bounded.
///
/// g(d) = exp(−(d − μ)² / 2σ²) with μ = tanh(m) and σ = σ_min + softplus(s). The factor of a loss could gain by becoming
/// small. Within these bounds it remains a Gaussian that reaches its action (d from −0.5 to 0.5), and unlike a clamp they
/// leave a gradient to m and s everywhere.
#[derive(Debug)]
pub struct ClassGaussians {
    /// m (G, K).
    pub raw_mean: Tensor,
    /// s (G, K).
    pub raw_sigma: Tensor,
    min_sigma: f64,
}

impl ClassGaussians {
    /// One Gaussian of σ 1 per class and initial μ, with variables `raw_mean` and `raw_sigma` below `path`.
    ///
    /// Initial μ lie inside (−1, 1), `min_sigma` inside (0, 1).
    pub(super) fn new(
        path: &nn::Path<'_>,
        num_classes: usize,
        initial_means: &[f64],
        min_sigma: f64,
    ) -> Self {
        let raw_means: Vec<f64> = initial_means.iter().map(|mean| mean.atanh()).collect();
        let size = [initial_means.len() as i64, num_classes as i64];
        let means = Tensor::from_slice(&raw_means)
            .to_kind(Kind::Float)
            .unsqueeze(1)
            .expand(size, false);
        // softplus(s) = 1 − σ_min
        let raw_sigma = (1.0 - min_sigma).exp_m1().ln();
        let sigmas = Tensor::full(size, raw_sigma, (Kind::Float, Device::Cpu));
        Self {
            raw_mean: path.var_copy("raw_mean", &means.contiguous()),
            raw_sigma: path.var_copy("raw_sigma", &sigmas),
            min_sigma,
        }
    }

    /// μ (G, K), inside (−1, 1).
    pub fn mean(&self) -> Tensor {
        self.raw_mean.tanh()
    }

    /// σ (G, K), at least σ_min.
    pub fn sigma(&self) -> Tensor {
        self.raw_sigma.softplus() + self.min_sigma
    }

    /// g of `class` at `distance`, for each Gaussian of the class.
    ///
    /// # Shapes
    /// `class` (P) of int64 and `distance` (P) to (G, P).
    pub fn forward(&self, class: &Tensor, distance: &Tensor) -> Tensor {
        let mean = self.mean().index_select(1, class);
        let sigma = self.sigma().index_select(1, class);
        (((distance - mean) / sigma).square() * -0.5).exp()
    }

    /// μ and σ of Gaussian `index`, below G, as plain numbers.
    pub(super) fn learned(&self, index: i64) -> LearnedGaussians {
        let numbers = |values: Tensor| {
            let values = values.get(index).detach().to_device(Device::Cpu);
            Vec::<f32>::try_from(values.to_kind(Kind::Float).contiguous())
                .expect("a row of numbers")
        };
        LearnedGaussians {
            mean: numbers(self.mean()),
            sigma: numbers(self.sigma()),
        }
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;
    use tal_core::nn::gradient_error;
    use tch::nn::VarStore;

    use super::*;

    #[test]
    fn known_values() {
        let mut vs = VarStore::new(Device::Cpu);
        let gaussians = ClassGaussians::new(&vs.root(), 3, &[-0.5, 0.5], 0.1);
        vs.double();
        let class = Tensor::from_slice(&[0i64, 2, 1]);
        let distance = Tensor::from_slice(&[-0.5f64, 0.0, 0.5]);
        let values = Vec::<Vec<f64>>::try_from(gaussians.forward(&class, &distance)).unwrap();
        // Starts have d − μ = 0, 0.5 and 1 at a width of 1.
        let expected = [1.0, f64::exp(-0.125), f64::exp(-0.5)];
        assert_relative_eq!(values[0][..], expected[..], epsilon = 1e-6);
        let reversed: Vec<f64> = expected.iter().rev().copied().collect();
        assert_relative_eq!(values[1][..], reversed[..], epsilon = 1e-6);
        // A class of its own: μ 0.25, σ 0.5 at d = 0.75 is one σ away.
        tch::no_grad(|| {
            let _ = gaussians.raw_mean.get(0).get(1).fill_(0.25f64.atanh());
            let _ = gaussians
                .raw_sigma
                .get(0)
                .get(1)
                .fill_(0.4f64.exp_m1().ln());
        });
        let values = gaussians.forward(&class, &(distance * 0.0 + 0.75));
        assert_relative_eq!(values.double_value(&[0, 2]), f64::exp(-0.5), epsilon = 1e-6);
        assert_relative_eq!(
            values.double_value(&[0, 0]),
            f64::exp(-0.78125),
            epsilon = 1e-6
        );
        let learned = gaussians.learned(0);
        assert_relative_eq!(learned.mean[1], 0.25, epsilon = 1e-6);
        assert_relative_eq!(learned.sigma[1], 0.5, epsilon = 1e-6);
    }

    #[test]
    fn centres_and_widths_stay_in_bounds_wherever_an_optimiser_goes() {
        let vs = VarStore::new(Device::Cpu);
        let gaussians = ClassGaussians::new(&vs.root(), 4, &[0.0], 0.1);
        for raw in [-1e6, -30.0, -1.0, 2.0, 30.0, 1e6] {
            tch::no_grad(|| {
                let _ = gaussians.raw_mean.shallow_clone().fill_(raw);
                let _ = gaussians.raw_sigma.shallow_clone().fill_(raw);
            });
            let learned = gaussians.learned(0);
            assert!(learned.mean.iter().all(|mean| mean.abs() <= 1.0));
            assert!(
                learned
                    .sigma
                    .iter()
                    .all(|sigma| *sigma >= 0.1 && sigma.is_finite())
            );
        }
        // The loss that gains most from small weights: it may not make them vanish for good.
        let mut vs = VarStore::new(Device::Cpu);
        let gaussians = ClassGaussians::new(&vs.root(), 1, &[0.0], 0.1);
        vs.double();
        let class = Tensor::from_slice(&[0i64, 0, 0]);
        let distance = Tensor::from_slice(&[-0.3f64, 0.0, 0.2]);
        for _ in 0..2000 {
            gaussians.raw_mean.shallow_clone().zero_grad();
            gaussians.raw_sigma.shallow_clone().zero_grad();
            gaussians.forward(&class, &distance).sum(None).backward();
            tch::no_grad(|| {
                for raw in [&gaussians.raw_mean, &gaussians.raw_sigma] {
                    let _ = raw.shallow_clone().g_sub_(&(raw.grad() * 0.5));
                }
            });
        }
        assert!(gaussians.learned(0).sigma[0] > 0.1);
        assert!(gaussians.raw_mean.isfinite().all().int64_value(&[]) == 1);
    }

    #[test]
    fn gradients() {
        tch::manual_seed(3);
        let mut vs = VarStore::new(Device::Cpu);
        let gaussians = ClassGaussians::new(&vs.root(), 3, &[-0.5, 0.5], 0.1);
        vs.double();
        tch::no_grad(|| {
            for raw in [&gaussians.raw_mean, &gaussians.raw_sigma] {
                let _ = raw.shallow_clone().g_add_(&(raw.randn_like() * 0.5));
            }
        });
        let class = Tensor::from_slice(&[0i64, 2, 1, 1, 2]);
        let distance = Tensor::from_slice(&[-0.5f64, 0.1, 0.5, -0.2, 0.35]);
        let inputs = [
            gaussians.raw_mean.shallow_clone(),
            gaussians.raw_sigma.shallow_clone(),
        ];
        let error = gradient_error(&inputs, || gaussians.forward(&class, &distance));
        assert!(error < 1e-7, "{error}");
    }
}
