//! Steps inside the actions of a batch.

use std::ops::RangeInclusive;

use tal_core::{Level, Segment};

use crate::targets::Action;

/// Steps of a level inside one action.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Inside {
    /// Recording of the batch.
    pub(super) sample: usize,
    pub(super) class: u32,
    pub(super) segment: Segment<f32>,
    /// Steps of the level.
    pub(super) steps: RangeInclusive<usize>,
}

impl Inside {
    /// Places d of the steps: distances from the centre in lengths of the action.
    pub(super) fn places(&self, level: &Level) -> impl Iterator<Item = f32> {
        let Segment { start, end } = self.segment;
        let (center, length) = (0.5 * (start + end), (end - start).max(1e-6));
        let stride = level.stride as f32;
        self.steps
            .clone()
            .map(move |step| (step as f32 * stride - center) / length)
    }
}

/// Steps inside every action of every recording.
///
/// If no step lies inside an action, the nearest one stands for it; an action more than one step before or behind the features
/// is left out. `valid` are the numbers of steps outside the padding; a recording without such steps has no actions.
pub(super) fn inside(level: &Level, actions: &[Vec<Action>], valid: &[usize]) -> Vec<Inside> {
    let mut all = Vec::new();
    for (sample, (actions, &valid)) in actions.iter().zip(valid).enumerate() {
        let Some(last) = valid.checked_sub(1) else {
            continue;
        };
        for &Action { segment, class } in actions {
            let steps = steps(level, segment.start, segment.end, last).or_else(|| {
                let center = (0.5 * (segment.start + segment.end) / level.stride as f32).round();
                let nearest = (center.max(0.0) as usize).min(last);
                ((center - nearest as f32).abs() <= 1.0).then_some(nearest..=nearest)
            });
            let Some(steps) = steps else { continue };
            all.push(Inside {
                sample,
                class,
                segment,
                steps,
            });
        }
    }
    all
}

/// Steps with positions in [from, to], up to the step `last`; `None` if there are none.
pub(super) fn steps(
    level: &Level,
    from: f32,
    to: f32,
    last: usize,
) -> Option<RangeInclusive<usize>> {
    let stride = level.stride as f32;
    // Casts saturate at zero.
    let first = (from / stride).ceil() as usize;
    let to = (to / stride).floor();
    let range = first..=last.min(to as usize);
    (to >= 0.0 && !range.is_empty()).then_some(range)
}
