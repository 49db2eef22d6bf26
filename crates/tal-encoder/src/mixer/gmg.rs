//! Gated Multi-Granularity block.

use tal_core::config::{GateActivation, GlobalConfig, GmgConfig, InstantMixing};
use tal_core::nn::{BiasInit, ChannelLayerNorm, Conv1d, Conv1dConfig, GroupNorm, WeightInit};
use tch::{Tensor, nn};

use super::gmg_fused;
use super::residual::{Residual, kernel_of, require_drop_path, require_groups, require_mlp_dim};
use super::{BlockConfig, TemporalMixer};
use crate::attention::{SelfAttention, SelfAttentionConfig};
use crate::downsampling::Downsampler;
use crate::error::{EncoderError, require};
use crate::filter::GlobalFilter;
use crate::mlp::Mlp;

/// Gated Multi-Granularity block: a global, a local and an instant branch, each gated by the one before.
///
/// With y = LN(x) after a possible halving: G = filter(y) or attention(y), Loc = Conv(y) ⊗ a(G), Inst = FC(y) ⊗ a(Loc),
/// x' = x · mask + drop(Inst + Loc + G + y), output x' + drop(MLP(GN(x'))), where a is the identity or ReLU and drop is
/// there in branch blocks only. Conv is depth-wise; FC is depth-wise with kernel 1, or fully connected.
///
/// Any of the branches may be missing. Its summand then is, too, and so is the factor that it would gate with: without G,
/// Loc = Conv(y); without Loc, Inst = FC(y) ⊗ a(G); without both, Inst = FC(y). Without gates, no branch has a factor.
///
/// Only the residual x is masked: padded positions take part in everything else, the output included. Attention is the
/// exception, which neither sees nor yields them.
///
/// The CPU takes one pass over the channels where it can, and one for the gradients: [`Gmg::is_fused`].
///
/// # Shapes
/// (B, C, T), mask (B, 1, T) → (B, C, T'), mask (B, 1, T'), T' = ⌈T/2⌉ in branch blocks, else T.
///
/// # Source
/// Equation 4 of arXiv 2412.09202.
#[derive(Debug)]
pub struct Gmg {
    /// Halves the length (branch blocks).
    pub downsampling: Option<Downsampler>,
    /// Before the branches.
    pub norm: ChannelLayerNorm,
    /// The global branch.
    pub global: Option<GlobalBranch>,
    /// The local branch.
    pub local: Option<Conv1d>,
    /// The instant branch.
    pub instant: Option<Conv1d>,
    /// Before the MLP.
    pub group_norm: GroupNorm,
    /// The MLP.
    pub mlp: Mlp,
    /// Of the branches' sum.
    pub drop_path_mixer: Residual,
    /// Of the MLP.
    pub drop_path_mlp: Residual,
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
    fn new(
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
                let config = SelfAttentionConfig {
                    dim,
                    num_heads,
                    window: None,
                    relative_position: false,
                    kernel_size: 3,
                    stride: 1,
                };
                let attention = SelfAttention::new(&(path / "attention"), &config)?;
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

impl Gmg {
    /// Variables named as the fields below `path`, those of the global branch as `filter.*` or `attention.*`.
    ///
    /// # Errors
    /// Where all branches are off, the width is no multiple of the 16 groups of the norm, a size is 0, a kernel is even or
    /// not given for the level, the heads do not divide the width, or the probability is not at least 0 and below 1.
    pub fn new(
        path: &nn::Path<'_>,
        config: &GmgConfig,
        block: BlockConfig,
    ) -> Result<Self, EncoderError> {
        let BlockConfig {
            dim,
            level,
            downsampling,
        } = block;
        require_groups(dim, GmgConfig::NORM_GROUPS)?;
        let mlp_dim = require_mlp_dim(config.mlp_dim)?;
        let drop_path = require_drop_path(config.drop_path)?;
        require(
            config.instant || config.local || !matches!(config.global, GlobalConfig::None {}),
            "mixer's number of branches",
            0,
            "at least 1",
        )?;
        let is_branch = downsampling.is_some();
        let kernel_size = if is_branch || config.local_in_stem {
            kernel_of(&config.local_kernel_size, level, "mixer.local_kernel_size")?
        } else {
            1
        };
        let drop_path = if is_branch { drop_path } else { 0.0 };
        let global = GlobalBranch::new(path, &config.global, dim)?;

        let branch = |name: &str, shape: Conv1dConfig| {
            let shape = Conv1dConfig {
                bias: BiasInit::Zero,
                weight: WeightInit::Normal {
                    std: config.init_std,
                },
                ..shape
            };
            Conv1d::new(&(path / name), shape)
        };
        let instant = match config.instant_mixing {
            InstantMixing::Depthwise => Conv1dConfig::depthwise(dim, 1),
            InstantMixing::Dense => Conv1dConfig::new(dim, dim, 1),
        };
        Ok(Gmg {
            downsampling: downsampling.map(|d| Downsampler::new(&(path / "downsampling"), d, dim)),
            norm: ChannelLayerNorm::new(&(path / "norm"), dim),
            global,
            local: config
                .local
                .then(|| branch("local", Conv1dConfig::depthwise(dim, kernel_size))),
            instant: config.instant.then(|| branch("instant", instant)),
            group_norm: GroupNorm::new(&(path / "group_norm"), GmgConfig::NORM_GROUPS, dim),
            mlp: Mlp::new(&(path / "mlp"), dim, mlp_dim),
            drop_path_mixer: Residual::new(&(path / "drop_path_mixer"), dim, drop_path),
            drop_path_mlp: Residual::new(&(path / "drop_path_mlp"), dim, drop_path),
            gate: config.gate.then_some(config.gate_activation),
        })
    }

    /// Whether an input, behind the halving, goes through the branches in one pass over the channels, in Rust, rather than
    /// through LibTorch's operations: on the CPU, in float32, and where all branches work channel by channel (a filter of
    /// kernel 1 or no global branch, a depth-wise instant branch). So does its gradient, where one is recorded, unless the
    /// length is odd and large: LibTorch's Fourier transforms are the faster ones there.
    pub fn is_fused(&self, x: &Tensor) -> bool {
        gmg_fused::applies(self, x)
    }

    /// A branch times its gate, if it has one.
    fn gated(&self, branch: Tensor, gate: Option<&Tensor>) -> Tensor {
        match (gate, self.gate) {
            (Some(gate), Some(GateActivation::Identity)) => branch * gate,
            (Some(gate), Some(GateActivation::Relu)) => branch * gate.relu(),
            _ => branch,
        }
    }

    /// Sum of the branches and their input.
    ///
    /// # Shapes
    /// (B, C, T), mask (B, 1, T) → (B, C, T).
    fn mix(&self, y: &Tensor, mask: &Tensor) -> Tensor {
        let global = self.global.as_ref().map(|branch| branch.forward(y, mask));
        let local = self
            .local
            .as_ref()
            .map(|branch| self.gated(branch.forward(y), global.as_ref()));
        let instant = self
            .instant
            .as_ref()
            .map(|branch| self.gated(branch.forward(y), local.as_ref().or(global.as_ref())));
        let branches = [instant, local, global].into_iter().flatten();
        let sum = branches.reduce(|sum, branch| sum + branch);
        sum.expect("at least one branch") + y
    }
}

impl TemporalMixer for Gmg {
    fn forward_t(&self, x: &Tensor, mask: &Tensor, train: bool) -> (Tensor, Tensor) {
        let (x, mask) = match &self.downsampling {
            Some(downsampling) => downsampling.forward(x, mask),
            None => (x.shallow_clone(), mask.shallow_clone()),
        };
        let x = gmg_fused::forward(self, &x, &mask, train).unwrap_or_else(|| {
            let mixed = self.mix(&self.norm.forward(&x), &mask);
            &x * &mask + self.drop_path_mixer.forward_t(mixed, train)
        });
        let refined = self.mlp.forward(&self.group_norm.forward(&x));
        (x + self.drop_path_mlp.forward_t(refined, train), mask)
    }
}
