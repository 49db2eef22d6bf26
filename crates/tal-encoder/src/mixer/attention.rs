//! Self-attention and an MLP.

use tal_core::config::{AttentionConfig, MixerConfig};
use tal_core::nn::ChannelLayerNorm;
use tch::{Tensor, nn};

use super::residual::Residual;
use super::{BlockConfig, TemporalMixer};
use crate::attention::SelfAttention;
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
    /// Halving of the residual (branch blocks).
    pub downsampling: Option<Downsampler>,
    /// Norm before the attention.
    pub norm: ChannelLayerNorm,
    /// The attention.
    pub attention: SelfAttention,
    /// Norm before the MLP.
    pub norm_mlp: ChannelLayerNorm,
    /// The MLP.
    pub mlp: Mlp,
    /// Drop path of the attention.
    pub drop_path_mixer: Residual,
    /// Drop path of the MLP.
    pub drop_path_mlp: Residual,
}

impl AttentionBlock {
    /// Variables named as the fields below `path`.
    ///
    /// # Errors
    /// If no block at this place can have these sizes.
    pub fn new(
        path: &nn::Path<'_>,
        config: &AttentionConfig,
        block: BlockConfig,
    ) -> Result<Self, EncoderError> {
        block.check(MixerConfig::Attention(config.clone()))?;
        let BlockConfig {
            dim, downsampling, ..
        } = block;
        let (mlp_dim, drop_path) = (config.mlp_dim.unwrap_or(4 * dim), config.drop_path);
        let stride = if downsampling.is_some() { 2 } else { 1 };
        let attention = SelfAttention::new(&(path / "attention"), config, dim, stride)?;
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
        let (x, mask) = Downsampler::forward_if(self.downsampling.as_ref(), x, mask);
        let attended = self.attention.forward(&y, &mask);
        let x = x * &mask + self.drop_path_mixer.forward_t(attended, train);
        let refined = self.mlp.forward(&self.norm_mlp.forward(&x)) * &mask;
        (x + self.drop_path_mlp.forward_t(refined, train), mask)
    }
}
