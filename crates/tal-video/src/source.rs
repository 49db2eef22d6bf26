//! The interface of everything that gives frames.

use serde::{Deserialize, Serialize};

use super::{Frame, FrameRate, Report, TimeBase, VideoError};

/// The longest side of a frame that is read.
///
/// # Units
///
/// Pixels.
pub const MAX_SIDE: u64 = 16_384;

/// Size and unit of time of the frames of a film.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameFormat {
    /// Width in pixels, upright.
    pub width: usize,
    /// Height in pixels, upright.
    pub height: usize,
    /// Unit of the time stamps.
    pub time_base: TimeBase,
    /// The rate that the container claims.
    pub nominal_rate: Option<FrameRate>,
}

/// Number and time of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameStamp {
    /// Number of the frame, counted from 0.
    pub index: u64,
    /// Time of the frame in units of the film's time base. The first frame need not have 0.
    pub pts: i64,
}

/// A film whose frames are read one after the other, in constant memory.
pub trait FrameSource: Send {
    /// Size and unit of time, the same for all frames.
    fn format(&self) -> FrameFormat;

    /// Reads the next frame. After the last one there is none, and there stays none.
    ///
    /// # Errors
    ///
    /// If the film cannot be read on. Damage of the film itself is no error: see [`Report::damage`].
    fn read(&mut self, frame: &mut Frame) -> Result<Option<FrameStamp>, VideoError>;

    /// The account of the frames that were read until now; complete once [`FrameSource::read`] has returned none.
    fn report(&self) -> Report;
}
