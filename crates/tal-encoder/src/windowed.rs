//! Attention within a window.

use tal_core::nn::dim;
use tch::{Kind, Tensor};

/// Added to the scores of padded keys.
const PADDED_SCORE: f64 = -1e4;

/// Shortest block of queries: shorter ones make many small products.
const MIN_BLOCK: usize = 16;

/// Every query attends to the positions within a window around it.
///
/// score\[t, s\] = q\[t\] · k\[s\] + bias\[s − t + ⌊window/2⌋\] − 1e4 · \[s is padded\] for |s − t| ≤ ⌊window/2⌋ inside the sequence, and
/// the softmax of the scores averages the values; padded queries give zero.
///
/// Queries are cut into blocks of about a window's length, each compared with the keys that any of its queries can see; scores
/// outside the band are −∞. Memory is O(T · window).
///
/// # Shapes
/// Query (scaled), key and value (B, h, T, C/h), mask (B, 1, T), bias (1, 1, h, window) → (B, h, T, C/h).
pub(crate) fn windowed_attention(
    query: &Tensor,
    key: &Tensor,
    value: &Tensor,
    mask: &Tensor,
    window: usize,
    bias: Option<&Tensor>,
) -> Tensor {
    let len = query.size()[2];
    let reach = window / 2;
    let block = MIN_BLOCK.max(2 * reach);
    let (span, num_blocks) = (dim(block + 2 * reach), (len + dim(block) - 1) / dim(block));
    let (reach, block) = (dim(reach), dim(block));
    let extra = num_blocks * block - len;

    let queries = query
        .constant_pad_nd([0, 0, 0, extra])
        .unflatten(2, [num_blocks, block]);
    // (B, h, blocks, C/h, span): views that overlap by twice the reach.
    let spans = |x: &Tensor| {
        x.constant_pad_nd([0, 0, reach, reach + extra])
            .unfold(2, span, block)
    };
    let scores = queries.matmul(&spans(key))
        + band_bias(block, window, query, bias).unsqueeze(1)
        + key_bias(mask, reach, extra, query.kind())
            .unfold(2, span, block)
            .unsqueeze(3);
    let weights = scores.softmax(-1, None::<Kind>);
    let attended = weights
        .matmul(&spans(value).transpose(3, 4))
        .flatten(2, 3)
        .narrow(2, 0, len);
    attended * mask.unsqueeze(-1)
}

/// Addends of each query of a block to its scores: the bias of the distance within the band, −∞ outside.
///
/// # Shapes
/// Bias (1, 1, h, window) → (h or 1, block, span).
fn band_bias(block: i64, window: usize, like: &Tensor, bias: Option<&Tensor>) -> Tensor {
    let window = dim(window);
    let span = block + window - 1;
    let integers = (Kind::Int64, like.device());
    let offset = Tensor::arange(span, integers).view([1, -1])
        - Tensor::arange(block, integers).view([-1, 1]);
    let outside = offset.lt(0).logical_or(&offset.ge(window));
    let inside = match bias {
        Some(bias) => bias
            .squeeze_dim(0)
            .squeeze_dim(0)
            .index_select(1, &offset.clamp(0, window - 1).reshape(-1))
            .view([-1, block, span]),
        None => Tensor::zeros([1, block, span], (like.kind(), like.device())),
    };
    inside.masked_fill(&outside, f64::NEG_INFINITY)
}

/// Addends of each key to all scores: −1e4 for padding, −∞ outside the sequence.
///
/// Only queries beyond the end see keys that lie further out than the reach; those keys stay finite, so that no query is
/// without any key and no gradient NaN.
///
/// # Shapes
/// Mask (B, 1, T) → (B, 1, reach + T + reach + extra).
fn key_bias(mask: &Tensor, reach: i64, extra: i64, kind: Kind) -> Tensor {
    mask.logical_not()
        .to_kind(kind)
        .g_mul_scalar(PADDED_SCORE)
        .pad([reach, reach], "constant", f64::NEG_INFINITY)
        .constant_pad_nd([0, extra])
}

#[cfg(test)]
mod tests {
    use tal_core::nn::length_mask;
    use tch::Device;

    use super::*;

    const F64: (Kind, Device) = (Kind::Double, Device::Cpu);

    /// The formula with all scores written out.
    fn expected(
        [query, key, value]: [&Tensor; 3],
        mask: &Tensor,
        window: i64,
        bias: Option<&Tensor>,
    ) -> Tensor {
        let (heads, len) = (query.size()[1], query.size()[2]);
        let mut scores = query.matmul(&key.transpose(2, 3));
        for t in 0..len {
            for s in 0..len {
                let offset = s - t + window / 2;
                let mut score = scores.narrow(2, t, 1).narrow(3, s, 1);
                if (0..window).contains(&offset) {
                    if let Some(bias) = bias {
                        score += bias.narrow(3, offset, 1).view([1, heads, 1, 1]);
                    }
                } else {
                    let _ = score.fill_(f64::NEG_INFINITY);
                }
            }
        }
        scores += mask.logical_not().to_kind(Kind::Double).unsqueeze(1) * -1e4;
        scores.softmax(-1, None::<Kind>).matmul(value) * mask.unsqueeze(-1)
    }

    #[test]
    fn equals_the_formula_with_all_scores_for_every_length() {
        tch::manual_seed(71);
        for window in [3, 5, 9, 19] {
            for len in [1, 2, 3, 7, 15, 16, 17, 31, 32, 33, 50, 72] {
                let x: Vec<_> = (0..3).map(|_| Tensor::randn([2, 2, len, 3], F64)).collect();
                let bias = Tensor::randn([1, 1, 2, window], F64);
                let valid = [len as usize, (len as usize).div_ceil(2)];
                let mask = length_mask(&valid, len as usize, Device::Cpu);
                for bias in [None, Some(&bias)] {
                    let ours =
                        windowed_attention(&x[0], &x[1], &x[2], &mask, window as usize, bias);
                    let theirs = expected([&x[0], &x[1], &x[2]], &mask, window, bias);
                    let error = (ours - theirs).abs().max().double_value(&[]);
                    assert!(error < 1e-12, "window {window}, length {len}: {error}");
                }
            }
        }
    }

    #[test]
    fn gradients_are_finite_where_the_last_block_is_not_full() {
        let x = Tensor::ones([1, 1, 17, 2], F64).set_requires_grad(true);
        let mask = length_mask(&[4], 17, Device::Cpu);
        windowed_attention(&x, &x, &x, &mask, 3, None)
            .sum(None)
            .backward();
        let gradient = x.grad();
        assert!(gradient.isfinite().all().int64_value(&[]) == 1);
        assert!(gradient.abs().max().double_value(&[]) > 0.0);
    }
}
