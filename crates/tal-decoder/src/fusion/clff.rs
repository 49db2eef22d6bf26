//! Cross-level feature fusion for the refinement.

use tal_core::nn::{Conv1d, Conv1dConfig, ConvTranspose1d, ConvTranspose1dConfig, FeaturePyramid};
use tch::nn;

/// Features for refinement: every level plus what neighbours it has.
///
/// `X_l = up(P_{l+1}) + P_l + down(P_{l−1})`, added in this order; a missing neighbour is left out. Nothing is masked.
///
/// # Shapes
/// Levels of (B, D, T_l) to levels of the same shapes.
///
/// # Source
/// The paper's equation 9; section C.3 of the method's specification.
#[derive(Debug)]
pub struct Clff {
    /// Convolution of stride 2.
    pub down: Conv1d,
    /// Transposed convolution that doubles the length.
    pub up: ConvTranspose1d,
}

impl Clff {
    /// Variables `down` and `up` below `path`, for D = `dim` channels.
    ///
    /// # Panics
    /// Where `dim` is 0.
    pub fn new(path: &nn::Path<'_>, dim: usize) -> Self {
        let halving = Conv1dConfig {
            stride: 2,
            ..Conv1dConfig::new(dim, dim, 3)
        };
        Self {
            down: Conv1d::new(&(path / "down"), halving),
            up: ConvTranspose1d::new(&(path / "up"), ConvTranspose1dConfig::doubling(dim, dim)),
        }
    }

    /// Adds the neighbours to every level.
    pub fn forward(&self, pyramid: &FeaturePyramid) -> FeaturePyramid {
        pyramid.map(|l, level| {
            let own = &level.features;
            let sum = match pyramid.levels.get(l + 1) {
                Some(coarser) => self.up.forward(&coarser.features) + own,
                None => own.shallow_clone(),
            };
            match l.checked_sub(1) {
                Some(finer) => sum + self.down.forward(&pyramid.levels[finer].features),
                None => sum,
            }
        })
    }
}
