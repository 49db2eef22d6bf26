//! Transposed convolution along time.

use tch::{Tensor, nn};

use super::convolve::{Gradients, every_other_product};
use super::dim;
use super::init::{BiasInit, WeightInit, variables};
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
    /// Bias and its initial value.
    pub bias: BiasInit,
    /// Initial weights.
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
    /// If a size is 0 or `groups` does not divide the channels.
    pub fn new(path: &nn::Path<'_>, config: ConvTranspose1dConfig) -> Self {
        let (weight, bias) = variables(
            path,
            [config.in_channels, config.out_channels],
            config.out_channels,
            [config.kernel_size, config.stride, config.groups],
            (config.weight, config.bias),
        );
        ConvTranspose1d {
            weight,
            bias,
            stride: dim(config.stride),
            padding: dim(config.padding),
            output_padding: dim(config.output_padding),
            groups: dim(config.groups),
        }
    }

    /// Convolves.
    ///
    /// # Shapes
    /// (B, in, T) → (B, out, T').
    pub fn forward(&self, x: &Tensor) -> Tensor {
        multiply(x, &self.weight, self.bias.as_ref(), |x, weight, bias| {
            self.recorded(x, weight, bias)
        })
    }

    /// [`ConvTranspose1d::forward`] in the kind of its inputs. If the length is doubled, the CPU takes the gradient of the
    /// weights as [`super::convolve`] does, here from the input and every other position of the output's gradient.
    fn recorded(&self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
        let [stride, padding, end] = [self.stride, self.padding, self.output_padding];
        let forward = || x.conv_transpose1d(weight, bias, stride, padding, end, self.groups, 1);
        let kernel = weight.size()[2];
        if (kernel, stride, padding, end, self.groups) != (3, 2, 1, 1, 1) {
            return forward();
        }
        let gradients = Gradients {
            input: |gradient: &Tensor, weight: &Tensor| {
                gradient.conv1d(weight, None::<Tensor>, 2, 1, 1, 1)
            },
            weight: |gradient: &Tensor, x: &Tensor| every_other_product(x, gradient),
        };
        gradients.record([x, weight], bias, forward)
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, nn::VarStore};

    use super::*;
    use crate::nn::convolve::tests::{assert_near, gradients};

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
    fn gradients_are_those_of_libtorch() {
        for (batch, inputs, outputs, len) in
            [(1, 1, 1, 1), (2, 3, 5, 9), (3, 4, 2, 2), (2, 9, 33, 170)]
        {
            for (kind, limit) in [(Kind::Double, 1e-12), (Kind::Float, 1e-5)] {
                tch::manual_seed(2);
                let mut vs = VarStore::new(Device::Cpu);
                let config = ConvTranspose1dConfig::doubling(inputs, outputs);
                let conv = ConvTranspose1d::new(&vs.root(), config);
                vs.set_kind(kind);
                let size = [batch, dim(inputs), len];
                let values = [
                    Tensor::randn(size, (kind, Device::Cpu)),
                    conv.weight.detach(),
                    conv.bias.as_ref().unwrap().detach(),
                ];
                let ours = gradients(&values, |[x, weight, bias]| {
                    conv.recorded(x, weight, Some(bias))
                });
                let expected = gradients(&values, |[x, weight, bias]| {
                    x.conv_transpose1d(weight, Some(bias), 2, 1, 1, 1, 1)
                });
                assert_near(&ours, &expected, limit);
            }
        }
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
