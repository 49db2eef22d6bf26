//! Refinement of class scores and boundaries.

use tal_core::config::RefinementConfig;
use tal_core::nn::{MaskedConv1d, Scale};
use tch::{Tensor, nn};

use super::layers::{level_scales, output_config};
use super::positions::Positions;
use super::tower::{Tower, TowerConfig};
use crate::lazy_map::LazyMap;

/// Up to three masked convolutions behind one or two towers: class logits and offsets of both boundaries.
///
/// # Shapes
/// (B, D, S) to class logits (B, K, S) and offsets (B, K, S), or (B, 1, S) if all classes share one offset.
#[derive(Debug)]
pub struct RefinementHead {
    /// Towers before the convolutions.
    pub towers: RefinementTowers,
    /// Offset of the start; `None` if boundaries are not refined.
    pub start_offset: Option<MaskedConv1d>,
    /// Offset of the end; `None` if boundaries are not refined.
    pub end_offset: Option<MaskedConv1d>,
    /// Class logits; `None` if class scores are not refined.
    pub score: Option<MaskedConv1d>,
    /// Scales that released checkpoints contain and nothing uses; empty unless the configuration asks for them.
    pub scale: Vec<Scale>,
}

/// Towers of a [`RefinementHead`].
#[derive(Debug)]
pub enum RefinementTowers {
    /// One tower for everything.
    Shared(Tower),
    /// One tower for class scores and one for offsets, as far as these are refined.
    Separate {
        /// Tower before the class logits.
        score: Option<Tower>,
        /// Tower before both offsets.
        offset: Option<Tower>,
    },
}

/// Answers of a [`RefinementHead`].
#[derive(Debug, Default)]
pub struct RefinementOutput {
    /// (B, K, S) class logits.
    pub cls: Option<Tensor>,
    /// (B, K or 1, S) offsets of starts.
    pub start: Option<LazyMap>,
    /// (B, K or 1, S) offsets of ends.
    pub end: Option<LazyMap>,
}

impl RefinementHead {
    /// Head with the parts that `refinement` asks for.
    ///
    /// The variables below `path` are `tower` (or `score_tower` and `offset_tower`), `start_offset`, `end_offset`, `score` and
    /// `scale.L`.
    ///
    /// # Panics
    /// If a size is 0.
    pub fn new(
        path: &nn::Path<'_>,
        config: TowerConfig,
        refinement: &RefinementConfig,
        num_classes: usize,
        num_levels: usize,
    ) -> Self {
        let tower = |name: &str| Tower::new(&(path / name), config);
        let towers = if refinement.separate_towers {
            RefinementTowers::Separate {
                score: refinement.classification.then(|| tower("score_tower")),
                offset: refinement.regression.then(|| tower("offset_tower")),
            }
        } else {
            RefinementTowers::Shared(tower("tower"))
        };
        let conv = |name: &str, channels: usize, kernel_size: usize| {
            let config = output_config(config.out_channels(), channels, kernel_size);
            MaskedConv1d::new(&(path / name), config)
        };
        let RefinementConfig {
            classification,
            regression,
            per_class_offsets,
            ..
        } = *refinement;
        let num_offsets = if per_class_offsets { num_classes } else { 1 };
        let kernel_size = refinement.offset_kernel_size;
        let offset = |name: &str| regression.then(|| conv(name, num_offsets, kernel_size));
        let num_scales = usize::from(refinement.unused_scales) * num_levels;
        Self {
            start_offset: offset("start_offset"),
            end_offset: offset("end_offset"),
            score: classification.then(|| conv("score", num_classes, config.kernel_size)),
            scale: level_scales(&(path / "scale"), num_scales),
            towers,
        }
    }

    /// Answers, as far as the head has the parts.
    pub fn forward(&self, x: &Tensor, positions: &Positions) -> RefinementOutput {
        let run = |tower: &Tower| tower.forward(x, positions);
        let (for_score, for_offset) = match &self.towers {
            RefinementTowers::Shared(tower) => {
                let features = run(tower);
                (Some(features.shallow_clone()), Some(features))
            }
            RefinementTowers::Separate { score, offset } => {
                (score.as_ref().map(run), offset.as_ref().map(run))
            }
        };
        let offset = |conv: &Option<MaskedConv1d>| {
            let (conv, features) = conv.as_ref().zip(for_offset.as_ref())?;
            Some(LazyMap::new(conv, features, &positions.valid))
        };
        let score = self.score.as_ref().zip(for_score.as_ref());
        RefinementOutput {
            cls: score.map(|(conv, features)| conv.forward(features, &positions.valid)),
            start: offset(&self.start_offset),
            end: offset(&self.end_offset),
        }
    }
}
