//! Transposed convolution along time.

use tch::{Tensor, nn};

use super::dim;
use super::init::{BiasInit, WeightInit};
use super::precision::multiply;

/// Shape and initial values of a [`ConvTranspose1d`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConvTranspose1dConfig {
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Taps along time.
    pub kernel_size: usize,
    /// Step along time of the output.
    pub stride: usize,
    /// Positions cut off on either side of the output.
    pub padding: usize,
    /// Positions added at the end of the output.
    pub output_padding: usize,
    /// Groups of channels that do not see each other.
    pub groups: usize,
    /// Whether there is a bias and what it starts with.
    pub bias: BiasInit,
    /// What the weights start with.
    pub weight: WeightInit,
}

impl ConvTranspose1dConfig {
    /// Kernel 3, stride 2, padding 1, output padding 1: doubles the length exactly.
    pub fn doubling(in_channels: usize, out_channels: usize) -> Self {
        ConvTranspose1dConfig {
            in_channels,
            out_channels,
            kernel_size: 3,
            stride: 2,
            padding: 1,
            output_padding: 1,
            groups: 1,
            bias: BiasInit::Default,
            weight: WeightInit::Default,
        }
    }
}

/// Transposed convolution along time.
///
/// y\[b, o, t·stride + j − padding\] += weight\[c, o, j\] · x\[b, c, t\], plus bias\[o\].
///
/// # Shapes
/// (B, in, T) → (B, out, (T − 1)·stride − 2·padding + kernel + output_padding); `weight` (in, out / groups, kernel),
/// `bias` (out).
#[derive(Debug)]
pub struct ConvTranspose1d {
    /// Kernels.
    pub weight: Tensor,
    /// Bias, if any.
    pub bias: Option<Tensor>,
    stride: i64,
    padding: i64,
    output_padding: i64,
    groups: i64,
}

impl ConvTranspose1d {
    /// Variables `weight` and `bias` below `path`.
    ///
    /// # Panics
    /// Where a size is 0 or `groups` divides the channels with a remainder.
    pub fn new(path: &nn::Path<'_>, config: ConvTranspose1dConfig) -> Self {
        let ConvTranspose1dConfig {
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            output_padding,
            groups,
            bias,
            weight,
        } = config;
        assert!(
            in_channels > 0 && out_channels > 0 && kernel_size > 0 && stride > 0 && groups > 0,
            "a transposed convolution needs sizes above 0: {config:?}"
        );
        assert!(
            in_channels.is_multiple_of(groups) && out_channels.is_multiple_of(groups),
            "the groups of a transposed convolution must divide its channels: {config:?}"
        );
        // PyTorch counts the second dimension of the weight, which here is the output's.
        let fan_in = out_channels / groups * kernel_size;
        let size = [
            dim(in_channels),
            dim(out_channels / groups),
            dim(kernel_size),
        ];
        ConvTranspose1d {
            weight: path.var("weight", &size, weight.init(fan_in)),
            bias: bias
                .init(fan_in)
                .map(|init| path.var("bias", &[dim(out_channels)], init)),
            stride: dim(stride),
            padding: dim(padding),
            output_padding: dim(output_padding),
            groups: dim(groups),
        }
    }

    /// Convolves.
    ///
    /// # Shapes
    /// (B, in, T) → (B, out, T').
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let convolve = |x: &Tensor, weight: &Tensor, bias: Option<&Tensor>| {
            let [stride, padding, end] = [self.stride, self.padding, self.output_padding];
            x.conv_transpose1d(weight, bias, stride, padding, end, self.groups, 1)
        };
        multiply(x, &self.weight, self.bias.as_ref(), convolve)
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, nn::VarStore};

    use super::*;

    #[test]
    fn doubles_the_length() {
        let vs = VarStore::new(Device::Cpu);
        let config = ConvTranspose1dConfig {
            bias: BiasInit::Zero,
            ..ConvTranspose1dConfig::doubling(1, 1)
        };
        let conv = ConvTranspose1d::new(&vs.root(), config);
        tch::no_grad(|| {
            conv.weight
                .shallow_clone()
                .copy_(&Tensor::from_slice(&[1f32, 10., 100.]).view([1, 1, 3]))
        });
        let x = Tensor::from_slice(&[1f32, 2., 3.]).view([1, 1, 3]);
        let y = Vec::<f32>::try_from(conv.forward(&x).view(-1)).unwrap();
        assert_eq!(y, [10., 102., 20., 203., 30., 300.]);
    }

    #[test]
    fn fan_in_counts_the_output() {
        let vs = VarStore::new(Device::Cpu);
        tch::manual_seed(1);
        let config = ConvTranspose1dConfig::doubling(200, 12);
        let conv = ConvTranspose1d::new(&vs.root(), config);
        let largest = conv.weight.abs().max().double_value(&[]);
        assert!((0.16..=1.0 / 6.0).contains(&largest), "{largest}");
    }
}
