//! Candidates for suppression, selected from the answers of the heads.

use tal_core::config::InferenceConfig;
use tal_core::nn::host;
use tal_core::{Candidates, PointGrid, Segment};
use tch::{Kind, Tensor};

use crate::boundaries::{decode_boundaries, refine_boundaries};
use crate::output::DecoderOutput;
use crate::pairs::Pairs;

/// Tolerance around the logit of the threshold; logits within it are compared as probabilities.
const LOGIT_MARGIN: f64 = 1e-3;

/// Selects the candidates of every sample of a batch.
///
/// Each level gives its pairs (point, class) of valid points with a probability above `pre_nms_thresh`; of these, the
/// `pre_nms_topk` most probable; of these, those longer than `duration_thresh`. Logits are compared with the threshold, and
/// boundaries are decoded only for the selected pairs.
///
/// Candidates are ordered by level, level 0 first, then by falling probability, then by point and class. The same order
/// decides which of several equally probable pairs the top-k keeps.
///
/// # Units
/// Candidates in grid units.
///
/// # Panics
/// If `grid` does not belong to `output`.
///
/// # Source
/// The authors' public code, from scores to candidates.
pub fn select_candidates(
    output: &DecoderOutput,
    grid: &PointGrid,
    config: &InferenceConfig,
) -> Vec<Candidates> {
    output.assert_grid(grid);
    tch::no_grad(|| {
        let logits = output.final_logits();
        let of_sample = |sample| {
            let logits = logits.narrow(0, sample, 1);
            let levels = 0..output.layout.num_levels();
            levels
                .map(|level| probable(&logits, output, sample, level, config))
                .collect()
        };
        let found: Vec<Vec<Probable>> = (0..output.batch_size()).map(of_sample).collect();
        decode(output, grid, &found, config)
    })
}

/// Probable pairs of one sample on one level: the top-k, and those as probable as the last of them.
struct Probable {
    /// Classes (M).
    class: Tensor,
    /// Points of the level (M).
    point: Tensor,
    /// Probabilities (M).
    score: Tensor,
}

/// Probable pairs at the valid points of a level; `logits` (1, K, S) belong to the sample.
fn probable(
    logits: &Tensor,
    output: &DecoderOutput,
    sample: i64,
    level: usize,
    config: &InferenceConfig,
) -> Probable {
    let valid = output.layout.levels[level].lens[sample as usize] as i64;
    let logits = output.layout.narrow(logits, level).narrow(2, 0, valid);
    let logits = logits.squeeze_dim(0);
    let threshold = f64::from(config.pre_nms_thresh);
    // Thresholds of 0 and 1 give −∞ and ∞, as they should.
    let bound = (threshold / (1.0 - threshold)).ln() - LOGIT_MARGIN;
    // A top-k of 0 has no least value; `decode` then drops the one that is kept here.
    let topk = config.pre_nms_topk.max(1) as i64;
    let passing = if logits.numel() as i64 > topk {
        // The others cannot be among the top-k.
        let least = logits.reshape([-1]).topk(topk, 0, true, false).0.min();
        logits.ge_tensor(&(least - LOGIT_MARGIN).clamp_min(bound))
    } else {
        logits.gt(bound)
    };
    let passing = passing.nonzero();
    let (class, point) = (passing.select(1, 0), passing.select(1, 1));
    let passing = logits.index(&[Some(&class), Some(&point)]);
    let score = passing.sigmoid().to_kind(Kind::Float);
    let mut keep = score.gt(threshold);
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

/// Candidates of every sample from the probable pairs of its levels. Boundaries are decoded for all samples at once.
fn decode(
    output: &DecoderOutput,
    grid: &PointGrid,
    found: &[Vec<Probable>],
    config: &InferenceConfig,
) -> Vec<Candidates> {
    let all = || {
        (0i64..).zip(found).flat_map(|(sample, levels)| {
            let levels = (0i64..).zip(levels);
            levels.map(move |(level, found)| (sample, level, found))
        })
    };
    let cat = |column: &dyn Fn((i64, i64, &Probable)) -> Tensor| {
        Tensor::cat(&all().map(column).collect::<Vec<_>>(), 0)
    };
    let pairs = Pairs {
        sample: cat(&|(sample, _, found)| found.point.full_like(sample)),
        class: cat(&|(_, _, found)| found.class.shallow_clone()),
        level: cat(&|(_, level, found)| found.point.full_like(level)),
        point: cat(&|(_, _, found)| found.point.shallow_clone()),
    };
    let distances = decode_boundaries(output, &pairs);
    let distances = refine_boundaries(&distances, output, &pairs, grid).to_host();
    let classes: Vec<i64> = host::copy(&pairs.class);
    let indices: Vec<i64> = host::copy(&pairs.point);
    let scores: Vec<f32> = host::copy(&cat(&|(_, _, found)| found.score.shallow_clone()));

    let mut first = 0;
    let of_sample = |levels: &Vec<Probable>| {
        let mut candidates = Candidates::default();
        for (points, found) in grid.levels().iter().zip(levels) {
            let end = first + found.score.numel();
            let mut order: Vec<usize> = (first..end).collect();
            order.sort_unstable_by(|&a, &b| {
                scores[b]
                    .total_cmp(&scores[a])
                    .then_with(|| (indices[a], classes[a]).cmp(&(indices[b], classes[b])))
            });
            order.truncate(config.pre_nms_topk);
            first = end;

            let stride = points.stride as f32;
            for row in order {
                let position = points.position(indices[row] as usize);
                let [left, right] = distances[row];
                let segment = Segment::new(position - left * stride, position + right * stride);
                if segment.length() > config.duration_thresh {
                    candidates.push(segment, scores[row], classes[row] as u32);
                }
            }
        }
        candidates
    };
    found.iter().map(of_sample).collect()
}
