//! The layer of a convolution along time.

use tch::{Tensor, nn};

use super::convolve::{convolve, strided};
use super::dim;
use super::init::{BiasInit, WeightInit, variables};
use super::precision::multiply;

/// Shape and initial values of a [`Conv1d`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conv1dConfig {
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Taps along time.
    pub kernel_size: usize,
    /// Step along time.
    pub stride: usize,
    /// Zeros on either side.
    pub padding: usize,
    /// Groups of channels that do not see each other; as many as there are channels make a depth-wise convolution.
    pub groups: usize,
    /// Bias and its initial value.
    pub bias: BiasInit,
    /// Initial weights.
    pub weight: WeightInit,
}

impl Conv1dConfig {
    /// Stride 1, padding `kernel_size / 2` (which keeps the length if the kernel is odd), one group, PyTorch's own
    /// initial weights and bias.
    pub fn new(in_channels: usize, out_channels: usize, kernel_size: usize) -> Self {
        Conv1dConfig {
            in_channels,
            out_channels,
            kernel_size,
            stride: 1,
            padding: kernel_size / 2,
            groups: 1,
            bias: BiasInit::Default,
            weight: WeightInit::Default,
        }
    }

    /// A depth-wise convolution: every channel has a kernel of its own and sees no other channel.
    pub fn depthwise(channels: usize, kernel_size: usize) -> Self {
        Conv1dConfig {
            groups: channels,
            ..Conv1dConfig::new(channels, channels, kernel_size)
        }
    }

    /// The same convolution with another bias.
    pub fn with_bias(self, bias: BiasInit) -> Self {
        Conv1dConfig { bias, ..self }
    }
}

/// Convolution along time with zero padding.
///
/// y\[b, o, t\] = bias\[o\] + Σ_{c, j} weight\[o, c, j\] · x\[b, c, t·stride + j − padding\]
///
/// # Shapes
/// (B, in, T) → (B, out, ⌊(T + 2·padding − kernel) / stride⌋ + 1); `weight` (out, in / groups, kernel), `bias` (out).
#[derive(Debug)]
pub struct Conv1d {
    /// Kernels.
    pub weight: Tensor,
    /// Bias, if any.
    pub bias: Option<Tensor>,
    stride: i64,
    padding: i64,
    groups: i64,
}

impl Conv1d {
    /// Variables `weight` and `bias` below `path`.
    ///
    /// # Panics
    /// If a size is 0 or `groups` does not divide the channels.
    pub fn new(path: &nn::Path<'_>, config: Conv1dConfig) -> Self {
        let (weight, bias) = variables(
            path,
            [config.out_channels, config.in_channels],
            config.out_channels,
            [config.kernel_size, config.stride, config.groups],
            (config.weight, config.bias),
        );
        Conv1d {
            weight,
            bias,
            stride: dim(config.stride),
            padding: dim(config.padding),
            groups: dim(config.groups),
        }
    }

    /// Whether it is a fully connected layer at every position: kernel 1, stride 1, no padding, one group.
    pub(super) fn is_pointwise(&self) -> bool {
        (
            self.weight.size()[2],
            self.stride,
            self.padding,
            self.groups,
        ) == (1, 1, 0, 1)
    }

    /// Convolves.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let bias = self.bias.as_ref();
        if self.stride == 1 && self.groups == 1 {
            return convolve(x, &self.weight, bias, self.padding);
        }
        let [stride, padding, groups] = [self.stride, self.padding, self.groups];
        if groups > 1 {
            // There are few products for each value that is read: nothing to gain.
            return x.conv1d(&self.weight, bias, stride, padding, 1, groups);
        }
        multiply(x, &self.weight, bias, |x, weight, bias| {
            strided(x, weight, bias, stride, padding)
        })
    }
}

#[cfg(test)]
mod tests {
    use tch::nn::VarStore;
    use tch::{Device, Kind};

    use super::*;

    #[test]
    fn convolves_with_zero_padding() {
        let vs = VarStore::new(Device::Cpu);
        let conv = Conv1d::new(
            &vs.root(),
            Conv1dConfig {
                bias: BiasInit::Value(0.5),
                ..Conv1dConfig::new(1, 1, 3)
            },
        );
        tch::no_grad(|| {
            conv.weight
                .shallow_clone()
                .copy_(&Tensor::from_slice(&[1f32, 10., 100.]).view([1, 1, 3]))
        });
        let x = Tensor::from_slice(&[1f32, 2., 3.]).view([1, 1, 3]);
        let y = Vec::<f32>::try_from(conv.forward(&x).view(-1)).unwrap();
        assert_eq!(y, [210.5, 321.5, 32.5]);
    }

    #[test]
    fn default_init_is_bounded_by_fan_in() {
        let vs = VarStore::new(Device::Cpu);
        tch::manual_seed(1);
        let conv = Conv1d::new(&vs.root(), Conv1dConfig::new(8, 640, 2));
        let bound = 1.0 / 4.0;
        for values in [&conv.weight, conv.bias.as_ref().unwrap()] {
            let largest = values.abs().max().double_value(&[]);
            assert!(
                largest <= bound && largest > 0.9 * bound,
                "{largest} of {bound}"
            );
            assert!(values.min().double_value(&[]) < -0.8 * bound);
        }
        assert_eq!(conv.weight.size(), [640, 8, 2]);
        assert_eq!(conv.weight.kind(), Kind::Float);
    }

    #[test]
    fn depthwise_channels_do_not_mix() {
        let vs = VarStore::new(Device::Cpu);
        let config = Conv1dConfig {
            weight: WeightInit::Normal { std: 1.0 },
            bias: BiasInit::None,
            ..Conv1dConfig::depthwise(3, 3)
        };
        let conv = Conv1d::new(&vs.root(), config);
        let x = Tensor::zeros([1, 3, 5], (Kind::Float, Device::Cpu));
        let _ = x.get(0).get(1).fill_(1.0);
        let y = conv
            .forward(&x)
            .abs()
            .sum_dim_intlist([0i64, 2].as_slice(), false, None);
        let y = Vec::<f32>::try_from(y).unwrap();
        assert!(y[0] == 0.0 && y[1] > 0.0 && y[2] == 0.0, "{y:?}");
        assert_eq!(vs.len(), 1);
    }
}
