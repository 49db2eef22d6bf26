//! The choices of a configuration, from the numbers of a data set.

use super::facts::Facts;
use super::timing::{Clock, Timing};

/// What the numbers of a data set lead to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Choices {
    pub(super) num_levels: usize,
    pub(super) regression_range: Vec<[f64; 2]>,
    pub(super) max_seq_len: usize,
    pub(super) dim: usize,
    pub(super) mlp_dim: usize,
    pub(super) learning_rate: f64,
    pub(super) warmup_epochs: usize,
    pub(super) epochs: usize,
    pub(super) max_detections: usize,
}

/// Length that a level's first range ends at, in its strides.
const FIRST_RANGE: f64 = 4.0;
/// Most features that a training window has, that of the released configurations.
const MAX_LEN: usize = 2304;

impl Choices {
    pub(super) fn of(facts: &Facts, timing: &Timing) -> Self {
        let of_actions = &facts.action_seconds;
        let (most, longest) = (
            timing.features(of_actions.p95),
            timing.features(of_actions.max),
        );
        let lengths = &timing.recording_features;
        let wanted_len = lengths
            .p95
            .min(MAX_LEN as f64)
            .max(longest.min(lengths.max));
        let wanted_len = wanted_len.ceil() as usize;
        // The coarsest level must still have a few points.
        let deepest = (wanted_len as f64 / 8.0).log2().floor().max(0.0) as usize + 1;
        let by_actions = (most / FIRST_RANGE).log2().ceil().max(0.0) as usize + 1;
        let num_levels = by_actions.clamp(6, 8).min(deepest);
        let unit = 1 << (num_levels - 1);
        let raw = matches!(timing.clock, Clock::Raw { .. });
        let (dim, mlp_dim, learning_rate) = match facts.num_actions {
            0..3_000 => (128, 256, 0.001),
            3_000..30_000 => (256, 512, 0.0005),
            _ => (512, 768, 0.0001),
        };
        let (warmup_epochs, epochs) = match facts.num_training {
            0..100 => (5, 40),
            100..1_000 => (5, 25),
            _ => (5, 10),
        };
        let per_recording = 5.0 * facts.actions_per_recording.p95;
        Self {
            num_levels,
            regression_range: regression_range(num_levels, raw),
            max_seq_len: match timing.clock {
                Clock::Fixed { num_features } => num_features.next_multiple_of(unit),
                _ => wanted_len.max(1).next_multiple_of(unit),
            },
            dim,
            mlp_dim,
            learning_rate,
            warmup_epochs,
            epochs,
            max_detections: (per_recording.ceil() as usize).clamp(100, 2000),
        }
    }
}

/// Doubling ranges. Those of raw signals overlap, since few actions are a small number of windows long.
fn regression_range(num_levels: usize, overlapping: bool) -> Vec<[f64; 2]> {
    let levels = (0..num_levels).map(|level| {
        let end = FIRST_RANGE * f64::from(1u32 << level);
        let start = match level {
            0 => 0.0,
            _ if overlapping => end / 4.0,
            _ => end / 2.0,
        };
        [start, end]
    });
    let mut ranges: Vec<[f64; 2]> = levels.collect();
    if let Some(last) = ranges.last_mut() {
        last[1] = 10_000.0;
    }
    ranges
}
