//! Pairs of a point and a class on several levels.

use tal_core::PointGrid;
use tch::{Device, Tensor};

use crate::boundaries::{self, Pairs};
use crate::distances::Distances;
use crate::output::DecoderOutput;

/// Pairs of a point and a class, level by level. All tensors that belong to the pairs keep this order.
pub(super) struct LevelPairs {
    /// Pairs of each level, with points of the level.
    pub(super) levels: Vec<Pairs>,
    /// All pairs, with points of all levels one after another.
    pub(super) all: Pairs,
}

impl LevelPairs {
    /// Pairs from plain numbers, with points of all levels one after another; level 0 stands first.
    pub(super) fn new(
        grid: &PointGrid,
        samples: &[i64],
        classes: &[i64],
        points: &[i64],
        device: Device,
    ) -> Self {
        let all = Pairs::from_slices(samples, classes, points, device);
        let levels = grid.levels().iter().map(|level| {
            let first =
                |offset: usize| points.partition_point(|point| *point < offset as i64) as i64;
            let from = first(level.offset);
            let len = first(level.offset + level.len) - from;
            let part = |values: &Tensor| values.narrow(0, from, len);
            Pairs {
                sample: part(&all.sample),
                class: part(&all.class),
                point: part(&all.point) - level.offset as i64,
            }
        });
        Self {
            levels: levels.collect(),
            all,
        }
    }

    /// Distances before refinement, per level.
    pub(super) fn decode(&self, output: &DecoderOutput) -> Vec<Distances> {
        output
            .levels
            .iter()
            .zip(&self.levels)
            .map(|(level, pairs)| boundaries::decode(level, pairs))
            .collect()
    }

    /// Distances after refinement, per level.
    pub(super) fn refine(
        &self,
        output: &DecoderOutput,
        grid: &PointGrid,
        decoded: &[Distances],
    ) -> Vec<Distances> {
        let unit = output.refinement.offset_unit;
        grid.levels()
            .iter()
            .zip(&output.levels)
            .zip(decoded.iter().zip(&self.levels))
            .map(|((grid, level), (decoded, pairs))| {
                boundaries::refine(decoded, level, pairs, grid.stride, unit)
            })
            .collect()
    }
}
