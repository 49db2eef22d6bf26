//! Configuration of a synthetic corpus.

use serde::{Deserialize, Serialize};
use tal_core::TimeGrid;

use super::SynthError;

/// Length of a cue in features.
pub(super) const CUE_LENGTH: f64 = 3.0;
/// Free space at both ends of a recording, in features.
pub(super) const MARGIN: f64 = 1.0;
/// Shortest action in features.
pub(super) const MIN_DURATION: f64 = 3.0;
/// Directions that an appearance needs: two of the onset, three of the body, two of the offset.
pub(super) const NUM_DIRECTIONS: usize = 7;
/// Longest action, relative to the shortest recording.
const MAX_DURATION_SHARE: f64 = 0.4;
/// Length of the shortest recording, relative to the mean; that of the longest is as far above it.
const MIN_LENGTH_SHARE: f64 = 0.75;

/// Configuration of a synthetic corpus; the [crate](crate) says how the values are used.
///
/// # Units
/// Lengths, distances and gaps in features (grid units), `fps` in frames per second, `feat_stride` and `num_frames` in
/// frames.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SynthConfig {
    /// Recordings to learn from.
    pub num_train: usize,
    /// Recordings to be measured on.
    pub num_test: usize,
    /// Classes of actions.
    pub num_classes: usize,
    /// Channels of the features.
    pub num_channels: usize,
    /// Mean number of features of a recording; between three and five quarters of it occur.
    pub mean_length: usize,
    /// Frames per second.
    pub fps: f32,
    /// Frames between two features.
    pub feat_stride: f32,
    /// Frames that a feature is computed from.
    pub num_frames: f32,
    /// From 0 (clean, no distractors, no confusable classes, no overlap) to 1.
    pub difficulty: f64,
    /// Everything random follows from it.
    pub seed: u64,
    /// Median lengths of the shortest and the longest class.
    pub durations: (f64, f64),
    /// Standard deviation of the logarithm of the lengths within a class.
    pub duration_sigma: f64,
    /// Mean gap between two events.
    pub mean_gap: f64,
    /// Length of the signal's vector in the C channels.
    pub amplitude: f64,
    /// Standard deviation of the noise per channel at difficulty 0 and 1.
    pub noise: (f64, f64),
    /// Amplitude of the slow drift at difficulty 1.
    pub drift: f64,
    /// Probability of a distractor before an action at difficulty 1.
    pub distractors_per_action: f64,
    /// Dropouts per 100 features at difficulty 1.
    pub dropouts_per_100: f64,
    /// Probability that an action is overlapped by another at difficulty 1.
    pub overlap: f64,
    /// Share of the classes that belong to confusable pairs at difficulty 1.
    pub confusable_share: f64,
    /// Least and largest distance between an action of a confusable class and its cue.
    pub cue_distance: (f64, f64),
}

impl Default for SynthConfig {
    fn default() -> Self {
        Self {
            num_train: 80,
            num_test: 30,
            num_classes: 6,
            num_channels: 24,
            mean_length: 200,
            fps: 16.0,
            feat_stride: 4.0,
            num_frames: 8.0,
            difficulty: 0.5,
            seed: 0,
            durations: (5.0, 40.0),
            duration_sigma: 0.3,
            mean_gap: 8.0,
            amplitude: 3.0,
            noise: (0.4, 1.4),
            drift: 1.0,
            distractors_per_action: 1.0,
            dropouts_per_100: 2.0,
            overlap: 0.3,
            confusable_share: 1.0,
            cue_distance: (10.0, 16.0),
        }
    }
}

impl SynthConfig {
    /// How the features lie in time.
    pub fn time_grid(&self) -> TimeGrid {
        TimeGrid {
            fps: self.fps,
            feat_stride: self.feat_stride,
            num_frames: self.num_frames,
        }
    }

    /// Checks every value.
    ///
    /// # Errors
    /// Where one is out of range; the error names the field, its value and the allowed ones.
    pub fn validate(&self) -> Result<(), SynthError> {
        at_least("num_classes", self.num_classes, 1)?;
        at_least("num_channels", self.num_channels, NUM_DIRECTIONS)?;
        let num_recordings = self.num_train.saturating_add(self.num_test);
        at_least("num_train + num_test", num_recordings, 1)?;
        for (field, value) in [
            ("fps", self.fps),
            ("feat_stride", self.feat_stride),
            ("num_frames", self.num_frames),
        ] {
            positive(field, value.into())?;
        }
        let probabilities = [
            ("difficulty", self.difficulty),
            ("distractors_per_action", self.distractors_per_action),
            ("overlap", self.overlap),
            ("confusable_share", self.confusable_share),
        ];
        for (field, value) in probabilities {
            within(field, value, 0.0, 1.0)?;
        }
        within("duration_sigma", self.duration_sigma, 0.0, 2.0)?;
        within("dropouts_per_100", self.dropouts_per_100, 0.0, 20.0)?;
        for (field, value) in [("drift", self.drift), ("mean_gap", self.mean_gap)] {
            within(field, value, 0.0, 1e6)?;
        }
        positive("amplitude", self.amplitude)?;
        ordered("durations", self.durations, MIN_DURATION)?;
        ordered("noise", self.noise, 0.0)?;
        ordered("cue_distance", self.cue_distance, 0.0)?;
        let shortest = self.length_range().0 as f64;
        let room = shortest * (1.0 - MAX_DURATION_SHARE) - self.context() - 2.0 * MARGIN;
        if room < 1.0 || shortest * MAX_DURATION_SHARE < self.durations.1 {
            let for_cues = (self.context() + 2.0 * MARGIN + 1.0) / (1.0 - MAX_DURATION_SHARE);
            let least = for_cues.max(self.durations.1 / MAX_DURATION_SHARE) / MIN_LENGTH_SHARE;
            let expected = format!(
                "at least {} for durations up to {} and cues up to {} away",
                least.ceil() + 1.0,
                self.durations.1,
                self.cue_distance.1
            );
            return require(false, "mean_length", self.mean_length, expected);
        }
        at_most("mean_length", self.mean_length, 1 << 20)?;
        at_most("num_channels", self.num_channels, 1 << 16)?;
        at_most("num_classes", self.num_classes, 1 << 10)
    }

    /// Shortest and longest recording.
    pub(super) fn length_range(&self) -> (usize, usize) {
        let shortest = (self.mean_length as f64 * MIN_LENGTH_SHARE) as usize;
        (shortest, (2 * self.mean_length).saturating_sub(shortest))
    }

    /// Longest action.
    pub(super) fn max_duration(&self) -> f64 {
        self.length_range().0 as f64 * MAX_DURATION_SHARE
    }

    /// How far the cue of a confusable action may reach beyond it, in whole 1/64 features like all positions.
    pub(super) fn context(&self) -> f64 {
        ((self.cue_distance.1 + CUE_LENGTH) * 64.0).ceil() / 64.0
    }
}

fn require(
    is_met: bool,
    field: &'static str,
    value: impl ToString,
    expected: impl Into<String>,
) -> Result<(), SynthError> {
    if is_met {
        return Ok(());
    }
    let (value, expected) = (value.to_string(), expected.into());
    Err(SynthError::Config {
        field,
        value,
        expected,
    })
}

fn at_least(field: &'static str, value: usize, least: usize) -> Result<(), SynthError> {
    require(value >= least, field, value, format!("at least {least}"))
}

fn at_most(field: &'static str, value: usize, most: usize) -> Result<(), SynthError> {
    require(value <= most, field, value, format!("at most {most}"))
}

fn positive(field: &'static str, value: f64) -> Result<(), SynthError> {
    let is_met = value.is_finite() && value > 0.0;
    require(is_met, field, value, "a finite number above 0")
}

fn within(field: &'static str, value: f64, low: f64, high: f64) -> Result<(), SynthError> {
    let expected = format!("a number from {low} to {high}");
    require((low..=high).contains(&value), field, value, expected)
}

fn ordered(field: &'static str, (low, high): (f64, f64), least: f64) -> Result<(), SynthError> {
    let is_met = low >= least && low <= high && high.is_finite();
    let expected = format!("two finite numbers in ascending order, at least {least}");
    require(is_met, field, format!("({low}, {high})"), expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(change: impl FnOnce(&mut SynthConfig)) -> String {
        let mut config = SynthConfig::default();
        change(&mut config);
        config.validate().unwrap_err().to_string()
    }

    #[test]
    fn the_default_is_valid() {
        SynthConfig::default().validate().unwrap();
    }

    #[test]
    fn errors_name_field_value_and_range() {
        assert_eq!(
            message(|c| c.difficulty = 1.5),
            "difficulty is 1.5; expected a number from 0 to 1"
        );
        assert!(message(|c| c.difficulty = f64::NAN).starts_with("difficulty is NaN"));
        assert_eq!(
            message(|c| c.num_classes = 0),
            "num_classes is 0; expected at least 1"
        );
        assert_eq!(
            message(|c| c.num_channels = 6),
            "num_channels is 6; expected at least 7"
        );
        assert!(message(|c| c.noise = (1.0, 0.5)).starts_with("noise is (1, 0.5); expected two"));
        assert!(message(|c| c.fps = 0.0).starts_with("fps is 0"));
        assert!(
            message(|c| (c.num_train, c.num_test) = (0, 0)).starts_with("num_train + num_test")
        );
    }

    #[test]
    fn the_least_length_that_an_error_names_is_enough() {
        let text = message(|c| c.mean_length = 30);
        let least = text.split("at least ").nth(1).unwrap();
        let least: usize = least.split(' ').next().unwrap().parse().unwrap();
        let config = SynthConfig {
            mean_length: least,
            ..SynthConfig::default()
        };
        config.validate().unwrap();
    }
}
