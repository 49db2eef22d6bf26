//! Convolutions before the first block.

use tal_core::config::ProjectionConfig;
use tal_core::nn::{BiasInit, ChannelLayerNorm, Conv1dConfig, MaskedConv1d, dim};
use tch::{Tensor, nn};

use crate::error::{EncoderError, zeros};

/// A convolution, its mask, its norm and ReLU.
///
/// y = ReLU(LN(Conv(x) · mask)); without a norm, y = ReLU(Conv(x) · mask).
///
/// With a norm, padded positions become the ReLU of the norm's bias instead of zero.
///
/// # Shapes
/// (B, in, T), mask (B, 1, T) → (B, D, T).
#[derive(Debug)]
pub struct ProjectionLayer {
    /// The convolution; it has a bias if there is no norm.
    pub conv: MaskedConv1d,
    /// The norm, if any.
    pub norm: Option<ChannelLayerNorm>,
}

impl ProjectionLayer {
    /// Convolves, normalises, rectifies.
    pub fn forward(&self, x: &Tensor, mask: &Tensor) -> Tensor {
        match &self.norm {
            Some(norm) => norm.forward_relu(&self.conv.conv.forward(x), mask, None),
            None => self.conv.forward(x, mask).relu(),
        }
    }
}

/// Convolutions before the first block: from the features' channels to the width of the pyramid.
///
/// They run over the valid positions of the longest sample and as many more as a kernel reaches. Every padded position becomes
/// the same vector, which depends on the last norm only.
///
/// # Shapes
/// (B, D_in, T), mask (B, 1, T) → (B, D, T).
#[derive(Debug)]
pub struct Projection {
    /// Layers, in their order.
    pub layers: Vec<ProjectionLayer>,
    /// Positions that a kernel reaches to either side.
    reach: usize,
}

impl Projection {
    /// Variables `I.conv.*` and `I.norm.*` below `path` for layer I.
    ///
    /// # Errors
    /// If there is no layer, a size is 0 or the kernel is even.
    pub fn new(
        path: &nn::Path<'_>,
        config: &ProjectionConfig,
        input_dim: usize,
        dim: usize,
    ) -> Result<Self, EncoderError> {
        let &ProjectionConfig {
            num_layers,
            kernel_size,
            norm,
        } = config;
        let mut errors = config.errors();
        errors.extend(zeros([("input_dim", input_dim), ("dim", dim)]));
        EncoderError::unless_empty(errors)?;
        let layers = (0..num_layers).map(|layer| {
            let path = path / layer;
            let in_channels = if layer == 0 { input_dim } else { dim };
            let bias = if norm { BiasInit::None } else { BiasInit::Zero };
            let conv = Conv1dConfig::new(in_channels, dim, kernel_size).with_bias(bias);
            ProjectionLayer {
                conv: MaskedConv1d::new(&(&path / "conv"), conv),
                norm: norm.then(|| ChannelLayerNorm::new(&(&path / "norm"), dim)),
            }
        });
        Ok(Projection {
            layers: layers.collect(),
            reach: kernel_size / 2,
        })
    }

    /// Projects; from position `valid_len` on, every sample is padding.
    pub fn forward(&self, features: &Tensor, mask: &Tensor, valid_len: usize) -> Tensor {
        let padded_len = features.size()[2];
        let kept = dim(valid_len + self.reach).min(padded_len);
        let first = features.narrow(2, 0, kept);
        let mask = mask.narrow(2, 0, kept);
        let layers = self.layers.iter();
        let projected = layers.fold(first, |x, layer| layer.forward(&x, &mask));
        if kept == padded_len {
            return projected;
        }
        let size = projected.size();
        let rest = [size[0], size[1], padded_len - kept];
        let padding = match self.layers.last().and_then(|layer| layer.norm.as_ref()) {
            Some(norm) => norm.bias.relu().expand(rest, false),
            None => Tensor::zeros(rest, (projected.kind(), projected.device())),
        };
        Tensor::cat(&[projected, padding], 2)
    }
}

#[cfg(test)]
mod tests {
    use tal_core::nn::{length_mask, named_variables};
    use tch::{Device, Kind, nn::VarStore};

    use super::*;

    fn config(norm: bool) -> ProjectionConfig {
        ProjectionConfig {
            num_layers: 2,
            kernel_size: 3,
            norm,
        }
    }

    #[test]
    fn without_norm_there_is_a_bias_and_padding_stays_zero() {
        let vs = VarStore::new(Device::Cpu);
        let projection = Projection::new(&vs.root(), &config(false), 3, 4).unwrap();
        let names: Vec<_> = named_variables(&vs).into_keys().collect();
        assert_eq!(
            names,
            [
                "0.conv.bias",
                "0.conv.weight",
                "1.conv.bias",
                "1.conv.weight"
            ]
        );
        let x = Tensor::ones([1, 3, 6], (Kind::Float, Device::Cpu));
        let y = projection.forward(&x, &length_mask(&[4], 6, Device::Cpu), 4);
        assert_eq!(y.size(), [1, 4, 6]);
        assert!(y.min().double_value(&[]) >= 0.0);
        assert_eq!(y.narrow(2, 4, 2).abs().max().double_value(&[]), 0.0);
    }

    #[test]
    fn with_norm_padding_is_its_rectified_bias() {
        let vs = VarStore::new(Device::Cpu);
        let projection = Projection::new(&vs.root(), &config(true), 3, 2).unwrap();
        let norm = projection.layers[1].norm.as_ref().unwrap();
        tch::no_grad(|| {
            norm.bias
                .shallow_clone()
                .copy_(&Tensor::from_slice(&[0.25f32, -1.0]).view([1, 2, 1]))
        });
        let x = Tensor::ones([1, 3, 6], (Kind::Float, Device::Cpu));
        let y = projection.forward(&x, &length_mask(&[4], 6, Device::Cpu), 4);
        assert_eq!(y.double_value(&[0, 0, 5]), 0.25);
        assert_eq!(y.double_value(&[0, 1, 5]), 0.0);
    }

    #[test]
    fn what_is_left_out_is_the_same_vector() {
        tch::manual_seed(9);
        for norm in [true, false] {
            let vs = VarStore::new(Device::Cpu);
            let projection = Projection::new(&vs.root(), &config(norm), 3, 4).unwrap();
            let x = Tensor::randn([2, 3, 12], (Kind::Float, Device::Cpu));
            let mask = length_mask(&[5, 3], 12, Device::Cpu);
            let whole = projection.forward(&x, &mask, 12);
            let difference = (projection.forward(&x, &mask, 5) - &whole).abs().max();
            assert!(difference.double_value(&[]) < 1e-6);
            // One position less than the kernel reads.
            let short = projection.forward(&x, &mask, 4) - whole;
            assert!(short.abs().max().double_value(&[]) > 1e-3);
        }
    }

    #[test]
    fn impossible_sizes_are_errors() {
        let vs = VarStore::new(Device::Cpu);
        let even = ProjectionConfig {
            kernel_size: 4,
            ..config(true)
        };
        let error = Projection::new(&vs.root(), &even, 3, 4).unwrap_err();
        assert_eq!(
            error.to_string(),
            "projection.kernel_size is 4, must be an odd number"
        );
        assert!(Projection::new(&vs.root(), &config(true), 0, 4).is_err());
    }
}
