//! Transposed convolution along time.

use tch::{Tensor, nn};

use super::convolve::{Gradients, every_other_product};
use super::init::{BiasInit, WeightInit, variables};
use super::precision::multiply;

/// Taps along time.
const KERNEL: usize = 3;

/// Transposed convolution along time that doubles the length: kernel 3, stride 2, padding 1, output padding 1.
///
/// y\[b, o, 2t + j − 1\] += weight\[c, o, j\] · x\[b, c, t\], plus bias\[o\].
///
/// # Shapes
/// (B, in, T) → (B, out, 2T); `weight` (in, out, 3), `bias` (out).
#[derive(Debug)]
pub struct ConvTranspose1d {
    /// Kernels.
    pub weight: Tensor,
    /// Bias.
    pub bias: Option<Tensor>,
}

impl ConvTranspose1d {
    /// Variables `weight` and `bias` below `path`, with PyTorch's own initial values.
    ///
    /// # Panics
    /// If a number of channels is 0.
    pub fn new(path: &nn::Path<'_>, in_channels: usize, out_channels: usize) -> Self {
        let (weight, bias) = variables(
            path,
            [in_channels, out_channels],
            out_channels,
            [KERNEL, 2, 1],
            (WeightInit::Default, BiasInit::Default),
        );
        ConvTranspose1d { weight, bias }
    }

    /// Convolves.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        multiply(x, &self.weight, self.bias.as_ref(), recorded)
    }
}

/// [`ConvTranspose1d::forward`] in the kind of its inputs. The CPU takes the gradient of the weights as [`super::convolve`]
/// does, here from the input and every other position of the output's gradient.
fn recorded(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
    let gradients = Gradients {
        input: |gradient: &Tensor, weight: &Tensor| {
            gradient.conv1d(weight, None::<Tensor>, 2, 1, 1, 1)
        },
        weight: |gradient: &Tensor, x: &Tensor| every_other_product(x, gradient),
    };
    gradients.record([x, weight], bias, || {
        x.conv_transpose1d(weight, bias, 2, 1, 1, 1, 1)
    })
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, nn::VarStore};

    use super::*;
    use crate::nn::convolve::tests::{assert_near, gradients};

    #[test]
    fn doubles_the_length() {
        let vs = VarStore::new(Device::Cpu);
        let conv = ConvTranspose1d::new(&vs.root(), 1, 1);
        tch::no_grad(|| {
            conv.weight
                .shallow_clone()
                .copy_(&Tensor::from_slice(&[1f32, 10., 100.]).view([1, 1, 3]));
            let _ = conv.bias.as_ref().unwrap().shallow_clone().zero_();
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
                let conv = ConvTranspose1d::new(&vs.root(), inputs, outputs);
                vs.set_kind(kind);
                let size = [batch, inputs as i64, len];
                let values = [
                    Tensor::randn(size, (kind, Device::Cpu)),
                    conv.weight.detach(),
                    conv.bias.as_ref().unwrap().detach(),
                ];
                let ours = gradients(&values, |[x, weight, bias]| recorded(x, weight, Some(bias)));
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
        let conv = ConvTranspose1d::new(&vs.root(), 200, 12);
        let largest = conv.weight.abs().max().double_value(&[]);
        assert!((0.16..=1.0 / 6.0).contains(&largest), "{largest}");
    }
}
