//! Max-pooling alone.

use tal_core::config::{MaxPoolingConfig, MixerConfig};
use tch::Tensor;

use super::{BlockConfig, TemporalMixer};
use crate::downsampling::Downsampler;
use crate::error::EncoderError;

/// Max-pooling alone, which learns nothing: y = pool(x) · mask', kernel 3, stride 2.
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
    /// If the block stands in the stem, or the length is not halved by the maximum.
    pub fn new(block: BlockConfig) -> Result<Self, EncoderError> {
        block.check(MixerConfig::MaxPooling(MaxPoolingConfig {}))?;
        Ok(MaxPooling(()))
    }
}

impl TemporalMixer for MaxPooling {
    fn forward_t(&self, x: &Tensor, mask: &Tensor, _train: bool) -> (Tensor, Tensor) {
        let (y, mask) = Downsampler::Max.forward(x, mask);
        (y * &mask, mask)
    }
}
