//! The interface of everything that gives frames.

use serde::{Deserialize, Serialize};

use super::{FrameRate, Report, TimeBase, VideoError};

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

impl FrameFormat {
    /// Size of a frame: three bytes for each pixel.
    pub fn num_bytes(&self) -> usize {
        self.width * self.height * 3
    }
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

    /// Reads the next frame into `rgb`: rows from top to bottom, three bytes for each pixel. After the last frame there is
    /// none, and there stays none.
    ///
    /// # Errors
    ///
    /// If the film cannot be read on. Damage of the film itself is no error: see [`Report::damage`].
    ///
    /// # Panics
    ///
    /// If `rgb` has another length than [`FrameFormat::num_bytes`].
    fn read(&mut self, rgb: &mut [u8]) -> Result<Option<FrameStamp>, VideoError>;

    /// The account of the frames that were read until now; complete once [`FrameSource::read`] has returned none.
    fn report(&self) -> Report;
}
