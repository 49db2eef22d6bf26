//! Neighbouring levels, brought to the length of a level.

use tal_core::config::FusedLevels;
use tal_core::nn::{Conv1d, Conv1dConfig, FeaturePyramid};
use tch::{Tensor, nn};

/// Convolution that halves the length: kernel 3, stride 2.
pub(super) fn halving(path: &nn::Path<'_>, dim: usize, depthwise: bool) -> Conv1d {
    let conv = match depthwise {
        true => Conv1dConfig::depthwise(dim, 3),
        false => Conv1dConfig::new(dim, dim, 3),
    };
    Conv1d::new(path, Conv1dConfig { stride: 2, ..conv })
}

/// Features of a level; `None` if there is no such level.
pub(super) fn neighbor(pyramid: &FeaturePyramid, level: Option<usize>) -> Option<&Tensor> {
    let level = pyramid.levels.get(level?)?;
    Some(&level.features)
}

/// Whether level `l` of `num_levels` is fused with the neighbours that it has.
pub(super) fn is_fused(levels: FusedLevels, l: usize, num_levels: usize) -> bool {
    match levels {
        FusedLevels::All => true,
        FusedLevels::Intermediate => l > 0 && l + 1 < num_levels,
    }
}
