//! Candidates at inference: which pairs of a point and a class are worth suppressing.

use tal_core::config::InferenceConfig;
use tal_core::{Candidates, Level, PointGrid, Segment};
use tch::{Kind, Tensor};

use crate::boundaries::{self, Pairs};
use crate::output::{DecoderOutput, LevelOutput, RefinementRule};

/// How far below the threshold's logit a logit is still looked at; the probability itself decides.
const LOGIT_MARGIN: f64 = 1e-3;

/// Picks the candidates of every sample of a batch.
///
/// On each level: pairs (point, class) of valid points with a probability above `pre_nms_thresh`; of these the
/// `pre_nms_topk` most probable; of these the ones longer than `duration_thresh`. The comparison with the threshold happens
/// on logits, and boundaries are decoded only for what is selected.
///
/// Candidates stand level by level, level 0 first; in a level the most probable first, equal ones by point, then class. That
/// order also decides which of several equal ones the top-k keeps.
///
/// # Units
/// Candidates in grid units.
///
/// # Panics
/// Where `grid` does not fit to `output`.
///
/// # Source
/// Section G of the method's specification, steps 1 to 5.
pub fn select(
    output: &DecoderOutput,
    grid: &PointGrid,
    config: &InferenceConfig,
) -> Vec<Candidates> {
    output.assert_grid(grid);
    tch::no_grad(|| {
        let mut samples = vec![Candidates::default(); output.batch_size() as usize];
        for (points, level) in grid.levels().iter().zip(&output.levels) {
            let logits = level.final_logits(output.refinement.score);
            for (sample, candidates) in samples.iter_mut().enumerate() {
                let found = probable(&logits, &level.mask, sample as i64, config);
                let rows = decode(
                    level,
                    points,
                    output.refinement,
                    sample as i64,
                    &found,
                    config,
                );
                candidates.extend(&rows);
            }
        }
        samples
    })
}

/// Probable pairs of one sample on one level: at least the top-k, more only where probabilities are equal.
struct Probable {
    /// Class (M).
    class: Tensor,
    /// Point of the level (M).
    point: Tensor,
    /// Probability (M).
    score: Tensor,
}

fn probable(logits: &Tensor, mask: &Tensor, sample: i64, config: &InferenceConfig) -> Probable {
    let logits = logits.get(sample);
    let threshold = f64::from(config.pre_nms_thresh);
    // −∞ and ∞ at the ends of the range are what is meant there.
    let bound = (threshold / (1.0 - threshold)).ln() - LOGIT_MARGIN;
    let passing = logits.gt(bound).logical_and(&mask.get(sample)).nonzero();
    let (class, point) = (passing.select(1, 0), passing.select(1, 1));
    let score = logits
        .index(&[Some(&class), Some(&point)])
        .sigmoid()
        .to_kind(Kind::Float);
    let mut keep = score.gt(threshold);
    let topk = config.pre_nms_topk as i64;
    if score.size()[0] > topk {
        let least = score.topk(topk, 0, true, false).0.min();
        keep = keep.logical_and(&score.ge_tensor(&least));
    }
    Probable {
        class: class.masked_select(&keep),
        point: point.masked_select(&keep),
        score: score.masked_select(&keep),
    }
}

fn decode(
    level: &LevelOutput,
    points: &Level,
    rule: RefinementRule,
    sample: i64,
    found: &Probable,
    config: &InferenceConfig,
) -> Candidates {
    let pairs = Pairs {
        sample: found.point.full_like(sample),
        class: found.class.shallow_clone(),
        point: found.point.shallow_clone(),
    };
    let distances = boundaries::decode(level, &pairs);
    let distances =
        boundaries::refine(&distances, level, &pairs, points.stride, rule.offset_unit).to_host();
    let classes = host_indices(&pairs.class);
    let indices = host_indices(&pairs.point);
    let scores = host_scores(&found.score);

    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_unstable_by(|&a, &b| {
        scores[b]
            .total_cmp(&scores[a])
            .then_with(|| (indices[a], classes[a]).cmp(&(indices[b], classes[b])))
    });
    order.truncate(config.pre_nms_topk);

    let stride = points.stride as f32;
    let mut candidates = Candidates::with_capacity(order.len());
    for row in order {
        let position = points.position(indices[row] as usize);
        let [left, right] = distances[row];
        let segment = Segment::new(position - left * stride, position + right * stride);
        if segment.length() > config.duration_thresh {
            candidates.push(segment, scores[row], classes[row] as u32);
        }
    }
    candidates
}

fn host_indices(tensor: &Tensor) -> Vec<i64> {
    let mut values = vec![0i64; tensor.numel()];
    tensor.contiguous().copy_data(&mut values, tensor.numel());
    values
}

fn host_scores(tensor: &Tensor) -> Vec<f32> {
    let mut values = vec![0f32; tensor.numel()];
    tensor.contiguous().copy_data(&mut values, tensor.numel());
    values
}
