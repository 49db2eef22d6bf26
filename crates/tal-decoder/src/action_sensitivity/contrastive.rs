//! Contrast between the features of actions and those around them.

use tal_core::config::ContrastiveConfig;
use tal_core::nn::{PyramidLevel, host};
use tch::Tensor;

use super::actions::{Inside, inside};
use super::windows::{Row, Rows, rows};
use crate::loss::info_nce;
use crate::processes::Processes;
use crate::targets::Action;

/// Features that the contrastive loss compares.
pub(super) struct Features {
    /// Two per action (M, D).
    anchors: Tensor,
    /// Class of each anchor.
    classes: Vec<i64>,
    /// Surroundings of the actions (G, D).
    background: Tensor,
}

/// Features of the actions of a batch and of their surroundings.
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
pub(super) fn features(
    level: &PyramidLevel,
    grid: &tal_core::Level,
    actions: &[Vec<Action>],
    config: &ContrastiveConfig,
    score: impl FnOnce(&Steps) -> Tensor,
) -> Features {
    let valid = &level.lens;
    let inside = inside(grid, actions, valid);
    let rows = if inside.is_empty() {
        Rows::default()
    } else {
        let steps = Steps::new(&inside, grid, &level.features);
        let scores = tch::no_grad(|| score(&steps));
        let scores: Vec<f64> = host::copy(&scores);
        let count = scores.len() / 3;
        let parts = [0, 1, 2].map(|part| &scores[part * count..][..count]);
        rows(grid, valid, &inside, parts, config)
    };
    // Rows and classes are ordered by recording, and so are the means.
    Features {
        anchors: means(&rows.anchors, &level.features),
        background: means(&rows.background, &level.features),
        classes: rows.classes,
    }
}

impl Features {
    /// Contrastive loss of a batch; `None` if it has no action.
    ///
    /// Of several processes that share the batch, each contrasts the features of all. The loss of process 0 has the value and
    /// those of the others are 0, so that their sum is the loss; a process has the gradient by way of its own features.
    pub(super) fn contrast(
        &self,
        temperature: f64,
        processes: Option<&dyn Processes>,
    ) -> Option<Tensor> {
        let Some(processes) = processes else {
            return self.loss(temperature);
        };
        let index = processes.index();
        let all = processes.gather(&self.numbers());
        let others = |range: &[Vec<f64>]| -> Vec<Features> {
            range
                .iter()
                .map(|numbers| self.of_numbers(numbers))
                .collect()
        };
        let before = others(&all[..index.min(all.len())]);
        let after = others(all.get(index + 1..).unwrap_or_default());
        let parts = || before.iter().chain([self]).chain(&after);
        let joined =
            |part: fn(&Features) -> &Tensor| Tensor::cat(&parts().map(part).collect::<Vec<_>>(), 0);
        let whole = Features {
            anchors: joined(|features| &features.anchors),
            classes: parts().flat_map(|part| part.classes.clone()).collect(),
            background: joined(|features| &features.background),
        };
        let loss = whole.loss(temperature)?;
        Some(match index {
            0 => loss,
            _ => &loss - loss.detach(),
        })
    }

    fn loss(&self, temperature: f64) -> Option<Tensor> {
        if self.classes.is_empty() {
            return None;
        }
        let classes = Tensor::from_slice(&self.classes).to_device(self.anchors.device());
        Some(info_nce(
            &self.anchors,
            &classes,
            &self.background,
            temperature,
        ))
    }

    /// All values as numbers: the number of anchors, their classes, anchors, background.
    fn numbers(&self) -> Vec<f64> {
        let mut numbers = vec![self.classes.len() as f64];
        numbers.extend(self.classes.iter().map(|class| *class as f64));
        for rows in [&self.anchors, &self.background] {
            numbers.extend(host::copy::<f64>(rows));
        }
        numbers
    }

    /// Features of another process, from [`Features::numbers`].
    fn of_numbers(&self, numbers: &[f64]) -> Features {
        let dim = self.anchors.size()[1];
        let (count, rest) = numbers
            .split_first()
            .map_or((0, numbers), |(n, rest)| (*n as usize, rest));
        let (classes, rest) = rest.split_at(count);
        let (anchors, background) = rest.split_at(count * dim as usize);
        let rows = |values: &[f64]| {
            Tensor::from_slice(values)
                .view([-1, dim])
                .to_kind(self.anchors.kind())
                .to_device(self.anchors.device())
        };
        Features {
            anchors: rows(anchors),
            classes: classes.iter().map(|class| *class as i64).collect(),
            background: rows(background),
        }
    }
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
