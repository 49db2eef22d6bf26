//! Branches of a Gated Multi-Granularity block.

use tal_core::config::{AttentionConfig, GateActivation, GlobalConfig, GmgConfig, InstantMixing};
use tal_core::nn::{BiasInit, ChannelLayerNorm, Conv1d, Conv1dConfig, WeightInit};
use tch::{Tensor, nn};

use super::residual::Residual;
use crate::attention::SelfAttention;
use crate::error::EncoderError;
use crate::filter::GlobalFilter;

/// Branches of a Gated Multi-Granularity block, with the norm before and the residual behind them: x · mask +
/// drop(Inst + Loc + G + y), as [`Gmg`](super::Gmg) defines these.
///
/// # Shapes
/// (B, C, T), mask (B, 1, T) → (B, C, T).
#[derive(Debug)]
pub struct Branches {
    /// Norm before the branches.
    pub norm: ChannelLayerNorm,
    /// The global branch.
    pub global: Option<GlobalBranch>,
    /// The local branch.
    pub local: Option<Conv1d>,
    /// The instant branch.
    pub instant: Option<Conv1d>,
    /// Drop path of the branches' sum.
    pub drop_path: Residual,
    pub(super) gate: Option<GateActivation>,
}

/// The global branch.
#[derive(Debug)]
pub enum GlobalBranch {
    /// A filter in the frequency domain.
    Filter(GlobalFilter),
    /// Self-attention over all positions.
    Attention(Box<SelfAttention>),
}

impl GlobalBranch {
    /// Variables below `path`: `filter.*` or `attention.*`.
    pub(super) fn new(
        path: &nn::Path<'_>,
        config: &GlobalConfig,
        dim: usize,
    ) -> Result<Option<Self>, EncoderError> {
        Ok(match config {
            GlobalConfig::None {} => None,
            GlobalConfig::Fft(filter) => {
                let filter = GlobalFilter::new(&(path / "filter"), filter, dim)?;
                Some(GlobalBranch::Filter(filter))
            }
            &GlobalConfig::SelfAttention { num_heads } => {
                let config = AttentionConfig {
                    num_heads,
                    window: None,
                    relative_position: false,
                    kernel_size: 3,
                    mlp_dim: None,
                    drop_path: 0.0,
                };
                let attention = SelfAttention::new(&(path / "attention"), &config, dim, 1)?;
                Some(GlobalBranch::Attention(Box::new(attention)))
            }
        })
    }

    /// Mixes all positions.
    ///
    /// # Shapes
    /// (B, C, T), mask (B, 1, T) → (B, C, T).
    pub fn forward(&self, y: &Tensor, mask: &Tensor) -> Tensor {
        match self {
            GlobalBranch::Filter(filter) => filter.forward(y),
            GlobalBranch::Attention(attention) => attention.forward(y, mask),
        }
    }
}

impl Branches {
    /// Variables `norm.*`, `local.*`, `instant.*` and `drop_path_mixer.*` below `path`, beside those of the global branch.
    pub(super) fn new(
        path: &nn::Path<'_>,
        config: &GmgConfig,
        global: Option<GlobalBranch>,
        [dim, kernel_size]: [usize; 2],
        drop_path: f64,
    ) -> Self {
        let weight = WeightInit::Normal {
            std: config.init_std,
        };
        let branch = |name: &str, shape: Conv1dConfig| {
            let shape = shape.with_bias(BiasInit::Zero);
            Conv1d::new(&(path / name), Conv1dConfig { weight, ..shape })
        };
        let instant = match config.instant_mixing {
            InstantMixing::Depthwise => Conv1dConfig::depthwise(dim, 1),
            InstantMixing::Dense => Conv1dConfig::new(dim, dim, 1),
        };
        Branches {
            norm: ChannelLayerNorm::new(&(path / "norm"), dim),
            global,
            local: config
                .local
                .then(|| branch("local", Conv1dConfig::depthwise(dim, kernel_size))),
            instant: config.instant.then(|| branch("instant", instant)),
            drop_path: Residual::new(&(path / "drop_path_mixer"), dim, drop_path),
            gate: config.gate.then_some(config.gate_activation),
        }
    }

    /// All of them, with LibTorch's operations.
    pub(super) fn on_libtorch(&self, x: &Tensor, mask: &Tensor, train: bool) -> Tensor {
        let y = self.norm.forward(x);
        let global = self.global.as_ref().map(|branch| branch.forward(&y, mask));
        let gated = |branch: &Option<Conv1d>, gate: Option<&Tensor>| {
            let branch = branch.as_ref()?.forward(&y);
            Some(self.gated(branch, gate))
        };
        let local = gated(&self.local, global.as_ref());
        let instant = gated(&self.instant, local.as_ref().or(global.as_ref()));
        let branches = [instant, local, global].into_iter().flatten();
        let sum = branches.reduce(|sum, branch| sum + branch);
        let mixed = sum.expect("at least one branch") + y;
        x * mask + self.drop_path.forward_t(mixed, train)
    }

    /// A branch times its gate, if it has one.
    fn gated(&self, branch: Tensor, gate: Option<&Tensor>) -> Tensor {
        match (gate, self.gate) {
            (Some(gate), Some(GateActivation::Identity)) => branch * gate,
            (Some(gate), Some(GateActivation::Relu)) => branch * gate.relu(),
            _ => branch,
        }
    }
}
