//! Scalable-Granularity Perception block.

use tal_core::config::SgpConfig;
use tal_core::nn::{BiasInit, ChannelLayerNorm, Conv1d, Conv1dConfig, GroupNorm, WeightInit};
use tch::{Tensor, nn};

use super::residual::{Residual, kernel_of, require_drop_path, require_groups, require_mlp_dim};
use super::{BlockConfig, TemporalMixer};
use crate::downsampling::Downsampler;
use crate::error::{EncoderError, require};
use crate::mlp::Mlp;

/// Scalable-Granularity Perception block: an instant-level branch gated by the mean over time, and a window-level branch of
/// two windows gated by a third convolution.
///
/// With y = LN(x) after a possible halving: φ = ReLU(instant_gate(mean_t y)),
/// z = instant(y) ⊗ φ + (local(y) + wide(y)) ⊗ local_gate(y) + y, x' = x · mask + drop(z), output x' + drop(MLP(GN(x'))), where
/// all five convolutions are depth-wise, the instant ones with kernel 1, and drop is there in branch blocks only.
///
/// Only the residual x is masked: padded positions take part in everything else, the mean and the output included.
///
/// # Shapes
/// (B, C, T), mask (B, 1, T) → (B, C, T'), mask (B, 1, T'), T' = ⌈T/2⌉ in branch blocks, else T.
///
/// # Source
/// arXiv 2303.07347 (TriDet).
#[derive(Debug)]
pub struct Sgp {
    /// Halves the length (branch blocks).
    pub downsampling: Option<Downsampler>,
    /// Before the branches.
    pub norm: ChannelLayerNorm,
    /// The instant-level branch.
    pub instant: Conv1d,
    /// Its gate, on the mean over time.
    pub instant_gate: Conv1d,
    /// The narrow window.
    pub local: Conv1d,
    /// The wide window.
    pub wide: Conv1d,
    /// The windows' gate.
    pub local_gate: Conv1d,
    /// Before the MLP.
    pub group_norm: GroupNorm,
    /// The MLP.
    pub mlp: Mlp,
    /// Of the branches' sum.
    pub drop_path_mixer: Residual,
    /// Of the MLP.
    pub drop_path_mlp: Residual,
}

impl Sgp {
    /// Variables named as the fields below `path`.
    ///
    /// # Errors
    /// Where the width is no multiple of the 16 groups of the norm, a size is 0, the kernel is even or not given for the
    /// level, `k` is not above 0, or the probability is not at least 0 and below 1.
    pub fn new(
        path: &nn::Path<'_>,
        config: &SgpConfig,
        block: BlockConfig,
    ) -> Result<Self, EncoderError> {
        let BlockConfig {
            dim,
            level,
            downsampling,
        } = block;
        require_groups(dim, SgpConfig::NORM_GROUPS)?;
        let mlp_dim = require_mlp_dim(config.mlp_dim)?;
        let drop_path = require_drop_path(config.drop_path)?;
        require(
            config.k > 0.0 && config.k <= 64.0,
            "mixer.k",
            config.k,
            "above 0 and at most 64",
        )?;
        let is_branch = downsampling.is_some();
        let kernel_size = if is_branch {
            kernel_of(&config.kernel_size, level, "mixer.kernel_size")?
        } else {
            1
        };
        let drop_path = if is_branch { drop_path } else { 0.0 };
        let depthwise = |name: &str, kernel_size| {
            let config = Conv1dConfig {
                bias: BiasInit::Zero,
                weight: WeightInit::Normal {
                    std: config.init_std,
                },
                ..Conv1dConfig::depthwise(dim, kernel_size)
            };
            Conv1d::new(&(path / name), config)
        };
        Ok(Sgp {
            downsampling: downsampling.map(|d| Downsampler::new(&(path / "downsampling"), d, dim)),
            norm: ChannelLayerNorm::new(&(path / "norm"), dim),
            instant: depthwise("instant", 1),
            instant_gate: depthwise("instant_gate", 1),
            local: depthwise("local", kernel_size),
            wide: depthwise("wide", config.wide_kernel_size(kernel_size)),
            local_gate: depthwise("local_gate", kernel_size),
            group_norm: GroupNorm::new(&(path / "group_norm"), SgpConfig::NORM_GROUPS, dim),
            mlp: Mlp::new(&(path / "mlp"), dim, mlp_dim),
            drop_path_mixer: Residual::new(&(path / "drop_path_mixer"), dim, drop_path),
            drop_path_mlp: Residual::new(&(path / "drop_path_mlp"), dim, drop_path),
        })
    }

    /// Sum of the two branches and their input.
    ///
    /// # Shapes
    /// (B, C, T) → (B, C, T).
    fn mix(&self, y: &Tensor) -> Tensor {
        let mean = y.mean_dim([2i64].as_slice(), true, None);
        let instant = self.instant.forward(y) * self.instant_gate.forward(&mean).relu();
        let windows = self.local.forward(y) + self.wide.forward(y);
        instant + windows * self.local_gate.forward(y) + y
    }
}

impl TemporalMixer for Sgp {
    fn forward_t(&self, x: &Tensor, mask: &Tensor, train: bool) -> (Tensor, Tensor) {
        let (x, mask) = match &self.downsampling {
            Some(downsampling) => downsampling.forward(x, mask),
            None => (x.shallow_clone(), mask.shallow_clone()),
        };
        let mixed = self.mix(&self.norm.forward(&x));
        let x = x * &mask + self.drop_path_mixer.forward_t(mixed, train);
        let refined = self.mlp.forward(&self.group_norm.forward(&x));
        (x + self.drop_path_mlp.forward_t(refined, train), mask)
    }
}
