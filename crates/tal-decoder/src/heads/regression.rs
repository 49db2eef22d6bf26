//! Distances to both boundaries, or the addends of trident bins.

use tal_core::nn::{MaskedConv1d, PackedLayout, Scale};
use tch::{Tensor, nn};

use super::layers::{level_scales, output_config};
use super::positions::Positions;
use super::tower::{Tower, TowerConfig};

/// Tower and masked convolution to the values of both sides, scaled per level.
///
/// `z_l = ReLU(scale_l · output(tower(R_l)))`
///
/// # Shapes
/// (B, D, S) to (B, 2N, S), the left side first. A side has N values: the bins of trident regression, or 1, the distance.
///
/// # Units
/// Strides of the level, for distances.
#[derive(Debug)]
pub struct RegressionHead {
    /// Tower.
    pub tower: Tower,
    /// Last convolution.
    pub output: MaskedConv1d,
    /// One learned scale per level.
    pub scale: Vec<Scale>,
}

impl RegressionHead {
    /// Head for N = `side` values per side, with variables `tower`, `output` and `scale.L` below `path`.
    ///
    /// # Panics
    /// If a size is 0.
    pub fn new(path: &nn::Path<'_>, config: TowerConfig, side: usize, num_levels: usize) -> Self {
        let tower = Tower::new(&(path / "tower"), config);
        let output = output_config(config.out_channels(), 2 * side, config.kernel_size);
        Self {
            output: MaskedConv1d::new(&(path / "output"), output),
            tower,
            scale: level_scales(&(path / "scale"), num_levels),
        }
    }

    /// Values of all levels, of at least zero.
    ///
    /// # Panics
    /// If the layout has more levels than the head has scales.
    pub fn forward(&self, x: &Tensor, positions: &Positions, layout: &PackedLayout) -> Tensor {
        let features = self.tower.forward(x, positions);
        let output = self.output.forward(&features, &positions.valid);
        let scales: Vec<Tensor> = (0..layout.num_levels())
            .map(|l| self.scale[l].scale.view([1, 1, 1]))
            .collect();
        // Up to the next level: any scale will do for the zeros between levels.
        let starts = layout.levels.iter().map(|level| level.offset);
        let ends = starts.clone().skip(1).chain([layout.len]);
        let lens: Vec<i64> = starts.zip(ends).map(|(s, e)| (e - s) as i64).collect();
        let lens = Tensor::from_slice(&lens).to_device(x.device());
        let scale =
            Tensor::cat(&scales, 2).repeat_interleave_self_tensor(&lens, 2, layout.len as i64);
        (output * scale).relu()
    }
}
