//! Positive pairs of a batch as index tensors.

use tal_core::PointGrid;
use tch::{Kind, Tensor};

use crate::distances::Distances;
use crate::output::DecoderOutput;
use crate::targets::Targets;
use crate::trident::Pairs;

/// Pairs of a valid point and a class with target 1, and the distances that they should have.
///
/// Level by level, inside a level row by row: sample, point, class. All tensors that belong to the pairs keep this order.
pub(crate) struct Positives {
    /// Number of positive valid points N; a point with several classes counts once.
    pub(crate) num_points: usize,
    /// Pairs of each level, with points of the level.
    pub(crate) levels: Vec<Pairs>,
    /// All pairs, with points of all levels one after another.
    pub(crate) all: Pairs,
    /// Target distances (P).
    pub(crate) offsets: Distances,
}

impl Positives {
    /// Collects the pairs; the mask's journey to the host is the only synchronisation.
    ///
    /// # Panics
    /// Where there is not one target per sample, or a target does not fit to the grid or the classes.
    pub(crate) fn new(output: &DecoderOutput, grid: &PointGrid, targets: &[Targets]) -> Positives {
        assert_eq!(
            output.batch_size(),
            targets.len() as i64,
            "one target per sample is needed"
        );
        let num_points = grid.num_points();
        let num_classes = output.num_classes();
        for target in targets {
            assert_eq!(
                target.num_points, num_points,
                "targets and point grid have different numbers of points"
            );
        }
        let valid = host_mask(&output.cat(|level| &level.mask));

        let (mut samples, mut classes, mut points) = (Vec::new(), Vec::new(), Vec::new());
        let (mut left, mut right) = (Vec::new(), Vec::new());
        let mut positives = 0;
        let mut bounds = Vec::with_capacity(grid.levels().len() + 1);
        for level in grid.levels() {
            bounds.push(points.len() as i64);
            for (sample, target) in targets.iter().enumerate() {
                let from = target
                    .positives
                    .partition_point(|positive| positive.point < level.offset);
                let to = target
                    .positives
                    .partition_point(|positive| positive.point < level.offset + level.len);
                for positive in &target.positives[from..to] {
                    if !valid[sample * num_points + positive.point] {
                        continue;
                    }
                    positives += 1;
                    for &class in &positive.classes {
                        assert!(
                            i64::from(class) < num_classes,
                            "a target has class {class}, the decoder has {num_classes} classes"
                        );
                        samples.push(sample as i64);
                        classes.push(i64::from(class));
                        points.push(positive.point as i64);
                        left.push(positive.offsets[0]);
                        right.push(positive.offsets[1]);
                    }
                }
            }
        }
        bounds.push(points.len() as i64);

        let logits = &output.levels[0].cls_logits;
        let (device, kind) = (logits.device(), logits.kind());
        let upload = |values: &[f32]| Tensor::from_slice(values).to_device(device).to_kind(kind);
        let all = Pairs::from_slices(&samples, &classes, &points, device);
        let levels = grid
            .levels()
            .iter()
            .zip(bounds.windows(2))
            .map(|(level, bound)| {
                let part = |values: &Tensor| values.narrow(0, bound[0], bound[1] - bound[0]);
                Pairs {
                    sample: part(&all.sample),
                    class: part(&all.class),
                    point: part(&all.point) - level.offset as i64,
                }
            })
            .collect();
        Positives {
            num_points: positives,
            levels,
            all,
            offsets: Distances {
                left: upload(&left),
                right: upload(&right),
            },
        }
    }
}

/// A mask as plain values, row by row.
fn host_mask(mask: &Tensor) -> Vec<bool> {
    let mask = mask
        .to_device(tch::Device::Cpu)
        .to_kind(Kind::Bool)
        .contiguous();
    let mut values = vec![false; mask.numel()];
    mask.copy_data(&mut values, mask.numel());
    values
}
