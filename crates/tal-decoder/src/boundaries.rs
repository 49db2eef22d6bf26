//! Distances of selected pairs to their boundaries, from whatever the heads answer.

use tal_core::config::OffsetUnit;
use tch::{Device, Tensor};

use crate::distances::Distances;
use crate::output::{BoundaryOutput, LevelOutput};
use crate::trident;

/// Selected pairs of a point and a class on one level.
///
/// # Shapes
/// Each (P) of int64, on the device of the outputs.
#[derive(Debug)]
pub struct Pairs {
    /// Sample of the batch.
    pub sample: Tensor,
    /// Class.
    pub class: Tensor,
    /// Point of the level.
    pub point: Tensor,
}

impl Pairs {
    /// Pairs from plain numbers.
    ///
    /// # Panics
    /// Where the slices differ in length.
    pub fn from_slices(sample: &[i64], class: &[i64], point: &[i64], device: Device) -> Pairs {
        assert!(
            sample.len() == class.len() && class.len() == point.len(),
            "a pair has one sample, one class and one point"
        );
        let upload = |values: &[i64]| Tensor::from_slice(values).to_device(device);
        Pairs {
            sample: upload(sample),
            class: upload(class),
            point: upload(point),
        }
    }

    /// Number P of pairs.
    pub fn len(&self) -> i64 {
        self.point.size()[0]
    }

    /// Whether there is no pair.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Distances of the selected pairs before refinement.
///
/// # Shapes
/// Maps as in [`LevelOutput`]; the result (P).
///
/// # Units
/// Strides of the level.
pub fn decode(level: &LevelOutput, pairs: &Pairs) -> Distances {
    match &level.boundaries {
        BoundaryOutput::Trident(output) => trident::decode(output, pairs),
        BoundaryOutput::Distances(distances) => {
            let row = &pairs.sample * 2;
            Distances {
                left: gather(distances, &row, &pairs.point),
                right: gather(distances, &(&row + 1), &pairs.point),
            }
        }
    }
}

/// Distances of the selected pairs after refinement; unchanged where the level has no refined boundaries.
///
/// With the point at t (grid units), stride s and the offsets os, oe of the refinement:
///
/// - left: `max(0, (t − ((t − left·s) + os)) / s)`
/// - right: `max(0, (((t + right·s) + oe) − t) / s)`
///
/// The order of the operations is the original's. Offsets in strides ([`OffsetUnit::Stride`]) are multiplied by s first.
/// The gradient passes the clamp at values of at least zero.
///
/// # Shapes
/// Maps as in [`LevelOutput`]; the result (P).
///
/// # Units
/// Strides of the level.
///
/// # Source
/// Section C.6 of the method's specification.
pub fn refine(
    distances: &Distances,
    level: &LevelOutput,
    pairs: &Pairs,
    stride: u32,
    unit: OffsetUnit,
) -> Distances {
    let (Some(start), Some(end)) = (&level.refine_start, &level.refine_end) else {
        return distances.shallow_clone();
    };
    let stride = f64::from(stride);
    let in_grid = |offsets: Tensor| match unit {
        OffsetUnit::Grid => offsets,
        OffsetUnit::Stride => offsets * stride,
    };
    let start = in_grid(offsets(start, pairs));
    let end = in_grid(offsets(end, pairs));
    let position = pairs.point.to_kind(start.kind()) * stride;
    let left = &position - (&position - &distances.left * stride + start);
    let right = (&position + &distances.right * stride) + end - &position;
    Distances {
        left: (left / stride).clamp_min(0.0),
        right: (right / stride).clamp_min(0.0),
    }
}

/// Offset of every pair, of its class where offsets are per class.
fn offsets(map: &Tensor, pairs: &Pairs) -> Tensor {
    let num_channels = map.size()[1];
    let rows = if num_channels == 1 {
        pairs.sample.shallow_clone()
    } else {
        &pairs.sample * num_channels + &pairs.class
    };
    gather(map, &rows, &pairs.point)
}

/// Values of a (B, C, T) map at `rows` (sample · C + channel) and `points`, which broadcast against each other.
pub(crate) fn gather(map: &Tensor, rows: &Tensor, points: &Tensor) -> Tensor {
    let index = rows * map.size()[2] + points;
    map.reshape([-1])
        .index_select(0, &index.reshape([-1]))
        .view_as(&index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::TridentOutput;
    use approx::assert_relative_eq;
    use tch::Kind;

    /// Two samples of five points, random maps.
    fn level(num_classes: i64, num_offsets: i64) -> LevelOutput {
        tch::manual_seed(7);
        let map = |channels: i64| Tensor::randn([2, channels, 5], (Kind::Double, Device::Cpu));
        LevelOutput {
            mask: Tensor::ones([2, 1, 5], (Kind::Bool, Device::Cpu)),
            cls_logits: map(num_classes),
            boundaries: BoundaryOutput::Trident(TridentOutput {
                offset_bins: map(8).relu(),
                start_logits: map(num_classes),
                end_logits: map(num_classes),
            }),
            refine_cls: None,
            refine_start: Some(map(num_offsets)),
            refine_end: Some(map(num_offsets)),
        }
    }

    #[test]
    fn plain_distances_are_read_for_any_class() {
        let values: Vec<f64> = (0..20).map(f64::from).collect();
        let level = LevelOutput {
            boundaries: BoundaryOutput::Distances(Tensor::from_slice(&values).view([2, 2, 5])),
            ..level(3, 1)
        };
        let pairs = Pairs::from_slices(&[0, 1, 1], &[0, 2, 0], &[4, 1, 1], Device::Cpu);
        let decoded = decode(&level, &pairs).to_host();
        assert_eq!(decoded, [[4.0, 9.0], [11.0, 16.0], [11.0, 16.0]]);
        assert!(level.is_class_agnostic(false) && level.is_class_agnostic(true));
    }

    #[test]
    fn refinement_moves_the_boundaries_and_clamps() {
        let level = LevelOutput {
            refine_start: Some(Tensor::from_slice(&[1.0f64, 9.0, 0.0, 0.0]).view([1, 2, 2])),
            refine_end: Some(Tensor::from_slice(&[2.0f64, -9.0, 0.0, 0.0]).view([1, 2, 2])),
            ..level(2, 2)
        };
        let pairs = Pairs::from_slices(&[0, 0, 0], &[0, 0, 1], &[0, 1, 1], Device::Cpu);
        let distances = Distances {
            left: Tensor::from_slice(&[1.0f64, 1.0, 1.0]),
            right: Tensor::from_slice(&[2.0f64, 2.0, 2.0]),
        };
        let refined = refine(&distances, &level, &pairs, 4, OffsetUnit::Grid).to_host();
        assert_eq!(refined, [[0.75, 2.5], [0.0, 0.0], [1.0, 2.0]]);
        let refined = refine(&distances, &level, &pairs, 4, OffsetUnit::Stride).to_host();
        assert_eq!(refined, [[0.0, 4.0], [0.0, 0.0], [1.0, 2.0]]);
    }

    #[test]
    fn one_offset_for_all_classes() {
        let level = level(3, 1);
        let pairs = Pairs::from_slices(&[1, 1], &[0, 2], &[3, 3], Device::Cpu);
        let distances = Distances {
            left: Tensor::from_slice(&[3.0f64, 3.0]),
            right: Tensor::from_slice(&[3.0f64, 3.0]),
        };
        let refined = refine(&distances, &level, &pairs, 1, OffsetUnit::Grid).to_host();
        assert_eq!(refined[0], refined[1]);
        let offset = level.refine_end.as_ref().unwrap().double_value(&[1, 0, 3]) as f32;
        assert_relative_eq!(refined[0][1], 3.0 + offset, max_relative = 1e-6);
    }

    #[test]
    fn without_refinement_distances_stay() {
        let level = LevelOutput {
            refine_start: None,
            refine_end: None,
            ..level(2, 2)
        };
        let pairs = Pairs::from_slices(&[0], &[1], &[2], Device::Cpu);
        let decoded = decode(&level, &pairs);
        let refined = refine(&decoded, &level, &pairs, 2, OffsetUnit::Grid);
        assert_eq!(decoded.to_host(), refined.to_host());
    }

    #[test]
    fn no_pairs_give_no_distances() {
        let level = level(2, 2);
        let pairs = Pairs::from_slices(&[], &[], &[], Device::Cpu);
        let refined = refine(&decode(&level, &pairs), &level, &pairs, 1, OffsetUnit::Grid);
        assert!(pairs.is_empty());
        assert!(refined.to_host().is_empty());
    }
}
