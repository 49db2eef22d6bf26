//! Blocks that mix information along time.

mod attention;
mod gmg;
mod gmg_fused;
mod gmg_mixing;
mod max_pooling;
mod residual;
mod sgp;

use std::fmt::Debug;

use tal_core::config::{Downsampling, MixerConfig};
use tch::{Tensor, nn};

use crate::error::EncoderError;

pub use attention::AttentionBlock;
pub use gmg::{GlobalBranch, Gmg};
pub use max_pooling::MaxPooling;
pub use residual::Residual;
pub use sgp::Sgp;

/// A block that mixes information along time, and may halve the length before.
pub trait TemporalMixer: Send + Debug {
    /// Mixes; `train` switches on what is random.
    ///
    /// # Shapes
    /// (B, C, T), mask (B, 1, T) → (B, C, T'), mask (B, 1, T'), T' = T or ⌈T/2⌉.
    fn forward_t(&self, x: &Tensor, mask: &Tensor, train: bool) -> (Tensor, Tensor);
}

/// Where a block stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockConfig {
    /// Channels of input and output.
    pub dim: usize,
    /// The level that the block works on.
    pub level: usize,
    /// How a branch block halves the length; `None` for a stem block.
    pub downsampling: Option<Downsampling>,
}

/// Builds the block that `config` names, with its variables below `path`.
///
/// # Errors
/// Where the block cannot have these sizes.
pub fn build_mixer(
    path: &nn::Path<'_>,
    config: &MixerConfig,
    block: BlockConfig,
) -> Result<Box<dyn TemporalMixer>, EncoderError> {
    Ok(match config {
        MixerConfig::Gmg(config) => Box::new(Gmg::new(path, config, block)?),
        MixerConfig::Attention(config) => Box::new(AttentionBlock::new(path, config, block)?),
        MixerConfig::Sgp(config) => Box::new(Sgp::new(path, config, block)?),
        MixerConfig::MaxPooling(_) => Box::new(MaxPooling::new(block)?),
    })
}
