//! Second opinions on classes and boundaries.

use tal_core::config::RefinementConfig;
use tal_core::nn::{MaskedConv1d, Scale};
use tch::{Tensor, nn};

use super::tower::{Tower, TowerConfig};
use super::{level_scales, output_config};

/// One tower with up to three masked convolutions: class logits and the offsets of both boundaries.
///
/// # Shapes
/// (B, D, T_l) to class logits (B, K, T_l) and offsets (B, K, T_l), or (B, 1, T_l) where one offset serves all classes.
#[derive(Debug)]
pub struct RefinementHead {
    /// The tower.
    pub tower: Tower,
    /// Offset of the start, where boundaries are refined.
    pub start_offset: Option<MaskedConv1d>,
    /// Offset of the end, where boundaries are refined.
    pub end_offset: Option<MaskedConv1d>,
    /// Class logits, where class scores are refined.
    pub score: Option<MaskedConv1d>,
    /// Scales that released checkpoints carry and nothing uses; empty where they are not wanted.
    pub scale: Vec<Scale>,
}

/// What a [`RefinementHead`] answers on one level.
#[derive(Debug)]
pub struct RefinementOutput {
    /// (B, K, T_l) class logits.
    pub cls: Option<Tensor>,
    /// (B, K or 1, T_l) offset of the start.
    pub start: Option<Tensor>,
    /// (B, K or 1, T_l) offset of the end.
    pub end: Option<Tensor>,
}

impl RefinementHead {
    /// Variables `tower`, `start_offset`, `end_offset`, `score` and `scale.L` below `path`, as far as `refinement` asks for
    /// them.
    ///
    /// # Panics
    /// Where a size is 0.
    pub fn new(
        path: &nn::Path<'_>,
        config: TowerConfig,
        refinement: &RefinementConfig,
        num_classes: usize,
        num_levels: usize,
    ) -> Self {
        let tower = Tower::new(&(path / "tower"), config);
        let conv = |name: &str, channels: usize, kernel_size: usize| {
            let config = output_config(tower.out_channels(), channels, kernel_size);
            MaskedConv1d::new(&(path / name), config)
        };
        let num_offsets = if refinement.per_class_offsets {
            num_classes
        } else {
            1
        };
        let offset = |name: &str| {
            refinement
                .regression
                .then(|| conv(name, num_offsets, refinement.offset_kernel_size))
        };
        let num_scales = if refinement.unused_scales {
            num_levels
        } else {
            0
        };
        Self {
            start_offset: offset("start_offset"),
            end_offset: offset("end_offset"),
            score: refinement
                .classification
                .then(|| conv("score", num_classes, config.kernel_size)),
            scale: level_scales(&(path / "scale"), num_scales),
            tower,
        }
    }

    /// Answers of one level.
    ///
    /// # Shapes
    /// (B, D, T_l) with a mask (B, 1, T_l).
    pub fn forward(&self, x: &Tensor, mask: &Tensor) -> RefinementOutput {
        let features = self.tower.forward(x, mask);
        let run =
            |conv: &Option<MaskedConv1d>| conv.as_ref().map(|conv| conv.forward(&features, mask));
        RefinementOutput {
            cls: run(&self.score),
            start: run(&self.start_offset),
            end: run(&self.end_offset),
        }
    }
}
