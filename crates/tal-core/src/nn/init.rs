//! Variables of convolutions and their initial values.

use tch::Tensor;
use tch::nn::{Init, Path};

use super::dim;

/// Initial weights of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum WeightInit {
    /// U(−b, b) with b = 1/√fan_in, PyTorch's own.
    #[default]
    Default,
    /// N(0, std²).
    Normal {
        /// Standard deviation; 0 starts at zero.
        std: f64,
    },
}

/// Bias of a convolution and its initial value.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum BiasInit {
    /// No bias.
    None,
    /// 0
    Zero,
    /// A constant.
    Value(f64),
    /// U(−b, b) with b = 1/√fan_in, PyTorch's own.
    #[default]
    Default,
}

impl WeightInit {
    fn init(self, fan_in: usize) -> Init {
        match self {
            WeightInit::Default => uniform(fan_in),
            WeightInit::Normal { std } => Init::Randn {
                mean: 0.0,
                stdev: std,
            },
        }
    }
}

impl BiasInit {
    /// `None` if the convolution has no bias.
    fn init(self, fan_in: usize) -> Option<Init> {
        match self {
            BiasInit::None => None,
            BiasInit::Zero => Some(Init::Const(0.0)),
            BiasInit::Value(value) => Some(Init::Const(value)),
            BiasInit::Default => Some(uniform(fan_in)),
        }
    }
}

fn uniform(fan_in: usize) -> Init {
    let bound = 1.0 / (fan_in as f64).sqrt();
    Init::Uniform {
        lo: -bound,
        up: bound,
    }
}

/// Variables `weight` and `bias` of a convolution below `path`. The weight is (first, second / groups, kernel), and PyTorch
/// counts its second dimension as the fan-in, for transposed convolutions, too.
///
/// # Panics
/// If a size is 0 or `groups` does not divide the channels.
pub(super) fn variables(
    path: &Path<'_>,
    [first, second]: [usize; 2],
    outputs: usize,
    [kernel_size, stride, groups]: [usize; 3],
    (weight, bias): (WeightInit, BiasInit),
) -> (Tensor, Option<Tensor>) {
    assert!(
        first * second * kernel_size * stride * groups > 0
            && first.is_multiple_of(groups)
            && second.is_multiple_of(groups),
        "no convolution has {first} and {second} channels, {groups} groups, kernel {kernel_size} and stride {stride}"
    );
    let fan_in = second / groups * kernel_size;
    let size = [first, second / groups, kernel_size].map(dim);
    let weight = path.var("weight", &size, weight.init(fan_in));
    let bias = bias.init(fan_in);
    let bias = bias.map(|init| path.var("bias", &[dim(outputs)], init));
    (weight, bias)
}
