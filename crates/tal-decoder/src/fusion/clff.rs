//! Cross-level feature fusion for the refinement.

use tal_core::config::{ClffConfig, FusedLevels};
use tal_core::nn::{Conv1d, ConvTranspose1d, FeaturePyramid};
use tch::nn;

use super::{doubling, halving, is_fused, neighbor};

/// Features for refinement: every level plus what neighbours it has.
///
/// `X_l = up(P_{l+1}) + P_l + down(P_{l−1})`, added in this order; a missing neighbour is left out, and levels that are not
/// fused stay `P_l`. Nothing is masked.
///
/// # Shapes
/// Levels of (B, D, T_l) to levels of the same shapes.
///
/// # Source
/// The paper's equation 9; section C.3 of the method's specification.
#[derive(Debug)]
pub struct Clff {
    /// Convolution of stride 2, full or depth-wise.
    pub down: Conv1d,
    /// Transposed convolution that doubles the length.
    pub up: ConvTranspose1d,
    levels: FusedLevels,
}

impl Clff {
    /// Variables `down` and `up` below `path`, for D = `dim` channels.
    ///
    /// # Panics
    /// Where `dim` is 0.
    pub fn new(path: &nn::Path<'_>, dim: usize, config: &ClffConfig) -> Self {
        Self {
            down: halving(&(path / "down"), dim, config.depthwise),
            up: doubling(&(path / "up"), dim),
            levels: config.levels,
        }
    }

    /// Adds the neighbours to every level.
    pub fn forward(&self, pyramid: &FeaturePyramid) -> FeaturePyramid {
        pyramid.map(|l, level| {
            let own = &level.features;
            if !is_fused(self.levels, l, pyramid.num_levels()) {
                return own.shallow_clone();
            }
            let sum = match neighbor(pyramid, l.checked_add(1)) {
                Some(coarser) => self.up.forward(coarser) + own,
                None => own.shallow_clone(),
            };
            match neighbor(pyramid, l.checked_sub(1)) {
                Some(finer) => sum + self.down.forward(finer),
                None => sum,
            }
        })
    }
}
