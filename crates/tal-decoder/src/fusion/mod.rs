//! Fusion of neighbouring levels: a feature for every task.

mod clff;
mod cross_level;

pub use clff::Clff;
pub use cross_level::{CrossLevel, Join};

use tal_core::config::FusedLevels;
use tal_core::nn::{Conv1d, Conv1dConfig, ConvTranspose1d, ConvTranspose1dConfig, FeaturePyramid};
use tch::{Tensor, nn};

/// Halves the length: kernel 3, stride 2.
fn halving(path: &nn::Path<'_>, dim: usize, depthwise: bool) -> Conv1d {
    let config = if depthwise {
        Conv1dConfig::depthwise(dim, 3)
    } else {
        Conv1dConfig::new(dim, dim, 3)
    };
    Conv1d::new(
        path,
        Conv1dConfig {
            stride: 2,
            ..config
        },
    )
}

/// Doubles the length: transposed convolution, kernel 3.
fn doubling(path: &nn::Path<'_>, dim: usize) -> ConvTranspose1d {
    ConvTranspose1d::new(path, ConvTranspose1dConfig::doubling(dim, dim))
}

/// Features of the level at an index that may lie outside.
fn neighbor(pyramid: &FeaturePyramid, level: Option<usize>) -> Option<&Tensor> {
    let level = pyramid.levels.get(level?)?;
    Some(&level.features)
}

/// Whether level `l` of `num_levels` is fused with the neighbours that it has.
fn is_fused(levels: FusedLevels, l: usize, num_levels: usize) -> bool {
    match levels {
        FusedLevels::All => true,
        FusedLevels::Intermediate => l > 0 && l + 1 < num_levels,
    }
}
