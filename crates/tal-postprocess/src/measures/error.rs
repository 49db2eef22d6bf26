//! Errors of the measures.

/// Why a measure cannot be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MeasureError {
    /// A segment is not usable.
    #[error(
        "{noun} {row} of recording {recording} goes from {start} to {end}; both ends must be finite and start <= end"
    )]
    Segment {
        /// `annotation` or `detection`.
        noun: &'static str,
        /// Position of the recording.
        recording: usize,
        /// Position in the recording.
        row: usize,
        /// Start, in seconds.
        start: f64,
        /// End, in seconds.
        end: f64,
    },
    /// The score of a detection is NaN.
    #[error("detection {row} of recording {recording} has the score NaN, must be a number")]
    Score {
        /// Position of the recording.
        recording: usize,
        /// Position in the recording.
        row: usize,
    },
    /// The length of a recording is not usable.
    #[error("recording {recording} has the length {duration}; must be finite and at least 0")]
    Duration {
        /// Position of the recording.
        recording: usize,
        /// Length, in seconds.
        duration: f64,
    },
    /// A recording has more frames than can be counted.
    #[error(
        "recording {recording} has {frames:e} frames, at most {limit:e} can be compared; lower the frame rate"
    )]
    NumFrames {
        /// Position of the recording.
        recording: usize,
        /// Length times frame rate.
        frames: f64,
        /// Largest number.
        limit: f64,
    },
    /// A number of the rules is outside its range.
    #[error("{name} is {value}, must be {range}")]
    Rule {
        /// Name of the rule.
        name: &'static str,
        /// Its value.
        value: f64,
        /// The range in words.
        range: &'static str,
    },
    /// A list of thresholds or tolerances is empty.
    #[error("{name} is empty; give at least one")]
    Empty {
        /// Name of the list.
        name: &'static str,
    },
}

impl MeasureError {
    /// Checks one number of the rules.
    pub(super) fn unless(
        holds: bool,
        name: &'static str,
        value: f64,
        range: &'static str,
    ) -> Result<(), Self> {
        if holds {
            return Ok(());
        }
        Err(Self::Rule { name, value, range })
    }
}
