//! Contrast between the features of actions and those around them.

use tal_core::config::ContrastiveConfig;
use tal_core::nn::{PyramidLevel, host};
use tch::Tensor;

use super::actions::{Inside, inside};
use super::windows::{Row, rows};
use crate::loss::info_nce;
use crate::targets::Action;

/// Contrastive loss of a batch; `None` if it has no action.
///
/// With δ lengths of the action, every action has three kinds of features:
///
/// - f_cls, the mean within ±δ around its most class-sensitive step,
/// - f_loc, the mean of two such means, around the most start-sensitive step of its first half and the most end-sensitive step
///   of its second half,
/// - f_bg, the means within δ before and after it.
///
/// Windows around a step end with the action. The choice of the most sensitive step has no gradient. `score` gives the
/// sensitivities (3, M) of M steps for class, start and end.
pub(super) fn contrastive(
    level: &PyramidLevel,
    grid: &tal_core::Level,
    actions: &[Vec<Action>],
    config: &ContrastiveConfig,
    score: impl FnOnce(&Steps) -> Tensor,
) -> Option<Tensor> {
    let valid = &level.lens;
    let inside = inside(grid, actions, valid);
    if inside.is_empty() {
        return None;
    }
    let steps = Steps::new(&inside, grid, &level.features);
    let scores = tch::no_grad(|| score(&steps));
    let scores: Vec<f64> = host::copy(&scores);
    let count = scores.len() / 3;
    let parts = [0, 1, 2].map(|part| &scores[part * count..][..count]);
    let rows = rows(grid, valid, &inside, parts, config);
    let anchors = means(&rows.anchors, &level.features);
    let background = means(&rows.background, &level.features);
    // Rows and classes are ordered by recording, and so are the means.
    let classes = Tensor::from_slice(&rows.classes).to_device(level.features.device());
    let temperature = config.temperature;
    Some(info_nce(&anchors, &classes, &background, temperature))
}

/// Steps inside the actions of a batch.
///
/// # Shapes
/// All (M).
pub(super) struct Steps {
    /// Recordings of the batch, int64.
    pub(super) sample: Tensor,
    /// Classes of the actions, int64.
    pub(super) class: Tensor,
    /// Steps of the level, int64.
    pub(super) step: Tensor,
    /// Places within the actions: −0.5 at the start, 0.5 at the end.
    pub(super) place: Tensor,
}

impl Steps {
    fn new(inside: &[Inside], level: &tal_core::Level, like: &Tensor) -> Self {
        let device = like.device();
        let integers = |value: fn(&Inside, usize) -> i64| {
            let all = inside.iter();
            let values: Vec<i64> = all
                .flat_map(|action| action.steps.clone().map(|step| value(action, step)))
                .collect();
            Tensor::from_slice(&values).to_device(device)
        };
        let places: Vec<f32> = inside.iter().flat_map(|a| a.places(level)).collect();
        let place = Tensor::from_slice(&places).to_device(device);
        Self {
            sample: integers(|action, _| action.sample as i64),
            class: integers(|action, _| i64::from(action.class)),
            step: integers(|_, step| step as i64),
            place: place.to_kind(like.kind()),
        }
    }
}

/// Mean features of rows, which are ordered by recording.
///
/// # Shapes
/// `features` (B, D, T); the result (R, D).
fn means(rows: &[Row], features: &Tensor) -> Tensor {
    let [_, dim, len] = features.size()[..] else {
        unreachable!("a level has three dimensions")
    };
    let mut parts = vec![features.new_zeros([0, dim], (features.kind(), features.device()))];
    for rows in rows.chunk_by(|a, b| a.sample == b.sample) {
        let len = len as usize;
        let mut weights = vec![0f32; rows.len() * len];
        for (row, weights) in rows.iter().zip(weights.chunks_mut(len)) {
            row.write(weights);
        }
        let weights = Tensor::from_slice(&weights)
            .view([rows.len() as i64, len as i64])
            .to_device(features.device())
            .to_kind(features.kind());
        let of_recording = features.get(rows[0].sample as i64);
        parts.push(weights.matmul(&of_recording.transpose(0, 1)));
    }
    Tensor::cat(&parts, 0)
}
