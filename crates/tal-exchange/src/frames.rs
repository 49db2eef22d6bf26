//! Times in frames.

use std::ops::RangeInclusive;
use std::path::Path;

use super::model::{Event, Track};
use super::{ExchangeError, ReadOptions, WriteOptions};

/// Frame rates with which all times stay finite.
const RATES: RangeInclusive<f64> = 1e-6..=1e9;
/// Largest number of a frame: up to it, numbers with a point are exact.
const MOST: f64 = (1_u64 << 53) as f64;

/// Frames of one length, counted from 0. A frame lasts from its number to the next one, divided by the frame rate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frames {
    pub(super) fps: f64,
}

impl Frames {
    /// The frame rate of a file itself, or else that of the options. `what` says for what it is needed, `option` what to do
    /// if nobody says it.
    pub(super) fn of_file(
        own: Option<f64>,
        options: &ReadOptions,
        path: &Path,
        what: &str,
        option: &'static str,
    ) -> Result<Self, ExchangeError> {
        let fps = own.or(options.fps).filter(|fps| RATES.contains(fps));
        let fps = fps.ok_or_else(|| ExchangeError::Needed {
            path: path.to_owned(),
            what: what.to_owned(),
            option,
        })?;
        Ok(Self { fps })
    }

    /// The frame rate of a recording that is written.
    pub(super) fn of_track(
        track: &Track,
        options: &WriteOptions,
        format: &'static str,
    ) -> Result<Self, ExchangeError> {
        let fps = options.fps_of(track).filter(|fps| RATES.contains(fps));
        let fps = fps.ok_or_else(|| ExchangeError::Unwritable {
            id: track.id.clone(),
            format,
            reason: "it counts frames, and the frame rate is not known; name it (--fps)".to_owned(),
        })?;
        Ok(Self { fps })
    }

    /// First frame of an event, and the frame behind its last one; an event lasts at least one frame.
    pub(super) fn range(self, event: &Event) -> (i64, i64) {
        let first = self.frame(event.start);
        (
            first,
            self.frame(event.end_or_start())
                .max(first.saturating_add(1)),
        )
    }

    /// Whether a number may be that of a frame.
    pub(super) fn holds(number: f64) -> bool {
        (0.0..=MOST).contains(&number)
    }

    /// The frame that begins nearest to a time.
    pub(super) fn frame(self, seconds: f64) -> i64 {
        // Numbers beyond are no frames, and adding to them would not be exact.
        (seconds * self.fps).round().clamp(-MOST, MOST) as i64
    }

    /// The time at which a frame begins.
    pub(super) fn seconds(self, frame: f64) -> f64 {
        frame / self.fps
    }
}

/// Seconds with at most six decimals, for text formats.
pub(super) fn decimal(seconds: f64) -> String {
    // Without the sign of a negative zero.
    format!("{}", (seconds * 1e6).round() / 1e6 + 0.0)
}

/// The end of an event with at most six decimals, so that it has no more of them than its parts.
pub(super) fn end_of(start: f64, length: f64) -> f64 {
    let end = (start + length).min(f64::MAX);
    let rounded = (end * 1e6).round() / 1e6;
    if length > 0.0 && rounded.is_finite() {
        rounded.max(start)
    } else {
        end
    }
}

/// Minutes and whole seconds of a time in milliseconds.
pub(super) fn clock(milliseconds: f64) -> String {
    let seconds = (milliseconds / 1e3) as u64;
    format!("{:02}:{:02}", seconds / 60, seconds % 60)
}

/// A state, or a point event if it starts at its end.
pub(super) fn event(class: &str, start: f64, end: f64) -> Event {
    match start == end {
        true => Event::point(class, start),
        false => Event::new(class, start, end),
    }
}
