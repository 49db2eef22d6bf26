//! Trident decoding: distances to the boundaries as expectations over neighbouring bins.

use tal_core::config::OffsetUnit;
use tch::{Device, Kind, Tensor};

use crate::distances::Distances;
use crate::output::LevelOutput;

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
/// With K bins besides the zero bin, start logits b, end logits e and the bins' own logits z (left side in channels 0..=K):
///
/// - left: `Σ_j softmax_j(b[c, t − K + j] + z[j, t]) · (K − j)`
/// - right: `Σ_j softmax_j(e[c, t + j] + z[K + 1 + j, t]) · j`
///
/// Neighbours beyond the level count as logit 0. Only P · 2(K + 1) values are ever read, whatever the number of classes.
///
/// # Shapes
/// Maps as in [`LevelOutput`]; the result (P).
///
/// # Units
/// Strides of the level, in 0..=K.
///
/// # Source
/// Section C.5 of the method's specification; Shi et al., *TriDet*, equations 1 to 4.
pub fn decode(level: &LevelOutput, pairs: &Pairs) -> Distances {
    let num_sides = level.offset_bins.size()[1];
    let side = num_sides / 2;
    let last = side - 1;
    let options = (Kind::Int64, pairs.point.device());
    let channels = Tensor::arange(num_sides, options);
    let rows = (&pairs.sample * num_sides).unsqueeze(-1) + channels;
    let bins = gather(&level.offset_bins, &rows, &pairs.point.unsqueeze(-1));

    let steps = Tensor::arange(side, options);
    let weights = steps.to_kind(bins.kind());
    let left = window(&level.start_logits, pairs, &(&steps - last)) + bins.narrow(1, 0, side);
    let right = window(&level.end_logits, pairs, &steps) + bins.narrow(1, side, side);
    Distances {
        left: expectation(&left, &weights.flip([0])),
        right: expectation(&right, &weights),
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

/// Boundary logits of each pair's class at its point plus `steps`, zero beyond the level: (P, K + 1).
fn window(map: &Tensor, pairs: &Pairs, steps: &Tensor) -> Tensor {
    let (num_classes, len) = (map.size()[1], map.size()[2]);
    let rows = (&pairs.sample * num_classes + &pairs.class).unsqueeze(-1);
    let points = pairs.point.unsqueeze(-1) + steps;
    let outside = points.lt(0).logical_or(&points.ge(len));
    gather(map, &rows, &points.clamp(0, len - 1)).masked_fill(&outside, 0.0)
}

/// Values of a (B, C, T) map at `rows` (sample · C + channel) and `points`, which broadcast against each other.
fn gather(map: &Tensor, rows: &Tensor, points: &Tensor) -> Tensor {
    let index = rows * map.size()[2] + points;
    map.reshape([-1])
        .index_select(0, &index.reshape([-1]))
        .view_as(&index)
}

/// `Σ_j softmax_j(logits) · weights_j` along the last dimension.
fn expectation(logits: &Tensor, weights: &Tensor) -> Tensor {
    (logits.softmax(-1, None) * weights).sum_dim_intlist(-1i64, false, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    const BINS: usize = 3;
    const LEN: usize = 5;

    /// One sample more than needed, random maps.
    fn level(num_classes: i64, num_offsets: i64) -> LevelOutput {
        tch::manual_seed(7);
        let map =
            |channels: i64| Tensor::randn([2, channels, LEN as i64], (Kind::Double, Device::Cpu));
        LevelOutput {
            mask: Tensor::ones([2, 1, LEN as i64], (Kind::Bool, Device::Cpu)),
            cls_logits: map(num_classes),
            offset_bins: map(2 * (BINS as i64 + 1)).relu(),
            start_logits: map(num_classes),
            end_logits: map(num_classes),
            refine_cls: None,
            refine_start: Some(map(num_offsets)),
            refine_end: Some(map(num_offsets)),
        }
    }

    fn at(map: &Tensor, b: i64, c: i64, t: i64) -> f64 {
        if (0..LEN as i64).contains(&t) {
            map.double_value(&[b, c, t])
        } else {
            0.0
        }
    }

    #[test]
    fn matches_the_formula_at_every_point_and_class() {
        let level = level(2, 2);
        for b in 0..2 {
            for c in 0..2 {
                for t in 0..LEN as i64 {
                    let pairs = Pairs::from_slices(&[b], &[c], &[t], Device::Cpu);
                    let decoded = decode(&level, &pairs);
                    let expect = |logits: Vec<f64>, distance: &dyn Fn(usize) -> f64| {
                        let total: f64 = logits.iter().map(|x| x.exp()).sum();
                        logits
                            .iter()
                            .enumerate()
                            .map(|(j, x)| x.exp() / total * distance(j))
                            .sum::<f64>()
                    };
                    let k = BINS as i64;
                    let left = (0..=k)
                        .map(|j| {
                            at(&level.start_logits, b, c, t - k + j)
                                + at(&level.offset_bins, b, j, t)
                        })
                        .collect();
                    let right = (0..=k)
                        .map(|j| {
                            at(&level.end_logits, b, c, t + j)
                                + at(&level.offset_bins, b, k + 1 + j, t)
                        })
                        .collect();
                    assert_relative_eq!(
                        decoded.left.double_value(&[0]),
                        expect(left, &|j| (BINS - j) as f64),
                        max_relative = 1e-12
                    );
                    assert_relative_eq!(
                        decoded.right.double_value(&[0]),
                        expect(right, &|j| j as f64),
                        max_relative = 1e-12
                    );
                }
            }
        }
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
        let offset = at(level.refine_end.as_ref().unwrap(), 1, 0, 3) as f32;
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
