//! Initial values of convolutions.

use tch::nn::Init;

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
    pub(super) fn init(self, fan_in: usize) -> Init {
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
    /// `None` where the convolution has no bias.
    pub(super) fn init(self, fan_in: usize) -> Option<Init> {
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
