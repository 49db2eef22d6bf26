//! Layers that several heads have.

use tal_core::nn::{BiasInit, Conv1dConfig, Scale};
use tch::nn;

/// Last convolution of a head, with a bias.
pub(super) fn output_config(
    in_channels: usize,
    out_channels: usize,
    kernel_size: usize,
) -> Conv1dConfig {
    Conv1dConfig::new(in_channels, out_channels, kernel_size).with_bias(BiasInit::Zero)
}

/// One scale per level, named by the number of the level.
pub(super) fn level_scales(path: &nn::Path<'_>, num_levels: usize) -> Vec<Scale> {
    (0..num_levels)
        .map(|level| Scale::new(path, &level.to_string()))
        .collect()
}
