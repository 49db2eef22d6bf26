//! Errors of plans.

use crate::{FrameRate, TimeBase};

/// A video that a recipe cannot be applied to.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// There is no frame.
    #[error("the video has no frame")]
    NoFrames,
    /// There are too few frames for a window.
    #[error(
        "the video has {frames} frames at the recipe's rate, but a window of {window} needs {least}; `min_frames: repeat` repeats the last frame"
    )]
    TooShort {
        /// Frames at the recipe's rate.
        frames: u64,
        /// The least number with a window.
        least: u64,
        /// Frames of a window.
        window: u32,
    },
    /// The video's rate is not known, and the recipe needs it.
    #[error(
        "the video's rate is not known, but the recipe takes frames at their own rate; set `fps:` to a number, such as 30, with `rule: nearest`"
    )]
    UnknownRate,
    /// A frame is not at its place of a constant rate, and the recipe needs one.
    #[error(
        "frame {frame} is at {seconds:.4} s, not {expected:.4} s as {rate} frames a second say: the rate varies, but the recipe takes frames at their own rate; set `fps:` to a number, such as 30, with `rule: nearest`"
    )]
    VariableRate {
        /// Number of the frame.
        frame: u64,
        /// Its time after the first frame, in seconds.
        seconds: f64,
        /// The time that the rate gives, in seconds.
        expected: f64,
        /// The rate.
        rate: FrameRate,
    },
    /// A frame comes before the frame in front of it.
    #[error(
        "frame {frame} has the time {pts}, before {previous} of the frame in front of it (units of {base} s)"
    )]
    DecreasingTime {
        /// Number of the frame.
        frame: u64,
        /// Its time.
        pts: i64,
        /// The time of the frame in front of it.
        previous: i64,
        /// Unit of the times.
        base: TimeBase,
    },
    /// A frame is later than any video lasts.
    #[error(
        "frame {frame} has the time {pts} (units of {base} s), more than {most} frames after the first: the file is damaged"
    )]
    TimeTooLarge {
        /// Number of the frame.
        frame: u64,
        /// Its time.
        pts: i64,
        /// Unit of the times.
        base: TimeBase,
        /// The largest number of frames.
        most: u64,
    },
}
