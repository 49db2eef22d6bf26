//! Cross-level feature fusion (CLFF), the feature of the refinement.

use tal_core::config::{ClffConfig, FusedLevels};
use tal_core::nn::{Conv1d, ConvTranspose1d, FeaturePyramid, PackedLayout};
use tch::{Tensor, nn};

use super::neighbors::{halving, is_fused, neighbor};

/// Features for refinement: the sum of every level and its neighbours.
///
/// `X_l = up(P_{l+1}) + P_l + down(P_{l−1})`, added in this order. A missing neighbour is left out, and levels that are not
/// fused stay `P_l`. Nothing is masked.
///
/// # Shapes
/// Levels of (B, D, T_l) to levels of the same shapes.
///
/// # Source
/// The paper's equation 9; the authors' public code.
#[derive(Debug)]
pub struct Clff {
    /// Convolution that halves the length, full or depth-wise.
    pub down: Conv1d,
    /// Transposed convolution that doubles the length.
    pub up: ConvTranspose1d,
    levels: FusedLevels,
}

impl Clff {
    /// Fusion of D = `dim` channels, with variables `down` and `up` below `path`.
    ///
    /// # Panics
    /// If `dim` is 0.
    pub fn new(path: &nn::Path<'_>, dim: usize, config: &ClffConfig) -> Self {
        Self {
            down: halving(&(path / "down"), dim, config.depthwise),
            up: ConvTranspose1d::new(&(path / "up"), dim, dim),
            levels: config.levels,
        }
    }

    /// Every level plus its neighbours.
    pub fn forward(&self, pyramid: &FeaturePyramid) -> FeaturePyramid {
        pyramid.map(|l, level| self.level(pyramid, l, level.features.size()[2]))
    }

    /// [`Clff::forward`] at the positions that `layout` keeps of each level, exactly.
    ///
    /// # Shapes
    /// L levels of (B, D, T_l) to L tensors (B, D, kept).
    pub(crate) fn forward_kept(
        &self,
        pyramid: &FeaturePyramid,
        layout: &PackedLayout,
    ) -> Vec<Tensor> {
        let levels = layout.levels.iter().enumerate();
        levels
            .map(|(l, place)| self.level(pyramid, l, place.len as i64))
            .collect()
    }

    /// First `len` positions of level `l`.
    fn level(&self, pyramid: &FeaturePyramid, l: usize, len: i64) -> Tensor {
        let own = pyramid.levels[l].features.narrow(2, 0, len);
        if !is_fused(self.levels, l, pyramid.num_levels()) {
            return own;
        }
        // The kernels of 3 read no more than this for `len` positions.
        let read = |features: &Tensor, len: i64| features.narrow(2, 0, len.min(features.size()[2]));
        let sum = match neighbor(pyramid, l.checked_add(1)) {
            Some(coarser) => {
                let up = self.up.forward(&read(coarser, len / 2 + 1));
                up.narrow(2, 0, len) + own
            }
            None => own,
        };
        match neighbor(pyramid, l.checked_sub(1)) {
            Some(finer) => sum + self.down.forward(&read(finer, 2 * len)),
            None => sum,
        }
    }
}
