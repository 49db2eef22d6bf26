//! Distances of selected pairs to their boundaries, before and after refinement.

use tal_core::PointGrid;
use tal_core::config::OffsetUnit;

use crate::distances::Distances;
use crate::lazy_map::LazyMap;
use crate::output::{BoundaryOutput, DecoderOutput};
use crate::pairs::{Pairs, gather};
use crate::trident;

/// Distances of pairs before refinement.
///
/// # Shapes
/// The result (P).
///
/// # Units
/// Strides of the level.
///
/// # Panics
/// If a pair lies outside the output.
pub fn decode_boundaries(output: &DecoderOutput, pairs: &Pairs) -> Distances {
    match &output.boundaries {
        BoundaryOutput::Trident(trident) => trident::decode(trident, pairs, &output.layout),
        BoundaryOutput::Distances(distances) => {
            let position = pairs.places(&output.layout).position;
            let row = &pairs.sample * 2;
            Distances {
                left: gather(distances, &row, &position),
                right: gather(distances, &(&row + 1), &position),
            }
        }
    }
}

/// Distances of pairs after refinement; unchanged if the output has no refined boundaries.
///
/// With the point at t (grid units), stride s and the refinement's offsets os and oe:
///
/// - left: `max(0, (t − ((t − left·s) + os)) / s)`
/// - right: `max(0, (((t + right·s) + oe) − t) / s)`
///
/// The order of the operations is that of the original. Offsets in strides ([`OffsetUnit::Stride`]) are multiplied by s
/// first. The gradient passes the clamp at values of at least zero.
///
/// # Shapes
/// The result (P).
///
/// # Units
/// Strides of the level.
///
/// # Panics
/// If a pair lies outside the output or the grid.
///
/// # Source
/// The authors' public code.
pub fn refine_boundaries(
    distances: &Distances,
    output: &DecoderOutput,
    pairs: &Pairs,
    grid: &PointGrid,
) -> Distances {
    let (Some(start), Some(end)) = (&output.refine_start, &output.refine_end) else {
        return distances.shallow_clone();
    };
    let stride = pairs.strides(grid);
    let kind = distances.left.kind();
    let position = (&pairs.point * &stride).to_kind(kind);
    let stride = stride.to_kind(kind);
    let in_grid = |map: &LazyMap| {
        let offsets = map.windows(&output.layout, pairs, 0, 1).squeeze_dim(1);
        match output.refinement.offset_unit {
            OffsetUnit::Grid => offsets,
            OffsetUnit::Stride => offsets * &stride,
        }
    };
    let (start, end) = (in_grid(start), in_grid(end));
    let left = &position - (&position - &distances.left * &stride + start);
    let right = (&position + &distances.right * &stride) + end - &position;
    Distances {
        left: (left / &stride).clamp_min(0.0),
        right: (right / stride).clamp_min(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::{LevelOutput, RefinementRule, TridentOutput};
    use approx::assert_relative_eq;
    use tal_core::config::RefinedScore;
    use tch::{Device, Kind, Tensor};

    /// Two samples of `len` points, random maps.
    fn level(len: i64, num_classes: i64, num_offsets: i64) -> LevelOutput {
        tch::manual_seed(7);
        let map = |channels: i64| Tensor::randn([2, channels, len], (Kind::Double, Device::Cpu));
        LevelOutput {
            mask: Tensor::ones([2, 1, len], (Kind::Bool, Device::Cpu)),
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

    /// `level` as the last of `num_levels`; the finer ones are zero everywhere.
    fn output(level: LevelOutput, num_levels: usize, offset_unit: OffsetUnit) -> DecoderOutput {
        let longer = |by: i64| {
            let zeros = |map: &Tensor| map.repeat([1, 1, by]).zeros_like();
            LevelOutput {
                mask: level.mask.repeat([1, 1, by]),
                cls_logits: zeros(&level.cls_logits),
                boundaries: level.boundaries.map(zeros, zeros),
                refine_cls: level.refine_cls.as_ref().map(zeros),
                refine_start: level.refine_start.as_ref().map(zeros),
                refine_end: level.refine_end.as_ref().map(zeros),
            }
        };
        let mut levels: Vec<LevelOutput> = (1..num_levels).rev().map(|l| longer(1 << l)).collect();
        levels.push(level);
        let rule = RefinementRule {
            score: RefinedScore::LogitProduct,
            offset_unit,
        };
        DecoderOutput::from_levels(&levels, rule).unwrap()
    }

    /// The points of an output.
    fn grid(output: &DecoderOutput) -> PointGrid {
        let levels = &output.layout.levels;
        PointGrid::new(levels[0].full_len, &vec![[0.0, 1e4]; levels.len()])
    }

    #[test]
    fn plain_distances_are_read_for_any_class() {
        let values: Vec<f64> = (0..20).map(f64::from).collect();
        let level = LevelOutput {
            boundaries: BoundaryOutput::Distances(Tensor::from_slice(&values).view([2, 2, 5])),
            ..level(5, 3, 1)
        };
        let output = output(level, 2, OffsetUnit::Grid);
        let pairs = Pairs::from_rows(&[[0, 0, 1, 4], [1, 2, 1, 1], [1, 0, 1, 1]], Device::Cpu);
        let decoded = decode_boundaries(&output, &pairs).to_host();
        assert_eq!(decoded, [[4.0, 9.0], [11.0, 16.0], [11.0, 16.0]]);
        assert!(output.is_class_agnostic(false) && output.is_class_agnostic(true));
    }

    #[test]
    fn windows_end_with_their_level() {
        // Large logits on the finer level must not be seen from the first points of the coarser one.
        let output = output(level(5, 2, 2), 2, OffsetUnit::Grid);
        let pairs = Pairs::from_rows(&[[1, 0, 0, 9], [1, 0, 1, 0]], Device::Cpu);
        let before = decode_boundaries(&output, &pairs).to_host();
        let BoundaryOutput::Trident(trident) = &output.boundaries else {
            unreachable!("the level has bins");
        };
        for map in [&trident.start_logits, &trident.end_logits] {
            let _ = map.whole().narrow(2, 6, 4).fill_(50.0);
        }
        let after = decode_boundaries(&output, &pairs).to_host();
        assert_eq!(before[1], after[1]);
        assert_ne!(before[0], after[0]);
        let BoundaryOutput::Trident(trident) = &output.boundaries else {
            unreachable!("the level has bins");
        };
        let _ = trident.end_logits.whole().narrow(2, 10, 5).fill_(50.0);
        let last = decode_boundaries(&output, &pairs).to_host();
        assert_eq!(last[0], after[0]);
        assert_ne!(last[1], after[1]);
    }

    #[test]
    fn refinement_moves_the_boundaries_and_clamps() {
        for (unit, expected) in [
            (OffsetUnit::Grid, [[0.75, 2.5], [0.0, 0.0], [1.0, 2.0]]),
            (OffsetUnit::Stride, [[0.0, 4.0], [0.0, 0.0], [1.0, 2.0]]),
        ] {
            let pad = |values: [f64; 4]| {
                Some(
                    Tensor::from_slice(&values)
                        .view([1, 2, 2])
                        .repeat([2, 1, 1]),
                )
            };
            let level = LevelOutput {
                refine_start: pad([1.0, 9.0, 0.0, 0.0]),
                refine_end: pad([2.0, -9.0, 0.0, 0.0]),
                ..level(2, 2, 2)
            };
            let output = output(level, 3, unit);
            let pairs = Pairs::from_rows(&[[0, 0, 2, 0], [0, 0, 2, 1], [0, 1, 2, 1]], Device::Cpu);
            let distances = Distances {
                left: Tensor::from_slice(&[1.0f64, 1.0, 1.0]),
                right: Tensor::from_slice(&[2.0f64, 2.0, 2.0]),
            };
            let refined = refine_boundaries(&distances, &output, &pairs, &grid(&output)).to_host();
            assert_eq!(refined, expected);
        }
    }

    #[test]
    fn one_offset_for_all_classes() {
        let level = level(5, 3, 1);
        let offset = level.refine_end.as_ref().unwrap().double_value(&[1, 0, 3]) as f32;
        let output = output(level, 1, OffsetUnit::Grid);
        let pairs = Pairs::from_rows(&[[1, 0, 0, 3], [1, 2, 0, 3]], Device::Cpu);
        let distances = Distances {
            left: Tensor::from_slice(&[3.0f64, 3.0]),
            right: Tensor::from_slice(&[3.0f64, 3.0]),
        };
        let refined = refine_boundaries(&distances, &output, &pairs, &grid(&output)).to_host();
        assert_eq!(refined[0], refined[1]);
        assert_relative_eq!(refined[0][1], 3.0 + offset, max_relative = 1e-6);
    }

    #[test]
    fn without_refinement_distances_stay() {
        let level = LevelOutput {
            refine_start: None,
            refine_end: None,
            ..level(5, 2, 2)
        };
        let output = output(level, 2, OffsetUnit::Grid);
        let pairs = Pairs::from_rows(&[[0, 1, 1, 2]], Device::Cpu);
        let decoded = decode_boundaries(&output, &pairs);
        let refined = refine_boundaries(
            &decoded,
            &output,
            &pairs,
            &PointGrid::new(10, &[[0.0, 1e4]; 2]),
        );
        assert_eq!(decoded.to_host(), refined.to_host());
    }

    #[test]
    fn no_pairs_give_no_distances() {
        let output = output(level(5, 2, 2), 1, OffsetUnit::Grid);
        let pairs = Pairs::from_rows(&[], Device::Cpu);
        let refined = refine_boundaries(
            &decode_boundaries(&output, &pairs),
            &output,
            &pairs,
            &grid(&output),
        );
        assert!(pairs.is_empty());
        assert!(refined.to_host().is_empty());
    }

    #[test]
    fn levels_come_back_from_their_packing() {
        let output = output(level(5, 2, 2), 2, OffsetUnit::Grid);
        let again = DecoderOutput::from_levels(&output.levels(), output.refinement).unwrap();
        assert_eq!(again.layout, output.layout);
        assert!(again.cls_logits.equal(&output.cls_logits));
        let [ours, expected] = [&again, &output].map(|output| output.refine_end.as_ref());
        assert!(ours.unwrap().whole().equal(&expected.unwrap().whole()));
    }
}
