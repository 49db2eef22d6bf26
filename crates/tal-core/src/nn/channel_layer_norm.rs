//! Normalisation over the channels of every position.

use tch::{Tensor, nn};

use super::dim;

/// Normalisation over the channels of every position.
///
/// y = (x − μ) / √(v + 1e-5) · γ + β with the mean μ and the biased variance v over the C channels of a sample and position.
///
/// # Shapes
/// (B, C, T) → (B, C, T); `weight` and `bias` (1, C, 1).
#[derive(Debug)]
pub struct ChannelLayerNorm {
    /// γ, 1 at the start.
    pub weight: Tensor,
    /// β, 0 at the start.
    pub bias: Tensor,
}

impl ChannelLayerNorm {
    /// Added to the variance.
    pub const EPS: f64 = 1e-5;

    /// Variables `weight` and `bias` below `path`.
    pub fn new(path: &nn::Path<'_>, num_channels: usize) -> Self {
        let size = [1, dim(num_channels), 1];
        ChannelLayerNorm {
            weight: path.ones("weight", &size),
            bias: path.zeros("bias", &size),
        }
    }

    /// Normalises.
    ///
    /// # Shapes
    /// (B, C, T) → (B, C, T).
    pub fn forward(&self, x: &Tensor) -> Tensor {
        // Written out, although LibTorch has a fused layer norm: that one normalises the last dimension, and transposing
        // there and back leaves a layout that every layer behind has to copy. By processor time, forwards and backwards at
        // (2, 512, 2304) with a block's filter and convolutions behind, this beats the fused norm between transpositions
        // (with and without a copy) and `var_mean`; alone it is level with the fused one.
        let channels = [1i64].as_slice();
        let centred = x - x.mean_dim(channels, true, None);
        let variance = (&centred * &centred).mean_dim(channels, true, None);
        centred * (variance + Self::EPS).rsqrt() * &self.weight + &self.bias
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, nn::VarStore};

    use super::*;
    use crate::nn::gradient_error;

    /// The formula, written out in double precision.
    fn expected(layer: &ChannelLayerNorm, x: &Tensor) -> Tensor {
        let x = x.to_kind(Kind::Double);
        let mean = x.mean_dim(1, true, None);
        let variance = (&x - &mean).square().mean_dim(1, true, None);
        (&x - mean) / (variance + ChannelLayerNorm::EPS).sqrt() * layer.weight.to_kind(Kind::Double)
            + layer.bias.to_kind(Kind::Double)
    }

    fn randomise(layer: &ChannelLayerNorm) {
        tch::no_grad(|| {
            let _ = layer.weight.shallow_clone().uniform_(0.5, 1.5);
            let _ = layer.bias.shallow_clone().uniform_(-1.0, 1.0);
        });
    }

    #[test]
    fn equals_its_formula() {
        tch::manual_seed(4);
        for (batch, channels, len) in [(1, 1, 1), (2, 3, 5), (2, 64, 33), (3, 130, 17)] {
            let vs = VarStore::new(Device::Cpu);
            let layer = ChannelLayerNorm::new(&vs.root(), channels as usize);
            randomise(&layer);
            let x = Tensor::randn([batch, channels, len], (Kind::Float, Device::Cpu)) * 4.0 + 1.0;
            let y = layer.forward(&x);
            assert_eq!(y.size(), x.size());
            let difference = (y.to_kind(Kind::Double) - expected(&layer, &x)).abs().max();
            assert!(difference.double_value(&[]) < 1e-5, "{difference:?}");
        }
    }

    #[test]
    fn constant_channels_become_the_bias() {
        let vs = VarStore::new(Device::Cpu);
        let layer = ChannelLayerNorm::new(&vs.root(), 8);
        randomise(&layer);
        let x = Tensor::full([1, 8, 4], 2.5, (Kind::Float, Device::Cpu));
        let difference = (layer.forward(&x) - &layer.bias).abs().max();
        assert!(difference.double_value(&[]) < 1e-6);
    }

    #[test]
    fn gradients_match_finite_differences() {
        tch::manual_seed(6);
        let mut vs = VarStore::new(Device::Cpu);
        let layer = ChannelLayerNorm::new(&vs.root(), 5);
        vs.double();
        randomise(&layer);
        let x = Tensor::randn([2, 5, 4], (Kind::Double, Device::Cpu)).set_requires_grad(true);
        let inputs = [
            x.shallow_clone(),
            layer.weight.shallow_clone(),
            layer.bias.shallow_clone(),
        ];
        let error = gradient_error(&inputs, || layer.forward(&x));
        assert!(error < 1e-6, "{error}");
    }
}
