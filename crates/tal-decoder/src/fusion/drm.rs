//! Decoupling for regression: a level takes detail from the finer one.

use tal_core::config::FusedLevels;
use tal_core::nn::{Conv1d, Conv1dConfig, FeaturePyramid};
use tch::nn;

use super::{fuse_gated, is_fused};

/// Features for regression: every level plus the gated, down-sampled finer level.
///
/// `d = down(P_{l−1})`, `R_l = P_l + σ(gate(mean_t ReLU(d + lateral(P_l)))) ⊙ d`; levels that are not fused stay `P_l`.
/// Nothing is masked, and the mean runs over the whole padded length.
///
/// # Shapes
/// Levels of (B, D, T_l) to levels of the same shapes.
///
/// # Source
/// The paper's equations 7 and 8; section C.2 of the method's specification.
#[derive(Debug)]
pub struct Drm {
    /// Convolution of stride 2.
    pub down: Conv1d,
    /// 1×1 convolution of the level itself.
    pub lateral: Conv1d,
    /// 1×1 convolution of the mean.
    pub gate: Conv1d,
    levels: FusedLevels,
}

impl Drm {
    /// Variables `down`, `lateral` and `gate` below `path`, for D = `dim` channels.
    ///
    /// # Panics
    /// Where `dim` is 0.
    pub fn new(path: &nn::Path<'_>, dim: usize, levels: FusedLevels) -> Self {
        let halving = Conv1dConfig {
            stride: 2,
            ..Conv1dConfig::new(dim, dim, 3)
        };
        Self {
            down: Conv1d::new(&(path / "down"), halving),
            lateral: Conv1d::new(&(path / "lateral"), Conv1dConfig::new(dim, dim, 1)),
            gate: Conv1d::new(&(path / "gate"), Conv1dConfig::new(dim, dim, 1)),
            levels,
        }
    }

    /// Fuses every level with the finer one.
    pub fn forward(&self, pyramid: &FeaturePyramid) -> FeaturePyramid {
        let num_levels = pyramid.num_levels();
        pyramid.map(|l, level| {
            let finer = l.checked_sub(1);
            match finer.filter(|_| is_fused(self.levels, l, finer, num_levels)) {
                Some(finer) => {
                    let finer = self.down.forward(&pyramid.levels[finer].features);
                    fuse_gated(&level.features, &finer, &self.lateral, &self.gate)
                }
                None => level.features.shallow_clone(),
            }
        })
    }
}
