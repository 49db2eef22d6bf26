//! Self-attention and an MLP.

use tal_core::config::AttentionConfig;
use tal_core::nn::ChannelLayerNorm;
use tch::{Tensor, nn};

use super::residual::{Residual, require_drop_path, require_mlp_dim};
use super::{BlockConfig, TemporalMixer};
use crate::attention::{SelfAttention, SelfAttentionConfig};
use crate::downsampling::Downsampler;
use crate::error::EncoderError;
use crate::mlp::Mlp;

/// Self-attention and an MLP, each after a norm and with a residual.
///
/// x' = pool(x) · mask + drop(attention(LN₁(x))), output x' + drop(MLP(LN₂(x')) · mask). In branch blocks pool halves the
/// length, and so do the convolutions of query, key and value; in the stem both keep it.
///
/// # Shapes
/// (B, C, T), mask (B, 1, T) → (B, C, T'), mask (B, 1, T'), T' = ⌈T/2⌉ in branch blocks, else T.
///
/// # Source
/// arXiv 2202.07925 (ActionFormer).
#[derive(Debug)]
pub struct AttentionBlock {
    /// Halves the residual (branch blocks).
    pub downsampling: Option<Downsampler>,
    /// Before the attention.
    pub norm: ChannelLayerNorm,
    /// The attention.
    pub attention: SelfAttention,
    /// Before the MLP.
    pub norm_mlp: ChannelLayerNorm,
    /// The MLP.
    pub mlp: Mlp,
    /// Of the attention.
    pub drop_path_mixer: Residual,
    /// Of the MLP.
    pub drop_path_mlp: Residual,
}

impl AttentionBlock {
    /// Variables named as the fields below `path`.
    ///
    /// # Errors
    /// As [`SelfAttention::new`], and where the MLP has no width or the probability is not at least 0 and below 1.
    pub fn new(
        path: &nn::Path<'_>,
        config: &AttentionConfig,
        block: BlockConfig,
    ) -> Result<Self, EncoderError> {
        let BlockConfig {
            dim, downsampling, ..
        } = block;
        let mlp_dim = require_mlp_dim(config.mlp_dim.unwrap_or(4 * dim))?;
        let drop_path = require_drop_path(config.drop_path)?;
        let attention = SelfAttention::new(
            &(path / "attention"),
            &SelfAttentionConfig {
                dim,
                num_heads: config.num_heads,
                window: config.window,
                relative_position: config.relative_position,
                kernel_size: config.kernel_size,
                stride: if downsampling.is_some() { 2 } else { 1 },
            },
        )?;
        Ok(AttentionBlock {
            downsampling: downsampling.map(|d| Downsampler::new(&(path / "downsampling"), d, dim)),
            norm: ChannelLayerNorm::new(&(path / "norm"), dim),
            attention,
            norm_mlp: ChannelLayerNorm::new(&(path / "norm_mlp"), dim),
            mlp: Mlp::new(&(path / "mlp"), dim, mlp_dim),
            drop_path_mixer: Residual::new(&(path / "drop_path_mixer"), dim, drop_path),
            drop_path_mlp: Residual::new(&(path / "drop_path_mlp"), dim, drop_path),
        })
    }
}

impl TemporalMixer for AttentionBlock {
    fn forward_t(&self, x: &Tensor, mask: &Tensor, train: bool) -> (Tensor, Tensor) {
        let y = self.norm.forward(x);
        let (x, mask) = match &self.downsampling {
            Some(downsampling) => downsampling.forward(x, mask),
            None => (x.shallow_clone(), mask.shallow_clone()),
        };
        let attended = self.attention.forward(&y, &mask);
        let x = x * &mask + self.drop_path_mixer.forward_t(attended, train);
        let refined = self.mlp.forward(&self.norm_mlp.forward(&x)) * &mask;
        (x + self.drop_path_mlp.forward_t(refined, train), mask)
    }
}
