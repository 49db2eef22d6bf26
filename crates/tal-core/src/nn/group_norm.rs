//! Normalisation over groups of channels and all of time.

use tch::{Tensor, nn};

use super::dim;

/// Normalisation over groups of channels and all of time.
///
/// y = (x − μ) / √(v + 1e-5) · γ + β with the mean μ and the biased variance v of (C / groups) channels and all T positions.
///
/// # Shapes
/// (B, C, T) → (B, C, T); `weight` and `bias` (C).
#[derive(Debug)]
pub struct GroupNorm {
    /// γ, 1 at the start.
    pub weight: Tensor,
    /// β, 0 at the start.
    pub bias: Tensor,
    num_groups: i64,
}

impl GroupNorm {
    /// Added to the variance.
    pub const EPS: f64 = 1e-5;

    /// Variables `weight` and `bias` below `path`.
    ///
    /// # Panics
    /// If `num_groups` does not divide the channels.
    pub fn new(path: &nn::Path<'_>, num_groups: usize, num_channels: usize) -> Self {
        assert!(
            num_groups > 0 && num_channels.is_multiple_of(num_groups),
            "{num_groups} groups must divide {num_channels} channels"
        );
        GroupNorm {
            weight: path.ones("weight", &[dim(num_channels)]),
            bias: path.zeros("bias", &[dim(num_channels)]),
            num_groups: dim(num_groups),
        }
    }

    /// Normalises.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        x.group_norm(
            self.num_groups,
            Some(&self.weight),
            Some(&self.bias),
            Self::EPS,
            true,
        )
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, nn::VarStore};

    use super::*;

    #[test]
    fn normalises_each_group() {
        tch::manual_seed(2);
        let vs = VarStore::new(Device::Cpu);
        let norm = GroupNorm::new(&vs.root(), 2, 6);
        let x = Tensor::randn([2, 6, 40], (Kind::Float, Device::Cpu)) * 3.0 + 5.0;
        let y = norm.forward(&x).view([2, 2, -1]);
        let mean = y.mean_dim(-1, false, None).abs().max().double_value(&[]);
        let spread = (y.var_dim([-1i64].as_slice(), false, false) - 1.0)
            .abs()
            .max()
            .double_value(&[]);
        assert!(mean < 1e-5 && spread < 1e-4, "{mean} {spread}");
    }
}
