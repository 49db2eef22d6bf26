//! Trident decoding: distances to the boundaries as expectations over neighbouring bins.

use tal_core::nn::PackedLayout;
use tch::{Kind, Tensor};

use crate::distances::Distances;
use crate::lazy_map::LazyMap;
use crate::output::TridentOutput;
use crate::pairs::{Pairs, gather};

/// Distances of pairs before refinement.
///
/// With K bins beside the zero bin, start logits b, end logits e and the bins' own logits z (left side in channels 0..=K):
///
/// - left: `Σ_j softmax_j(b[c, t − K + j] + z[j, t]) · (K − j)`
/// - right: `Σ_j softmax_j(e[c, t + j] + z[K + 1 + j, t]) · j`
///
/// Neighbours beyond the level count as logit 0. Only P · 2(K + 1) logits are read, whatever the number of classes.
///
/// # Shapes
/// Maps as in [`TridentOutput`], all levels packed; the result (P).
///
/// # Units
/// Strides of the level, in 0..=K.
///
/// # Source
/// The authors' public code; Shi et al., *TriDet*, equations 1 to 4.
pub(crate) fn decode(
    output: &TridentOutput<LazyMap>,
    pairs: &Pairs,
    layout: &PackedLayout,
) -> Distances {
    let num_sides = output.offset_bins.size()[1];
    let side = num_sides / 2;
    let last = side - 1;
    let options = (Kind::Int64, pairs.point.device());
    let channels = Tensor::arange(num_sides, options);
    let rows = (&pairs.sample * num_sides).unsqueeze(-1) + channels;
    let position = pairs.places(layout).position;
    let bins = gather(&output.offset_bins, &rows, &position.unsqueeze(-1));

    let weights = Tensor::arange(side, (bins.kind(), bins.device()));
    let window = |map: &LazyMap, first: i64| map.windows(layout, pairs, first, side as usize);
    let left = window(&output.start_logits, -last) + bins.narrow(1, 0, side);
    let right = window(&output.end_logits, 0) + bins.narrow(1, side, side);
    Distances {
        left: expectation(&left, &weights.flip([0])),
        right: expectation(&right, &weights),
    }
}

/// `Σ_j softmax_j(logits) · weights_j` along the last dimension.
fn expectation(logits: &Tensor, weights: &Tensor) -> Tensor {
    (logits.softmax(-1, None) * weights).sum_dim_intlist(-1i64, false, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use tch::Device;

    const BINS: usize = 3;
    const LEN: usize = 5;

    /// Random maps of two samples.
    fn level(num_classes: i64) -> TridentOutput<LazyMap> {
        tch::manual_seed(7);
        let map =
            |channels: i64| Tensor::randn([2, channels, LEN as i64], (Kind::Double, Device::Cpu));
        TridentOutput {
            offset_bins: map(2 * (BINS as i64 + 1)).relu(),
            start_logits: map(num_classes).into(),
            end_logits: map(num_classes).into(),
        }
    }

    #[test]
    fn without_boundary_logits_a_point_answers_alone() {
        let mut output = level(1);
        let zeros = || Tensor::zeros([2, 1, LEN as i64], (Kind::Double, Device::Cpu));
        (output.start_logits, output.end_logits) = (zeros().into(), zeros().into());
        let layout = PackedLayout::from_lens([(LEN, vec![LEN; 2])], 0);
        // The class does not matter.
        let pairs = Pairs::from_rows(&[[1, 0, 0, 2], [1, 4, 0, 2]], Device::Cpu);
        let found = decode(&output, &pairs, &layout);
        let bins = output.offset_bins.get(1).select(1, 2);
        let side = BINS as i64 + 1;
        let weights = Tensor::arange(side, (Kind::Double, Device::Cpu));
        let expected = (bins.narrow(0, side, side).softmax(0, None) * &weights).sum(None);
        for pair in 0..2 {
            assert_relative_eq!(
                found.right.double_value(&[pair]),
                expected.double_value(&[]),
                epsilon = 1e-12
            );
        }
        let expected = (bins.narrow(0, 0, side).softmax(0, None) * weights.flip([0])).sum(None);
        assert_relative_eq!(
            found.left.double_value(&[0]),
            expected.double_value(&[]),
            epsilon = 1e-12
        );
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
        let level = level(2);
        let layout = PackedLayout::from_lens([(LEN, vec![LEN; 2])], 0);
        for b in 0..2 {
            for c in 0..2 {
                for t in 0..LEN as i64 {
                    let pairs = Pairs::from_rows(&[[b, c, 0, t]], Device::Cpu);
                    let decoded = decode(&level, &pairs, &layout);
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
                            at(&level.start_logits.whole(), b, c, t - k + j)
                                + at(&level.offset_bins, b, j, t)
                        })
                        .collect();
                    let right = (0..=k)
                        .map(|j| {
                            at(&level.end_logits.whole(), b, c, t + j)
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
}
