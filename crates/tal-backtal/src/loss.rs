//! Terms of the loss: tensors in, scalars out, without configuration.

use tch::{Kind, Reduction, Tensor};

use crate::output::num_top;

/// Class index of snippets that nobody clicked.
pub const NOT_CLICKED: i64 = -100;

/// Cross-entropy of recordings: the mean of −Σ_k q_k · log softmax(s)_k, where q are the `labels` divided by their sum. A
/// recording whose labels are all 0 contributes 0.
///
/// # Shapes
/// `score` and `labels` (B, K + 1) → scalar.
pub fn recording(score: &Tensor, labels: &Tensor) -> Tensor {
    let sum = labels.sum_dim_intlist([1i64].as_slice(), true, None::<Kind>);
    let share = labels / sum.clamp_min(1.0);
    let per_class = -(share * score.log_softmax(1, None::<Kind>));
    per_class.sum(None::<Kind>) / score.size()[0] as f64
}

/// L1 norm of the foreground weights: the mean over recordings of Σ_t |w_t|.
///
/// # Shapes
/// `weight` (B, 1, T) → scalar.
pub fn norm(weight: &Tensor) -> Tensor {
    weight.abs().sum(None::<Kind>) / weight.size()[0] as f64
}

/// Cross-entropy of clicked snippets: the mean over those whose class is not [`NOT_CLICKED`]; NaN if there are none.
///
/// # Shapes
/// `cas` (B, K + 1, T), `classes` (B, T) → scalar.
pub fn click(cas: &Tensor, classes: &Tensor) -> Tensor {
    cas.cross_entropy_loss(classes, None::<Tensor>, Reduction::Mean, NOT_CLICKED, 0.0)
}

/// Score separation: the mean over classes of −log softmax([f, b]) at f, where f is the mean of the top share `topk_ratio` of
/// a class's sequence, and b its mean at the clicked snippets.
///
/// # Shapes
/// `cas` (K + 1, T) of one recording, with non-empty `classes` and `clicks` → scalar.
pub fn separation(cas: &Tensor, classes: &Tensor, clicks: &Tensor, topk_ratio: f64) -> Tensor {
    let cas = cas.index_select(0, classes);
    let (top, _) = cas.topk(num_top(cas.size()[1], topk_ratio), 1, true, true);
    let over_time = [1i64].as_slice();
    let foreground = top.mean_dim(over_time, false, None::<Kind>);
    let background = cas
        .index_select(1, clicks)
        .mean_dim(over_time, false, None::<Kind>);
    (background - foreground).softplus().mean(None::<Kind>)
}

/// Affinity loss: embeddings of one kind should be alike, those of action (f) and background (b) should differ.
///
/// mean_i relu(s − min_j ⟨f_i, f_j⟩) + the same of b + mean_i relu(max_j ⟨f_i, b_j⟩ − d) + mean_j relu(max_i ⟨f_i, b_j⟩ − d),
/// where terms of an empty kind are 0; s is `similar_min`, d `different_max`.
///
/// # Shapes
/// `foreground` (E, N) and `background` (E, M), of length 1 over E → scalar.
pub fn affinity(
    foreground: &Tensor,
    background: &Tensor,
    similar_min: f64,
    different_max: f64,
) -> Tensor {
    let alike = |kind: &Tensor| {
        let (least, _) = kind.tr().matmul(kind).min_dim(1, false);
        (similar_min - least).relu().mean(None::<Kind>)
    };
    let apart = |most: Tensor| (most - different_max).relu().mean(None::<Kind>);
    match (foreground.size()[1], background.size()[1]) {
        (0, 0) => foreground.sum(None::<Kind>) * 0.0,
        (0, _) => alike(background),
        (_, 0) => alike(foreground),
        _ => {
            let across = foreground.tr().matmul(background);
            let (per_foreground, _) = across.max_dim(1, false);
            let (per_background, _) = across.max_dim(0, false);
            alike(foreground) + alike(background) + apart(per_foreground) + apart(per_background)
        }
    }
}
