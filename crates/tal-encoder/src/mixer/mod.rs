//! Blocks that mix information along time.

mod attention;
mod gmg;
mod gmg_branches;
mod gmg_fused;
mod gmg_mixing;
mod max_pooling;
mod residual;
mod sgp;

use std::fmt::Debug;

use tal_core::config::{Downsampling, EncoderConfig, MixerConfig};
use tch::{Tensor, nn};

use crate::error::EncoderError;

pub use attention::AttentionBlock;
pub use gmg::Gmg;
pub use gmg_branches::{Branches, GlobalBranch};
pub use max_pooling::MaxPooling;
pub use residual::Residual;
pub use sgp::Sgp;

/// A block that mixes information along time, and may halve the length first.
pub trait TemporalMixer: Send + Debug {
    /// Mixes; `train` skips branches at random.
    ///
    /// # Shapes
    /// (B, C, T), mask (B, 1, T) → (B, C, T'), mask (B, 1, T'), T' = T or ⌈T/2⌉.
    fn forward_t(&self, x: &Tensor, mask: &Tensor, train: bool) -> (Tensor, Tensor);
}

/// Place of a block in the pyramid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockConfig {
    /// Channels of input and output.
    pub dim: usize,
    /// Level that the block works on.
    pub level: usize,
    /// Halving of the length in a branch block; `None` for a stem block.
    pub downsampling: Option<Downsampling>,
}

impl BlockConfig {
    /// Checks the sizes of a block at this place.
    fn check(&self, mixer: MixerConfig) -> Result<(), EncoderError> {
        let errors = EncoderConfig::block_errors(mixer, self.dim, self.level, self.downsampling);
        EncoderError::unless_empty(errors)
    }
}

/// Builds the block that `config` names, with its variables below `path`.
///
/// # Errors
/// If no block at this place can have these sizes.
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
