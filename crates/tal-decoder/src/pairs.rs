//! Pairs of a point and a class, and values read at them.

use tal_core::PointGrid;
use tal_core::nn::PackedLayout;
use tch::{Device, Tensor};

/// Selected pairs of a point and a class.
///
/// # Shapes
/// Each (P) of int64, on the device of the outputs.
#[derive(Debug)]
pub struct Pairs {
    /// Samples of the batch.
    pub sample: Tensor,
    /// Classes.
    pub class: Tensor,
    /// Levels of the pyramid.
    pub level: Tensor,
    /// Points of these levels.
    pub point: Tensor,
}

/// Places of pairs in packed outputs.
///
/// # Shapes
/// Each (P) of int64.
#[derive(Debug)]
pub(crate) struct Places {
    /// First positions of the pairs' levels.
    pub(crate) offset: Tensor,
    /// Numbers of positions that the layout keeps of these levels.
    pub(crate) len: Tensor,
    /// Positions of the points.
    pub(crate) position: Tensor,
}

impl Pairs {
    /// Pairs from rows of `[sample, class, level, point]`.
    pub fn from_rows(rows: &[[i64; 4]], device: Device) -> Pairs {
        // One transfer for all four columns.
        let columns = Tensor::from_slice(rows.as_flattened())
            .view([rows.len() as i64, 4])
            .transpose(0, 1)
            .contiguous()
            .to_device(device);
        Pairs {
            sample: columns.get(0),
            class: columns.get(1),
            level: columns.get(2),
            point: columns.get(3),
        }
    }

    /// Number P of pairs.
    pub fn len(&self) -> i64 {
        self.point.size()[0]
    }

    /// Whether there are no pairs.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Places of the pairs.
    pub(crate) fn places(&self, layout: &PackedLayout) -> Places {
        let levels = layout.levels.iter();
        let offset = self.of_level(levels.clone().map(|level| level.offset as i64));
        Places {
            position: &self.point + &offset,
            offset,
            len: self.of_level(levels.map(|level| level.len as i64)),
        }
    }

    /// Strides of the pairs' levels, (P) of int64.
    pub(crate) fn strides(&self, grid: &PointGrid) -> Tensor {
        let levels = grid.levels().iter();
        self.of_level(levels.map(|level| i64::from(level.stride)))
    }

    /// Points counted over all levels, level 0 first; (P) of int64.
    pub(crate) fn grid_points(&self, grid: &PointGrid) -> Tensor {
        let levels = grid.levels().iter();
        self.of_level(levels.map(|level| level.offset as i64)) + &self.point
    }

    /// One number per level, spread over the pairs.
    fn of_level(&self, numbers: impl Iterator<Item = i64>) -> Tensor {
        Tensor::from_slice(&numbers.collect::<Vec<_>>())
            .to_device(self.level.device())
            .index_select(0, &self.level)
    }
}

/// Values of a (B, C, S) map at `rows` (sample · C + channel) and `positions`, which broadcast against each other.
pub(crate) fn gather(map: &Tensor, rows: &Tensor, positions: &Tensor) -> Tensor {
    let index = rows * map.size()[2] + positions;
    map.reshape([-1])
        .index_select(0, &index.reshape([-1]))
        .view_as(&index)
}
