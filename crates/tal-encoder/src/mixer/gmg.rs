//! Gated Multi-Granularity block.

use tal_core::config::{GmgConfig, MixerConfig};
use tal_core::nn::GroupNorm;
use tch::{Tensor, nn};

use super::gmg_branches::{Branches, GlobalBranch};
use super::gmg_fused;
use super::residual::{Residual, kernel_of};
use super::{BlockConfig, TemporalMixer};
use crate::downsampling::Downsampler;
use crate::error::EncoderError;
use crate::mlp::Mlp;

/// Gated Multi-Granularity block: a global, a local and an instant branch, each gated by the one before, and an MLP.
///
/// With y = LN(x) after a possible halving: G = filter(y) or attention(y), Loc = Conv(y) ⊗ a(G), Inst = FC(y) ⊗ a(Loc),
/// x' = x · mask + drop(Inst + Loc + G + y), output x' + drop(MLP(GN(x'))), where a is the identity or ReLU, and only branch
/// blocks have a drop. Conv is depth-wise; FC is depth-wise with kernel 1, or fully connected.
///
/// Any of the branches may be missing, together with its summand and the factor that it would gate with: without G,
/// Loc = Conv(y); without Loc, Inst = FC(y) ⊗ a(G); without both, Inst = FC(y). Without gates, no branch has a factor.
///
/// Only the residual x is masked: padded positions take part in everything else, the output included. Attention is the
/// exception: it neither sees nor yields them.
///
/// The CPU takes one pass over the channels, and one for the gradients, if it can: [`Gmg::is_fused`].
///
/// # Shapes
/// (B, C, T), mask (B, 1, T) → (B, C, T'), mask (B, 1, T'), T' = ⌈T/2⌉ in branch blocks, else T.
///
/// # Source
/// Equation 4 of arXiv 2412.09202.
#[derive(Debug)]
pub struct Gmg {
    /// Halving of the length (branch blocks).
    pub downsampling: Option<Downsampler>,
    /// The branches, with their norm and residual.
    pub branches: Branches,
    /// Norm before the MLP.
    pub group_norm: GroupNorm,
    /// The MLP.
    pub mlp: Mlp,
    /// Drop path of the MLP.
    pub drop_path_mlp: Residual,
}

impl Gmg {
    /// Variables `norm.*`, `local.*`, `instant.*`, `group_norm.*`, `mlp.*`, `drop_path_mixer.*`, `drop_path_mlp.*` and
    /// `downsampling.*` below `path`, and those of the global branch as `filter.*` or `attention.*`.
    ///
    /// # Errors
    /// If no block at this place can have these sizes.
    pub fn new(
        path: &nn::Path<'_>,
        config: &GmgConfig,
        block: BlockConfig,
    ) -> Result<Self, EncoderError> {
        block.check(MixerConfig::Gmg(config.clone()))?;
        let BlockConfig {
            dim,
            level,
            downsampling,
        } = block;
        let (kernel_size, drop_path) = match downsampling {
            Some(_) => (
                kernel_of(&config.local_kernel_size, level),
                config.drop_path,
            ),
            None if config.local_in_stem => (kernel_of(&config.local_kernel_size, level), 0.0),
            None => (1, 0.0),
        };
        let global = GlobalBranch::new(path, &config.global, dim)?;
        let downsampling = downsampling.map(|d| Downsampler::new(&(path / "downsampling"), d, dim));
        Ok(Gmg {
            downsampling,
            branches: Branches::new(path, config, global, [dim, kernel_size], drop_path),
            group_norm: GroupNorm::new(&(path / "group_norm"), GmgConfig::NORM_GROUPS, dim),
            mlp: Mlp::new(&(path / "mlp"), dim, config.mlp_dim),
            drop_path_mlp: Residual::new(&(path / "drop_path_mlp"), dim, drop_path),
        })
    }

    /// Whether an input, behind the halving, goes through the branches in one pass over the channels instead of LibTorch's
    /// operations. So it does on the CPU, in float32, if all branches work channel by channel: a filter of kernel 1 or no
    /// global branch, and a depth-wise instant branch. If a gradient is recorded, the length must not be both odd and
    /// large: LibTorch's Fourier transforms are faster then.
    pub fn is_fused(&self, x: &Tensor) -> bool {
        gmg_fused::applies(&self.branches, x)
    }
}

impl TemporalMixer for Gmg {
    fn forward_t(&self, x: &Tensor, mask: &Tensor, train: bool) -> (Tensor, Tensor) {
        let (x, mask) = Downsampler::forward_if(self.downsampling.as_ref(), x, mask);
        let x = gmg_fused::forward(&self.branches, &x, &mask, train)
            .unwrap_or_else(|| self.branches.on_libtorch(&x, &mask, train));
        let refined = self.mlp.forward(&self.group_norm.forward(&x));
        (x + self.drop_path_mlp.forward_t(refined, train), mask)
    }
}
