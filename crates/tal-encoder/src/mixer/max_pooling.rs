//! Max-pooling alone.

use tch::Tensor;

use super::{BlockConfig, TemporalMixer};
use crate::downsampling::Downsampler;
use crate::error::{EncoderError, require};
use tal_core::config::Downsampling;

/// Max-pooling alone, without anything learned: y = pool(x) · mask', kernel 3, stride 2.
///
/// # Shapes
/// (B, C, T), mask (B, 1, T) → (B, C, ⌈T/2⌉), mask' (B, 1, ⌈T/2⌉).
///
/// # Source
/// arXiv 2303.09055 (TemporalMaxer).
#[derive(Debug)]
pub struct MaxPooling(());

impl MaxPooling {
    /// No variables.
    ///
    /// # Errors
    /// Where the block is one of the stem, or the length is not halved by the maximum.
    pub fn new(block: BlockConfig) -> Result<Self, EncoderError> {
        require(
            block.downsampling.is_some(),
            "number of stem blocks",
            "above 0",
            "0 where the mixer is max-pooling",
        )?;
        require(
            block.downsampling == Some(Downsampling::Max),
            "downsampling",
            "average",
            "max where the mixer is max-pooling",
        )?;
        Ok(MaxPooling(()))
    }
}

impl TemporalMixer for MaxPooling {
    fn forward_t(&self, x: &Tensor, mask: &Tensor, _train: bool) -> (Tensor, Tensor) {
        let (y, mask) = Downsampler::Max.forward(x, mask);
        (y * &mask, mask)
    }
}
