//! Windows.

use crate::FrameRate;

use super::schedule::Schedule;

/// The source frames and the time of one feature.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// Number of the window, counted from 0.
    pub index: u64,
    /// Source frames, counted from 0, in the order of time; none for a frame of zeros (after normalising).
    pub frames: Vec<Option<u64>>,
    /// Begin after the first frame of the video.
    ///
    /// # Units
    ///
    /// Seconds.
    pub start: f64,
    /// Middle, in seconds.
    pub centre: f64,
    /// End, in seconds.
    pub end: f64,
}

impl Window {
    /// Window `index` of a video of `num_ticks` ticks, at least one, whose frames `source` tells.
    pub(super) fn new(
        schedule: &Schedule,
        rate: FrameRate,
        index: u64,
        num_ticks: u64,
        source: impl Fn(u64) -> u64,
    ) -> Self {
        let frame = |number| {
            let tick = schedule.tick(index, number);
            let inside = tick.clamp(0, num_ticks as i64 - 1);
            (tick == inside || !schedule.has_zeros()).then(|| source(inside as u64))
        };
        let (start, length) = (schedule.start(index), schedule.length());
        // One rounding: products of whole numbers are exact for every video of sane length.
        let seconds = |halves: i64| {
            halves as f64 * f64::from(rate.denominator()) / (2.0 * f64::from(rate.numerator()))
        };
        Self {
            index,
            frames: (0..schedule.num_frames()).map(frame).collect(),
            start: seconds(2 * start),
            centre: seconds(2 * start + length),
            end: seconds(2 * (start + length)),
        }
    }
}
