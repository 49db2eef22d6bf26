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

/// Sizes and initial values of a convolution's variables.
#[derive(Debug)]
pub(super) struct Kernels {
    /// Channels of the weight's first and second dimension, before these are shared out to groups.
    pub(super) channels: [usize; 2],
    /// Channels of the output.
    pub(super) outputs: usize,
    pub(super) kernel_size: usize,
    pub(super) stride: usize,
    pub(super) groups: usize,
    pub(super) weight: WeightInit,
    pub(super) bias: BiasInit,
}

impl Kernels {
    /// Variables `weight` and `bias` below `path`.
    ///
    /// # Panics
    /// If a size is 0 or `groups` does not divide the channels.
    pub(super) fn variables(&self, path: &Path<'_>) -> (Tensor, Option<Tensor>) {
        let [first, second] = self.channels;
        let groups = self.groups;
        assert!(
            first * second * self.kernel_size * self.stride * groups > 0,
            "a convolution needs sizes above 0: {self:?}"
        );
        assert!(
            first.is_multiple_of(groups) && second.is_multiple_of(groups),
            "the groups of a convolution must divide its channels: {self:?}"
        );
        // PyTorch counts the second dimension of the weight, for transposed convolutions, too.
        let fan_in = second / groups * self.kernel_size;
        let size = [first, second / groups, self.kernel_size].map(dim);
        let weight = path.var("weight", &size, self.weight.init(fan_in));
        let bias = self.bias.init(fan_in);
        let bias = bias.map(|init| path.var("bias", &[dim(self.outputs)], init));
        (weight, bias)
    }
}
