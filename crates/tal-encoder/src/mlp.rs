//! MLP of a block.

use tal_core::nn::{Conv1d, gelu_mlp};
use tch::{Tensor, nn};

use crate::attention::pointwise;

/// Two fully connected layers at every position.
///
/// y = contract(GELU(expand(x))), GELU(v) = v · Φ(v) with the exact normal distribution function.
///
/// # Shapes
/// (B, C, T) → (B, C, T), M channels in between.
#[derive(Debug)]
pub struct Mlp {
    /// C → M
    pub expand: Conv1d,
    /// M → C
    pub contract: Conv1d,
}

impl Mlp {
    /// Variables `expand.*` and `contract.*` below `path`.
    ///
    /// # Panics
    /// If a size is 0.
    pub fn new(path: &nn::Path<'_>, num_channels: usize, hidden_dim: usize) -> Self {
        Mlp {
            expand: pointwise(&(path / "expand"), num_channels, hidden_dim),
            contract: pointwise(&(path / "contract"), hidden_dim, num_channels),
        }
    }

    /// Applies both layers.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        gelu_mlp(x, &self.expand, &self.contract)
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, nn::VarStore};

    use super::*;

    #[test]
    fn gelu_is_exact() {
        let vs = VarStore::new(Device::Cpu);
        let mlp = Mlp::new(&vs.root(), 1, 1);
        tch::no_grad(|| {
            let _ = mlp.expand.weight.shallow_clone().fill_(1.0);
            let _ = mlp.contract.weight.shallow_clone().fill_(2.0);
        });
        let y = mlp.forward(&Tensor::from_slice(&[1f32, -2.0]).view([1, 1, 2]));
        // Φ(1) = 0.8413447, Φ(−2) = 0.0227501
        assert!((y.double_value(&[0, 0, 0]) - 2.0 * 0.841_344_7).abs() < 1e-6);
        assert!((y.double_value(&[0, 0, 1]) + 4.0 * 0.022_750_1).abs() < 1e-6);
    }
}
