//! A configuration that fits a data set, from its numbers.
//!
//! Rules, all of them from training recordings:
//!
//! | choice | rule |
//! |---|---|
//! | raw signal or features | at most 24 channels and at least 20 values a second, in npy files: a raw signal, cut into windows |
//! | window of a raw signal | a third of the typical action of the shortest class, 0.2 to 2 s; half overlap |
//! | place of features in time | the frame rate and the ratio of frames to features, or features per second |
//! | levels | the coarsest level begins at the 95 % quantile of the actions' lengths; 6 to 8, fewer for short recordings |
//! | `max_seq_len` | the 95 % quantile of the recordings' lengths, at most 2304, at least the longest action |
//! | width | 128 up to 3,000 actions, 256 up to 30,000, else 512; the learning rate falls with it |
//! | epochs | 45 up to 100 recordings, 30 up to 1,000, else 15 |
//! | detections per recording | five times the 95 % quantile of actions per recording, 100 to 2000 |

mod error;
mod facts;
mod text;
mod timing;

use std::path::Path;

pub use error::SuggestionError;

use facts::Facts;
use timing::{Clock, Timing};

/// What is known of the features and not in the files.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FeatureTiming {
    /// Frames per second of all recordings.
    pub fps: Option<f64>,
    /// Frames between two features.
    pub feat_stride: Option<f64>,
    /// Frames that a feature is computed from.
    pub num_frames: Option<f64>,
}

/// A configuration for a data set, with the numbers that it follows from.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    facts: Facts,
    timing: Timing,
    choices: Choices,
}

#[derive(Debug, Clone, PartialEq)]
struct Choices {
    num_levels: usize,
    regression_range: Vec<[f64; 2]>,
    max_seq_len: usize,
    dim: usize,
    mlp_dim: usize,
    learning_rate: f64,
    warmup_epochs: usize,
    epochs: usize,
    max_detections: usize,
}

/// Reads annotations and features, and chooses.
///
/// # Errors
/// If a file cannot be read, or the numbers that a choice needs are not there.
pub fn suggest(
    annotations: &Path,
    features: &Path,
    known: &FeatureTiming,
) -> Result<Suggestion, SuggestionError> {
    let facts = Facts::read(annotations, features)?;
    let timing = Timing::of(&facts, known)?;
    let choices = Choices::of(&facts, &timing);
    Ok(Suggestion {
        facts,
        timing,
        choices,
    })
}

impl Suggestion {
    /// The configuration file. Every choice has a comment with the numbers behind it.
    pub fn to_yaml(&self) -> String {
        text::yaml(&self.facts, &self.timing, &self.choices)
    }
}

/// Length that a level's first range ends at, in its strides.
const FIRST_RANGE: f64 = 4.0;
/// Most features that a training window has, that of the released configurations.
const MAX_LEN: usize = 2304;

impl Choices {
    fn of(facts: &Facts, timing: &Timing) -> Self {
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
