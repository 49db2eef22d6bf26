//! Distances to both boundaries, or what every trident bin adds to the boundary logits.

use tal_core::nn::{MaskedConv1d, Scale};
use tch::{Tensor, nn};

use super::tower::{Tower, TowerConfig};
use super::{level_scales, output_config};

/// A tower and a masked convolution to the values of both sides, scaled per level.
///
/// `z_l = ReLU(scale_l · output(tower(R_l)))`
///
/// # Shapes
/// (B, D, T_l) to (B, 2S, T_l) for S values per side, the left side first: the N + 1 bins of trident regression, or 1, the
/// distance itself.
///
/// # Units
/// Distances in strides of the level.
#[derive(Debug)]
pub struct RegressionHead {
    /// The tower.
    pub tower: Tower,
    /// The last convolution.
    pub output: MaskedConv1d,
    /// One learned scale per level.
    pub scale: Vec<Scale>,
}

impl RegressionHead {
    /// Variables `tower`, `output` and `scale.L` below `path`, for S = `side` values per side.
    ///
    /// # Panics
    /// Where a size is 0.
    pub fn new(path: &nn::Path<'_>, config: TowerConfig, side: usize, num_levels: usize) -> Self {
        let tower = Tower::new(&(path / "tower"), config);
        let output = output_config(config.out_channels(), 2 * side, config.kernel_size);
        Self {
            output: MaskedConv1d::new(&(path / "output"), output),
            tower,
            scale: level_scales(&(path / "scale"), num_levels),
        }
    }

    /// Values of level `l`, at least zero.
    ///
    /// # Shapes
    /// (B, D, T_l) with a mask (B, 1, T_l) to (B, 2S, T_l).
    ///
    /// # Panics
    /// Where there is no level `l`.
    pub fn forward(&self, l: usize, x: &Tensor, mask: &Tensor) -> Tensor {
        let output = self.output.forward(&self.tower.forward(x, mask), mask);
        self.scale[l].forward(&output).relu()
    }
}
