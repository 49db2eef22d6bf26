//! Answers of the network.

use tch::{Kind, Tensor};

/// Answers of both branches, which training compares with labels and clicks.
///
/// # Shapes
/// B recordings, K classes and background (the last one), T snippets, E channels of the embedding.
#[derive(Debug)]
pub struct BackTalOutput {
    /// Class activation sequence of the features as they are, (B, K + 1, T).
    pub cas_base: Tensor,
    /// Class activation sequence of the features times the foreground weights, (B, K + 1, T).
    pub cas_supp: Tensor,
    /// Recording scores of `cas_base`, (B, K + 1).
    pub score_base: Tensor,
    /// Recording scores of `cas_supp`, (B, K + 1).
    pub score_supp: Tensor,
    /// Embeddings of length 1, (B, E, T).
    pub embedding: Tensor,
    /// Foreground weights between 0 and 1, (B, 1, T).
    pub foreground_weight: Tensor,
}

/// Answers of the supp branch, from which detections are made.
///
/// # Shapes
/// As in [`BackTalOutput`].
#[derive(Debug)]
pub struct ActivationSequence {
    /// Class activation sequence, (B, K + 1, T).
    pub cas: Tensor,
    /// Probability of every class and of background, (B, K + 1).
    pub score: Tensor,
    /// Features of the first affinity convolution, (B, H, T).
    pub feature: Tensor,
}

/// Number of values in the share `ratio` of `len` values: ⌊len · ratio⌋, at least 1.
pub fn num_top(len: i64, ratio: f64) -> i64 {
    ((len as f64 * ratio) as i64).clamp(1, len.max(1))
}

/// Mean of the highest values over time, as many as [`num_top`] says.
///
/// # Shapes
/// (…, T) with T ≥ 1 → (…).
pub fn top_mean(cas: &Tensor, ratio: f64) -> Tensor {
    let len = cas.size().last().copied().unwrap_or(1);
    let (values, _) = cas.topk(num_top(len, ratio), -1, true, true);
    values.mean_dim([-1i64].as_slice(), false, None::<Kind>)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_values_count() {
        let cas = Tensor::from_slice(&[1f32, 8.0, 3.0, 4.0, 0.0, -2.0]).view([1, 6]);
        assert_eq!(top_mean(&cas, 0.5).double_value(&[0]), 5.0);
        assert_eq!(top_mean(&cas, 0.34).double_value(&[0]), 6.0);
        assert_eq!(top_mean(&cas, 0.0).double_value(&[0]), 8.0);
        assert_eq!(
            (num_top(750, 0.125), num_top(100, 0.6), num_top(200, 0.6)),
            (93, 60, 120)
        );
    }
}
