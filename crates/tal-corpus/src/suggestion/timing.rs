//! How features lie in time.

use tal_core::config::FeatureLayout;

use super::error::SuggestionError;
use super::facts::{Facts, Kind};
use crate::audit::Distribution;

/// Most channels and fewest values per second of a raw signal.
const RAW_CHANNELS: usize = 24;
const RAW_RATE: f64 = 20.0;
/// Relative difference from a whole number that is rounding.
const ROUNDING: f64 = 0.03;

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

/// The clock of the features and the lengths that follow from it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Timing {
    pub(super) clock: Clock,
    /// Features of a recording, as the network gets them.
    pub(super) recording_features: Distribution,
    /// Features per second.
    pub(super) rate: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Clock {
    /// A raw signal and its windows, in samples.
    Raw {
        /// Samples per second.
        rate: f64,
        window: usize,
        stride: usize,
    },
    /// Features at a stride of frames. `fps` is `None` if each recording has its own in the annotations.
    Frames {
        fps: Option<f64>,
        stride: f64,
        num_frames: f64,
    },
    /// Every recording was brought to one number of features.
    Fixed { num_features: usize },
}

impl Timing {
    pub(super) fn of(facts: &Facts, known: &FeatureTiming) -> Result<Self, SuggestionError> {
        let lengths = &facts.lengths;
        let missing = || SuggestionError::NoDurations {
            path: facts.annotations.clone(),
        };
        let rates = lengths.iter().map(|(seconds, len)| *len as f64 / seconds);
        let per_second = Distribution::of(rates).ok_or_else(missing)?;
        let rate = per_second.median;
        let is_raw = facts.kind == Kind::Npy
            && facts.layout == FeatureLayout::TimeFirst
            && facts.num_channels <= RAW_CHANNELS
            && rate >= RAW_RATE
            && known.feat_stride.is_none();
        let same_len = lengths.windows(2).all(|pair| pair[0].1 == pair[1].1);
        let is_fixed = same_len && per_second.max > 1.1 * per_second.min;
        let clock = if is_raw {
            let rate = known.fps.unwrap_or_else(|| snapped(rate));
            let seconds = (facts.shortest_class / 3.0).clamp(0.2, 2.0);
            let stride = ((seconds * rate / 2.0).round() as usize).max(1);
            Clock::Raw {
                rate,
                window: 2 * stride,
                stride,
            }
        } else if is_fixed {
            Clock::Fixed {
                num_features: lengths[0].1,
            }
        } else {
            frames(facts, known, rate)
        };
        let num_features = |len: usize| match clock {
            Clock::Raw { window, stride, .. } => (len.saturating_sub(window) / stride + 1) as f64,
            _ => len as f64,
        };
        let lens = lengths.iter().map(|(_, len)| num_features(*len));
        Ok(Self {
            recording_features: Distribution::of(lens).ok_or_else(missing)?,
            rate: match clock {
                Clock::Raw { rate, stride, .. } => rate / stride as f64,
                _ => rate,
            },
            clock,
        })
    }

    /// Features in a stretch of time.
    pub(super) fn features(&self, seconds: f64) -> f64 {
        seconds * self.rate
    }
}

fn frames(facts: &Facts, known: &FeatureTiming, rate: f64) -> Clock {
    let annotated = facts.fps;
    let Some(fps) = known.fps.or(annotated) else {
        // Time counted in features.
        let stride = known.feat_stride.unwrap_or(1.0);
        return Clock::Frames {
            fps: Some(snapped(rate) * stride),
            stride,
            num_frames: known.num_frames.unwrap_or(stride),
        };
    };
    let stride = known.feat_stride.unwrap_or_else(|| snapped(fps / rate));
    Clock::Frames {
        fps: known.fps,
        stride,
        num_frames: known.num_frames.unwrap_or(stride),
    }
}

/// The nearest whole number if the value differs from it by rounding, otherwise the value to three digits.
fn snapped(value: f64) -> f64 {
    let whole = value.round().max(1.0);
    match (value - whole).abs() <= ROUNDING * whole {
        true => whole,
        false => (value * 1000.0).round() / 1000.0,
    }
}
