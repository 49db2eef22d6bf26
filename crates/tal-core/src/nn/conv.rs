//! Convolution along time.

use tal_torch::record;
use tch::{Device, Kind, Tensor, nn};

use super::direct::{self, Taps};
use super::init::{BiasInit, WeightInit};
use super::precision::multiply;
use super::{dim, host};

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
    /// Groups of channels that do not see each other; all channels alone is a depth-wise convolution.
    pub groups: usize,
    /// Whether there is a bias and what it starts with.
    pub bias: BiasInit,
    /// What the weights start with.
    pub weight: WeightInit,
}

impl Conv1dConfig {
    /// Stride 1, padding `kernel_size / 2` (which keeps the length where the kernel is odd), one group, PyTorch's own
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

    /// A depth-wise convolution: every channel has a kernel of its own and sees nothing else.
    pub fn depthwise(channels: usize, kernel_size: usize) -> Self {
        Conv1dConfig {
            groups: channels,
            ..Conv1dConfig::new(channels, channels, kernel_size)
        }
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
    /// Where a size is 0 or `groups` divides the channels with a remainder.
    pub fn new(path: &nn::Path<'_>, config: Conv1dConfig) -> Self {
        let Conv1dConfig {
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            groups,
            bias,
            weight,
        } = config;
        assert!(
            in_channels > 0 && out_channels > 0 && kernel_size > 0 && stride > 0 && groups > 0,
            "a convolution needs sizes above 0: {config:?}"
        );
        assert!(
            in_channels.is_multiple_of(groups) && out_channels.is_multiple_of(groups),
            "the groups of a convolution must divide its channels: {config:?}"
        );
        let fan_in = in_channels / groups * kernel_size;
        let size = [
            dim(out_channels),
            dim(in_channels / groups),
            dim(kernel_size),
        ];
        Conv1d {
            weight: path.var("weight", &size, weight.init(fan_in)),
            bias: bias
                .init(fan_in)
                .map(|init| path.var("bias", &[dim(out_channels)], init)),
            stride: dim(stride),
            padding: dim(padding),
            groups: dim(groups),
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
    ///
    /// # Shapes
    /// (B, in, T) → (B, out, T').
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let bias = self.bias.as_ref();
        if self.stride == 1 && self.groups == 1 {
            return convolve(x, &self.weight, bias, self.padding);
        }
        let [stride, padding, groups] = [self.stride, self.padding, self.groups];
        if groups > 1 {
            // Few products per value that is read: nothing to win.
            return x.conv1d(&self.weight, bias, stride, padding, 1, groups);
        }
        multiply(x, &self.weight, bias, |x, weight, bias| {
            strided(x, weight, bias, stride, padding)
        })
    }
}

/// Convolves with any stride, all channels with all. Where the length is halved, the CPU takes the gradient of the weights as
/// [`convolve`] does, here from the output's gradient and every other position of the input.
fn strided(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: i64,
    padding: i64,
) -> Tensor {
    let forward = || x.conv1d(weight, bias, stride, padding, 1, 1);
    let (kernel, len) = (weight.size()[2], x.size()[2]);
    if (kernel, stride, padding) != (3, 2, 1) || len % 2 != 0 {
        return forward();
    }
    let gradients = Gradients {
        input: |gradient: &Tensor, weight: &Tensor| {
            gradient.conv_transpose1d(weight, None::<Tensor>, 2, 1, 1, 1, 1)
        },
        weight: |gradient: &Tensor, x: &Tensor| every_other_product(gradient, x),
    };
    gradients.record([x, weight], bias, forward)
}

/// How gradients go back through a convolution.
pub(super) struct Gradients<I, W> {
    /// From the output's gradient and the weights to the gradient of the input.
    pub(super) input: I,
    /// From the output's gradient and the input to the gradient of the weights.
    pub(super) weight: W,
}

impl<I, W> Gradients<I, W>
where
    I: Fn(&Tensor, &Tensor) -> Tensor + Send + 'static,
    W: Fn(&Tensor, &Tensor) -> Tensor + Send + 'static,
{
    /// The result of `forward`, a convolution of `[x, weight]` and bias, whose gradients go this way on the CPU, in kinds
    /// with enough digits to add products up; LibTorch's own way elsewhere.
    pub(super) fn record(
        self,
        [x, weight]: [&Tensor; 2],
        bias: Option<&Tensor>,
        forward: impl FnOnce() -> Tensor,
    ) -> Tensor {
        let is_ours = x.device() == Device::Cpu && matches!(x.kind(), Kind::Float | Kind::Double);
        let inputs: Vec<&Tensor> = [x, weight].into_iter().chain(bias).collect();
        if !is_ours || !host::records_gradient(inputs.iter().copied()) {
            return forward();
        }
        let (x, weight) = (x.detach(), weight.detach());
        record(tch::no_grad(forward), &inputs, move |gradient, needed| {
            let input = || (self.input)(gradient, &weight);
            let weight = || (self.weight)(gradient, &x);
            let bias = || gradient.sum_dim_intlist([0i64, 2].as_slice(), false, None);
            as_needed([&input, &weight, &bias], needed)
        })
    }
}

/// Those of the gradients of input, weight and bias that are asked for; a convolution without a bias has none.
pub(super) fn as_needed(parts: [&dyn Fn() -> Tensor; 3], needed: &[bool]) -> Vec<Option<Tensor>> {
    let parts = parts.into_iter().zip(needed);
    parts.map(|(part, needed)| needed.then(part)).collect()
}

/// Σ_b, t short\[b, c, t\] · long\[b, d, 2t + j − 1\] for every c, d and tap j of three: the gradient of weights between a
/// sequence and one twice as long.
///
/// # Shapes
/// (B, C, T), (B, D, 2T) → (C, D, 3).
pub(super) fn every_other_product(short: &Tensor, long: &Tensor) -> Tensor {
    let taps = Taps {
        count: 3,
        stride: 2,
        padding: 1,
    };
    weight_gradient(long, short, taps)
}

/// Convolves with stride 1, all channels with all.
///
/// The same as LibTorch's convolution. On the CPU, where the length stays, in float32 and float64, the gradient of the weights is
/// ours: loops in registers on processors with AVX2 or AVX-512, products of matrices for float64 and elsewhere. In float32 on
/// these processors, values and gradients of the input are loops in registers, too, with kernels 1 and 3.
///
/// # Shapes
/// (B, in, T), `weight` (out, in, kernel), `bias` (out) → (B, out, T + 2·padding − kernel + 1).
pub fn convolve(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, padding: i64) -> Tensor {
    multiply(x, weight, bias, |x, weight, bias| {
        recorded(x, weight, bias, padding)
    })
}

/// [`convolve`] in the kind of its inputs.
fn recorded(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, padding: i64) -> Tensor {
    // Its gradient is computed here only where the length stays.
    if weight.size()[2] != 2 * padding + 1 {
        return x.conv1d(weight, bias, 1, padding, 1, 1);
    }
    let gradients = Gradients {
        input: |gradient: &Tensor, weight: &Tensor| {
            same_length(gradient, &direct::transposed(weight), None)
        },
        weight: move |gradient: &Tensor, x: &Tensor| {
            let padding = padding as usize;
            let taps = Taps {
                count: 2 * padding + 1,
                stride: 1,
                padding,
            };
            weight_gradient(x, gradient, taps)
        },
    };
    gradients.record([x, weight], bias, || same_length(x, weight, bias))
}

/// Convolves with an odd kernel and as much padding as keeps the length.
fn same_length(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
    direct::convolve(x, weight, bias)
        .unwrap_or_else(|| x.conv1d(weight, bias, 1, weight.size()[2] / 2, 1, 1))
}

/// Σ_b, t gradient\[b, o, t\] · x\[b, c, stride·t + j − padding\] for every output o, input c and tap j.
///
/// # Shapes
/// `x` (B, in, stride · T), `gradient` (B, out, T) → (out, in, taps).
fn weight_gradient(x: &Tensor, gradient: &Tensor, taps: Taps) -> Tensor {
    direct::weight_gradient(x, gradient, taps)
        .unwrap_or_else(|| products_of_matrices(x, gradient, taps))
}

/// [`weight_gradient`] of any kind on any processor, by LibTorch: a product for each tap and sample.
fn products_of_matrices(x: &Tensor, gradient: &Tensor, taps: Taps) -> Tensor {
    let (batch, inputs, _) = x.size3().expect("a convolution's input");
    let (_, outputs, len) = gradient.size3().expect("a convolution's output");
    let options = (gradient.kind(), gradient.device());
    let sums = Tensor::zeros([dim(taps.count), outputs, inputs], options);
    for sample in 0..batch {
        let gradient = gradient.get(sample);
        let x = x.get(sample).reshape([inputs, len, dim(taps.stride)]);
        let phases: Vec<Tensor> = (0..taps.stride)
            .map(|phase| x.select(2, dim(phase)).contiguous())
            .collect();
        for (tap, (phase, shift)) in taps.places().enumerate() {
            let shift = shift as i64;
            let overlap = len - shift.abs();
            if overlap <= 0 {
                continue;
            }
            let gradient = gradient.narrow(1, (-shift).max(0), overlap);
            let x = phases[phase].narrow(1, shift.max(0), overlap);
            let mut sum = sums.get(dim(tap));
            let _ = sum.addmm_(&gradient, &x.transpose(0, 1));
        }
    }
    sums.permute([1, 2, 0]).contiguous()
}

#[cfg(test)]
pub(super) mod tests {
    use tch::nn::VarStore;

    use super::*;
    use crate::nn::gradient_error;

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

    /// What a convolution returns, and the gradients of input, weight and bias.
    pub(in crate::nn) fn gradients(
        values: &[Tensor; 3],
        run: impl Fn(&[Tensor; 3]) -> Tensor,
    ) -> [Tensor; 4] {
        let inputs = values
            .each_ref()
            .map(|value| value.copy().set_requires_grad(true));
        let y = run(&inputs);
        let options = (y.kind(), Device::Cpu);
        let count: i64 = y.size().iter().product();
        (&y * Tensor::arange(count, options).sin().view_as(&y))
            .sum(None)
            .backward();
        let [x, weight, bias] = inputs.map(|input| input.grad());
        [y.detach(), x, weight, bias]
    }

    /// Each result is near the expected one, relative to the largest value.
    pub(in crate::nn) fn assert_near(ours: &[Tensor], expected: &[Tensor], limit: f64) {
        assert_eq!(ours.len(), expected.len());
        for (ours, expected) in ours.iter().zip(expected) {
            assert_eq!(ours.size(), expected.size());
            let error = (ours - expected).abs().max() / (expected.abs().max() + 1e-3);
            assert!(error.double_value(&[]) < limit, "{error:?}");
        }
    }

    #[test]
    fn gradients_are_those_of_libtorch() {
        tch::manual_seed(2);
        let cases = [
            (1, 1, 1, 1, 1),
            (2, 3, 5, 3, 9),
            (3, 4, 2, 5, 1),
            (1, 2, 3, 7, 2),
            (2, 64, 33, 3, 170),
        ];
        for (batch, inputs, outputs, kernel, len) in cases {
            for (kind, limit) in [(Kind::Double, 1e-12), (Kind::Float, 1e-5)] {
                let options = (kind, Device::Cpu);
                let values = [
                    Tensor::randn([batch, inputs, len], options),
                    Tensor::randn([outputs, inputs, kernel], options),
                    Tensor::randn([outputs], options),
                ];
                let padding = kernel / 2;
                let ours = gradients(&values, |[x, weight, bias]| {
                    convolve(x, weight, Some(bias), padding)
                });
                let expected = gradients(&values, |[x, weight, bias]| {
                    x.conv1d(weight, Some(bias), 1, padding, 1, 1)
                });
                assert_near(&ours, &expected, limit);
            }
        }
    }

    #[test]
    fn gradients_of_halving_are_those_of_libtorch() {
        tch::manual_seed(2);
        for (batch, inputs, outputs, len) in
            [(1, 1, 1, 2), (2, 3, 5, 9), (3, 4, 2, 4), (2, 9, 33, 170)]
        {
            for (kind, limit) in [(Kind::Double, 1e-12), (Kind::Float, 1e-5)] {
                let options = (kind, Device::Cpu);
                let values = [
                    Tensor::randn([batch, inputs, len], options),
                    Tensor::randn([outputs, inputs, 3], options),
                    Tensor::randn([outputs], options),
                ];
                let ours = gradients(&values, |[x, weight, bias]| {
                    strided(x, weight, Some(bias), 2, 1)
                });
                let expected = gradients(&values, |[x, weight, bias]| {
                    x.conv1d(weight, Some(bias), 2, 1, 1, 1)
                });
                assert_near(&ours, &expected, limit);
            }
        }
    }

    #[test]
    fn gradients_match_finite_differences() {
        tch::manual_seed(3);
        let options = (Kind::Double, Device::Cpu);
        let sizes: [&[i64]; 3] = [&[2, 3, 5], &[4, 3, 3], &[4]];
        let inputs = sizes.map(|size| Tensor::randn(size, options).set_requires_grad(true));
        let [x, weight, bias] = &inputs;
        let error = gradient_error(&inputs, || convolve(x, weight, Some(bias), 1));
        assert!(error < 1e-6, "{error}");
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
