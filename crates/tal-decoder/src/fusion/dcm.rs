//! Decoupling for classification: a level takes context from the coarser one.

use tal_core::config::FusedLevels;
use tal_core::nn::{Conv1d, Conv1dConfig, ConvTranspose1d, ConvTranspose1dConfig, FeaturePyramid};
use tch::nn;

use super::{fuse_gated, is_fused};

/// Features for classification: every level plus the gated, up-sampled coarser level.
///
/// `u = up(P_{l+1})`, `C_l = P_l + σ(gate(mean_t ReLU(u + lateral(P_l)))) ⊙ u`; levels that are not fused stay `P_l`.
/// Nothing is masked, and the mean runs over the whole padded length.
///
/// # Shapes
/// Levels of (B, D, T_l) to levels of the same shapes.
///
/// # Source
/// The paper's equations 5 and 6; section C.1 of the method's specification.
#[derive(Debug)]
pub struct Dcm {
    /// Transposed convolution that doubles the length.
    pub up: ConvTranspose1d,
    /// 1×1 convolution of the level itself.
    pub lateral: Conv1d,
    /// 1×1 convolution of the mean.
    pub gate: Conv1d,
    levels: FusedLevels,
}

impl Dcm {
    /// Variables `up`, `lateral` and `gate` below `path`, for D = `dim` channels.
    ///
    /// # Panics
    /// Where `dim` is 0.
    pub fn new(path: &nn::Path<'_>, dim: usize, levels: FusedLevels) -> Self {
        Self {
            up: ConvTranspose1d::new(&(path / "up"), ConvTranspose1dConfig::doubling(dim, dim)),
            lateral: Conv1d::new(&(path / "lateral"), Conv1dConfig::new(dim, dim, 1)),
            gate: Conv1d::new(&(path / "gate"), Conv1dConfig::new(dim, dim, 1)),
            levels,
        }
    }

    /// Fuses every level with the coarser one.
    pub fn forward(&self, pyramid: &FeaturePyramid) -> FeaturePyramid {
        let num_levels = pyramid.num_levels();
        pyramid.map(|l, level| {
            if !is_fused(self.levels, l, Some(l + 1), num_levels) {
                return level.features.shallow_clone();
            }
            let coarser = self.up.forward(&pyramid.levels[l + 1].features);
            fuse_gated(&level.features, &coarser, &self.lateral, &self.gate)
        })
    }
}
