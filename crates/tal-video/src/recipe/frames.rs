//! Which frames make the windows: one section of a recipe.

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;
use tal_core::config::FieldError;

use super::check::require;
use super::fps::Fps;

/// The frames of every window.
///
/// A window's frames lie `interval` apart; windows begin `stride` apart. Both count frames at the rate `fps`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrameRecipe {
    /// The rate of the frames.
    pub fps: Fps,
    /// The frame that each tick of the rate shows; only with a rate other than `native`.
    #[serde(default)]
    pub rule: Option<ResampleRule>,
    /// The number of frames of a window.
    pub window: u32,
    /// The distance of two windows.
    pub stride: u32,
    /// The distance of two frames of a window.
    #[serde(default = "one")]
    pub interval: u32,
    /// The place of a window on its grid.
    #[serde(default)]
    pub align: Alignment,
    /// The treatment of windows that reach beyond the video.
    #[serde(default)]
    pub tail: Tail,
    /// The treatment of videos that are too short for a window.
    #[serde(default)]
    pub min_frames: MinFrames,
}

fn one() -> u32 {
    1
}

/// A way to choose the frame that a tick of a constant rate shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResampleRule {
    /// Each frame belongs to the nearest tick; a tick shows the last frame that belongs to it or an earlier one. The
    /// `fps` filter of FFmpeg does the same.
    Nearest,
    /// A tick shows the last frame that is not later.
    Floor,
    /// The reader of TSP: multiples of a step in 32-bit floats, restarted at every window. The video's own rate must be
    /// constant.
    Tsp,
}

/// The place of window `i` on the grid of multiples of the stride.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alignment {
    /// The window begins at `i * stride`.
    #[default]
    Start,
    /// The middle of the window is at `stride / 2 + i * stride`.
    Centre,
}

/// The treatment of windows that reach beyond the video.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tail {
    /// Such windows are left out.
    #[default]
    Drop,
    /// Such windows are left out, and the last window is followed by a frame at least (I3D of video_features, which computes
    /// flow to the next frame).
    DropWithSpare,
    /// The first or last frame stands for frames outside.
    Repeat,
    /// Zeros, after normalising, stand for frames outside.
    Zeros,
}

/// The treatment of videos that are too short for a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MinFrames {
    /// The last frame is repeated until there is one window.
    #[default]
    Repeat,
    /// A video with fewer frames than this, or too few for a window, is an error.
    AtLeast(u32),
}

impl Serialize for MinFrames {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Repeat => serializer.serialize_str("repeat"),
            Self::AtLeast(frames) => serializer.serialize_u32(*frames),
        }
    }
}

impl<'de> Deserialize<'de> for MinFrames {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MinFramesVisitor)
    }
}

struct MinFramesVisitor;

impl Visitor<'_> for MinFramesVisitor {
    type Value = MinFrames;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`repeat` or a number of frames")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<MinFrames, E> {
        match text {
            "repeat" => Ok(MinFrames::Repeat),
            _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<MinFrames, E> {
        u32::try_from(number)
            .map(MinFrames::AtLeast)
            .map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }
}

/// The largest window, stride and interval: beyond it, a number is a mistake.
const MOST: u32 = 100_000;

impl FrameRecipe {
    pub(super) fn check(&self, errors: &mut Vec<FieldError>) {
        let counts = [
            ("frames.window", self.window),
            ("frames.stride", self.stride),
            ("frames.interval", self.interval),
        ];
        for (path, value) in counts {
            let allowed = format!("1 to {MOST}");
            require(errors, (1..=MOST).contains(&value), path, value, allowed);
        }
        if let MinFrames::AtLeast(frames) = self.min_frames {
            let allowed = format!("`repeat` or a number from 1 to {MOST}");
            require(
                errors,
                (1..=MOST).contains(&frames),
                "frames.min_frames",
                frames,
                allowed,
            );
        }
        let rule = self.rule.map_or("null", ResampleRule::name);
        match self.fps {
            Fps::Native => require(
                errors,
                self.rule.is_none(),
                "frames.rule",
                rule,
                "left out with `fps: native`, which leaves frames as they are",
            ),
            Fps::Resampled(rate) => require(
                errors,
                self.rule.is_some(),
                "frames.rule",
                rule,
                format!("nearest, floor or tsp with `fps: {rate}`"),
            ),
        }
        if self.rule == Some(ResampleRule::Tsp) {
            let plain =
                self.interval == 1 && self.align == Alignment::Start && self.tail == Tail::Drop;
            let allowed = "another rule, or with `interval: 1`, `align: start` and `tail: drop`";
            require(errors, plain, "frames.rule", rule, allowed);
        }
        if self.align == Alignment::Centre {
            let tail = match self.tail {
                Tail::Drop => "drop",
                Tail::DropWithSpare => "drop_with_spare",
                Tail::Repeat | Tail::Zeros => return,
            };
            let allowed = "repeat or zeros with `align: centre`, because the first window begins before the video";
            require(errors, false, "frames.tail", tail, allowed);
        }
    }
}

impl ResampleRule {
    fn name(self) -> &'static str {
        match self {
            Self::Nearest => "nearest",
            Self::Floor => "floor",
            Self::Tsp => "tsp",
        }
    }
}
