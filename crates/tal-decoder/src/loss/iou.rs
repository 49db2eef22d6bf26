//! Overlap of two segments, given as distances from one point, and losses made of it.

use tch::Tensor;

use crate::distances::Distances;

/// Least denominator.
const EPSILON: f64 = 1e-8;

/// Temporal intersection over union of two segments around one point.
///
/// `inter / max(l + r + l* + r* − inter, 1e-8)` with `inter = min(l, l*) + min(r, r*)`.
pub fn iou(predicted: &Distances, target: &Distances) -> Tensor {
    let inter = predicted.left.minimum(&target.left) + predicted.right.minimum(&target.right);
    let union = &predicted.left + &predicted.right + &target.left + &target.right - &inter;
    inter / union.clamp_min(EPSILON)
}

/// IoU loss: `1 − IoU`.
///
/// # Source
/// Yu et al., *UnitBox*, in its linear form.
pub fn iou_loss(predicted: &Distances, target: &Distances) -> Tensor {
    iou(predicted, target).neg() + 1.0
}

/// Generalised-IoU loss: one minus the overlap, plus the share of the hull that neither segment covers.
///
/// `1 − IoU + (hull − union) / max(hull, 1e-8)` with `hull = max(l, l*) + max(r, r*)`. Both segments contain the point, so
/// their hull is their union, and the value is that of [`iou_loss`] up to rounding.
///
/// # Source
/// Rezatofighi et al., *Generalized Intersection over Union*, algorithm 1, in one dimension.
pub fn giou(predicted: &Distances, target: &Distances) -> Tensor {
    let inter = predicted.left.minimum(&target.left) + predicted.right.minimum(&target.right);
    let union = &predicted.left + &predicted.right + &target.left + &target.right - inter;
    let hull = predicted.left.maximum(&target.left) + predicted.right.maximum(&target.right);
    let uncovered = (&hull - union) / hull.clamp_min(EPSILON);
    iou_loss(predicted, target) + uncovered
}

/// Distance-IoU loss: one minus the overlap, plus the squared distance of the centres.
///
/// `1 − IoU + (ρ / len)²` with `ρ = ½(r − l − r* + l*)` and `len = max(max(l, l*) + max(r, r*), 1e-8)`.
///
/// # Source
/// Zheng et al., *Distance-IoU Loss*, equation 7, in one dimension.
pub fn diou(predicted: &Distances, target: &Distances) -> Tensor {
    let hull = predicted.left.maximum(&target.left) + predicted.right.maximum(&target.right);
    let shift = (&predicted.right - &predicted.left - &target.right + &target.left) * 0.5;
    (shift / hull.clamp_min(EPSILON)).square() - iou(predicted, target) + 1.0
}

/// Weight `IoU^p` of a positive pair's classification loss.
///
/// For p below 1, the derivative is infinite at an overlap of exactly zero; the gradient is zero there by definition.
/// Everywhere else value and gradient are exact.
///
/// # Shapes
/// `iou` and the result of one shape.
pub fn iou_weight(iou: &Tensor, power: f64) -> Tensor {
    if power > 0.0 && power < 1.0 {
        let apart = iou.le(0.0);
        iou.masked_fill(&apart, 1.0)
            .pow_tensor_scalar(power)
            .masked_fill(&apart, 0.0)
    } else {
        iou.pow_tensor_scalar(power)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use proptest::prelude::*;
    use tal_core::Segment;
    use tch::Kind;

    fn distances(pairs: &[[f64; 2]]) -> Distances {
        let column = |side: usize| -> Vec<f64> { pairs.iter().map(|pair| pair[side]).collect() };
        Distances {
            left: Tensor::from_slice(&column(0)),
            right: Tensor::from_slice(&column(1)),
        }
    }

    #[test]
    fn known_values() {
        let predicted = distances(&[[1.0, 1.0], [2.0, 0.0], [0.0, 0.0]]);
        let target = distances(&[[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]]);
        let overlap = Vec::<f64>::try_from(iou(&predicted, &target)).unwrap();
        assert_relative_eq!(overlap[..], [1.0, 1.0 / 3.0, 0.0][..]);
        // Second pair: centres one apart, both together three long.
        let loss = Vec::<f64>::try_from(diou(&predicted, &target)).unwrap();
        assert_relative_eq!(
            loss[..],
            [0.0, 1.0 - 1.0 / 3.0 + 1.0 / 9.0, 1.0][..],
            epsilon = 1e-12
        );
    }

    #[test]
    fn around_one_point_the_generalised_overlap_is_the_overlap() {
        let predicted = distances(&[[1.0, 1.0], [2.0, 0.0], [0.0, 0.0], [3.5, 0.25]]);
        let target = distances(&[[1.0, 1.0], [1.0, 1.0], [0.0, 0.0], [0.5, 7.0]]);
        let plain = Vec::<f64>::try_from(iou_loss(&predicted, &target)).unwrap();
        let generalised = Vec::<f64>::try_from(giou(&predicted, &target)).unwrap();
        assert_relative_eq!(
            plain[..],
            [0.0, 2.0 / 3.0, 1.0, 1.0 - 0.75 / 10.5][..],
            epsilon = 1e-12
        );
        assert_relative_eq!(plain[..], generalised[..], epsilon = 1e-12);
    }

    #[test]
    fn the_weight_has_no_gradient_where_nothing_overlaps() {
        for (power, expected) in [(0.2, 0.0), (1.0, 1.0), (0.0, 0.0)] {
            let overlap = Tensor::from_slice(&[0f64, 0.5]).set_requires_grad(true);
            let weight = iou_weight(&overlap, power);
            assert_relative_eq!(weight.double_value(&[0]), f64::powf(0.0, power));
            assert_relative_eq!(weight.double_value(&[1]), f64::powf(0.5, power));
            let grad = Tensor::run_backward(&[weight.sum(Kind::Double)], &[&overlap], false, false);
            assert_relative_eq!(grad[0].double_value(&[0]), expected);
            let slope = if power == 0.0 {
                0.0
            } else {
                power * f64::powf(0.5, power - 1.0)
            };
            assert_relative_eq!(grad[0].double_value(&[1]), slope, max_relative = 1e-12);
        }
    }

    proptest! {
        #[test]
        fn equals_the_scalar_overlap_of_segments(
            point in -1e3..1e3f64,
            pairs in prop::collection::vec(
                ((0.0..100.0f64, 1e-3..100.0f64), (0.0..100.0f64, 1e-3..100.0f64)), 1..20),
        ) {
            let a: Vec<_> = pairs.iter().map(|(a, _)| [a.0, a.1]).collect();
            let b: Vec<_> = pairs.iter().map(|(_, b)| [b.0, b.1]).collect();
            let tensor = Vec::<f64>::try_from(iou(&distances(&a), &distances(&b))).unwrap();
            for ((a, b), value) in a.iter().zip(&b).zip(tensor) {
                let segment = |d: &[f64; 2]| Segment::new(point - d[0], point + d[1]);
                prop_assert!((segment(a).tiou(segment(b)) - value).abs() < 1e-9);
            }
        }
    }
}
