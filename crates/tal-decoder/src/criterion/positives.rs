//! Positive pairs of a batch as index tensors.

use tal_core::PointGrid;
use tch::Tensor;

use crate::distances::Distances;
use crate::output::DecoderOutput;
use crate::pairs::Pairs;
use crate::targets::Targets;

/// Pairs of a valid point and a class with target 1, and their target distances.
///
/// They are ordered by level, sample, point and class.
pub(super) struct Positives {
    /// Number of positive valid points N; a point with several classes counts once.
    pub(super) num_points: usize,
    /// Pairs (P).
    pub(super) pairs: Pairs,
    /// Positions of the pairs in packed outputs (P).
    pub(super) positions: Tensor,
    /// First pairs of all positive points (N).
    pub(super) first_of_point: Tensor,
    /// Target distances (P).
    pub(super) offsets: Distances,
}

impl Positives {
    /// Pairs of the points that are valid.
    ///
    /// # Panics
    /// If there is not one target per sample, or if a target does not fit the grid or the classes.
    pub(super) fn new(output: &DecoderOutput, grid: &PointGrid, targets: &[Targets]) -> Positives {
        let num_classes = output.num_classes();
        let (mut rows, mut first_of_point) = (Vec::new(), Vec::new());
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for (l, level) in grid.levels().iter().enumerate() {
            let lens = &output.layout.levels[l].lens;
            for (sample, target) in targets.iter().enumerate() {
                let all = &target.positives;
                let below = |end: usize| all.partition_point(|positive| positive.point < end);
                let (from, to) = (below(level.offset), below(level.offset + lens[sample]));
                for positive in &all[from..to] {
                    first_of_point.push(rows.len() as i64);
                    for &class in &positive.classes {
                        assert!(
                            i64::from(class) < num_classes,
                            "a target has class {class}, the decoder has {num_classes} classes"
                        );
                        let point = (positive.point - level.offset) as i64;
                        rows.push([sample as i64, i64::from(class), l as i64, point]);
                        left.push(positive.offsets[0]);
                        right.push(positive.offsets[1]);
                    }
                }
            }
        }
        let logits = &output.cls_logits;
        let (device, kind) = (logits.device(), logits.kind());
        let upload = |values: &[f32]| Tensor::from_slice(values).to_device(device).to_kind(kind);
        let pairs = Pairs::from_rows(&rows, device);
        Positives {
            num_points: first_of_point.len(),
            positions: pairs.places(&output.layout).position,
            pairs,
            first_of_point: Tensor::from_slice(&first_of_point).to_device(device),
            offsets: Distances {
                left: upload(&left),
                right: upload(&right),
            },
        }
    }
}
