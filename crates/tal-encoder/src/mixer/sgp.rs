//! Scalable-Granularity Perception block.

use tal_core::config::{MixerConfig, SgpConfig};
use tal_core::nn::{BiasInit, ChannelLayerNorm, Conv1d, Conv1dConfig, GroupNorm, WeightInit};
use tch::{Tensor, nn};

use super::residual::{Residual, kernel_of};
use super::{BlockConfig, TemporalMixer};
use crate::downsampling::Downsampler;
use crate::error::EncoderError;
use crate::mlp::Mlp;

/// Scalable-Granularity Perception block: an instant-level branch gated by the mean over time, and a window-level branch of
/// two windows gated by a third convolution.
///
/// With y = LN(x) after a possible halving: φ = ReLU(instant_gate(mean_t y)),
/// z = instant(y) ⊗ φ + (local(y) + wide(y)) ⊗ local_gate(y) + y, x' = x · mask + drop(z), output x' + drop(MLP(GN(x'))), where
/// all five convolutions are depth-wise, the instant ones with kernel 1, and only branch blocks have a drop.
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
    /// Halving of the length (branch blocks).
    pub downsampling: Option<Downsampler>,
    /// Norm before the branches.
    pub norm: ChannelLayerNorm,
    /// The instant-level branch.
    pub instant: Conv1d,
    /// Gate of the instant-level branch, on the mean over time.
    pub instant_gate: Conv1d,
    /// The narrow window.
    pub local: Conv1d,
    /// The wide window.
    pub wide: Conv1d,
    /// Gate of the windows.
    pub local_gate: Conv1d,
    /// Norm before the MLP.
    pub group_norm: GroupNorm,
    /// The MLP.
    pub mlp: Mlp,
    /// Drop path of the branches' sum.
    pub drop_path_mixer: Residual,
    /// Drop path of the MLP.
    pub drop_path_mlp: Residual,
}

impl Sgp {
    /// Variables named as the fields below `path`.
    ///
    /// # Errors
    /// If no block at this place can have these sizes.
    pub fn new(
        path: &nn::Path<'_>,
        config: &SgpConfig,
        block: BlockConfig,
    ) -> Result<Self, EncoderError> {
        block.check(MixerConfig::Sgp(config.clone()))?;
        let BlockConfig {
            dim,
            level,
            downsampling,
        } = block;
        let (kernel_size, drop_path) = match downsampling {
            Some(_) => (kernel_of(&config.kernel_size, level), config.drop_path),
            None => (1, 0.0),
        };
        let weight = WeightInit::Normal {
            std: config.init_std,
        };
        let depthwise = |name: &str, kernel_size| {
            let shape = Conv1dConfig::depthwise(dim, kernel_size).with_bias(BiasInit::Zero);
            Conv1d::new(&(path / name), Conv1dConfig { weight, ..shape })
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
            mlp: Mlp::new(&(path / "mlp"), dim, config.mlp_dim),
            drop_path_mixer: Residual::new(&(path / "drop_path_mixer"), dim, drop_path),
            drop_path_mlp: Residual::new(&(path / "drop_path_mlp"), dim, drop_path),
        })
    }

    /// Sum of the two branches and their input.
    fn mix(&self, y: &Tensor) -> Tensor {
        let mean = y.mean_dim([2i64].as_slice(), true, None);
        let instant = self.instant.forward(y) * self.instant_gate.forward(&mean).relu();
        let windows = self.local.forward(y) + self.wide.forward(y);
        instant + windows * self.local_gate.forward(y) + y
    }
}

impl TemporalMixer for Sgp {
    fn forward_t(&self, x: &Tensor, mask: &Tensor, train: bool) -> (Tensor, Tensor) {
        let (x, mask) = Downsampler::forward_if(self.downsampling.as_ref(), x, mask);
        let mixed = self.mix(&self.norm.forward(&x));
        let x = x * &mask + self.drop_path_mixer.forward_t(mixed, train);
        let refined = self.mlp.forward(&self.group_norm.forward(&x));
        (x + self.drop_path_mlp.forward_t(refined, train), mask)
    }
}
