//! The schedule: the places of windows and their frames, counted in ticks.

use crate::{Alignment, Fps, FrameRate, FrameRecipe, ResampleRule, Tail};

/// Places of windows.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    window: i64,
    stride: i64,
    interval: i64,
    align: Alignment,
    tail: Tail,
    reader: Option<TspReader>,
}

/// The arithmetic of TSP's reader, which rounds in 32-bit floats and restarts at every window.
#[derive(Clone, Copy, Debug)]
struct TspReader {
    /// Frames of the video for one of the grid.
    step: f64,
    /// Frames of the grid for one of the video.
    inverse: f64,
}

impl Schedule {
    /// The schedule of a recipe; TSP's reader also takes the video's rate.
    pub(super) fn new(recipe: &FrameRecipe, native: FrameRate) -> Self {
        let reader = match (recipe.fps, recipe.rule) {
            (Fps::Resampled(rate), Some(ResampleRule::Tsp)) => Some(TspReader {
                step: native.per_second() / rate.per_second(),
                inverse: rate.per_second() / native.per_second(),
            }),
            _ => None,
        };
        Self {
            window: recipe.window.into(),
            stride: recipe.stride.into(),
            interval: recipe.interval.into(),
            align: recipe.align,
            tail: recipe.tail,
            reader,
        }
    }

    /// The place of window `index` on the grid; negative if it begins before the video.
    pub(super) fn start(&self, index: u64) -> i64 {
        let start = index as i64 * self.stride;
        match self.align {
            Alignment::Start => start,
            Alignment::Centre => start + self.stride / 2 - self.length() / 2,
        }
    }

    /// The length of a window on the grid.
    pub(super) fn length(&self) -> i64 {
        self.window * self.interval
    }

    /// The number of frames of a window.
    pub(super) fn num_frames(&self) -> i64 {
        self.window
    }

    /// The tick of a window's frame. It grows with both numbers.
    pub(super) fn tick(&self, index: u64, frame: i64) -> i64 {
        match self.reader {
            Some(reader) => reader.floor(self.start(index)) + reader.floor(frame),
            None => self.start(index) + frame * self.interval,
        }
    }

    pub(super) fn last_tick(&self, index: u64) -> i64 {
        self.tick(index, self.window - 1)
    }

    /// The number of windows of a video of `ticks` ticks; it grows with them.
    pub(super) fn num_windows(&self, ticks: u64) -> u64 {
        let whole = |length: i64, spare: i64| {
            let free = length - (self.window - 1) * self.interval - 1 - spare;
            if free < 0 { 0 } else { free / self.stride + 1 }
        };
        let begun =
            |length: i64, first: i64| (length - first + self.stride - 1).max(0) / self.stride;
        let num = match (self.reader, self.tail, self.align) {
            (Some(reader), ..) => whole(reader.grid_length(ticks), 0),
            (None, Tail::Drop, _) => whole(ticks as i64, 0),
            (None, Tail::DropWithSpare, _) => whole(ticks as i64, 1),
            (None, Tail::Repeat | Tail::Zeros, Alignment::Start) => begun(ticks as i64, 0),
            (None, Tail::Repeat | Tail::Zeros, Alignment::Centre) => {
                begun(ticks as i64, self.stride / 2)
            }
        };
        num as u64
    }

    /// Whether zeros stand for frames outside the video.
    pub(super) fn has_zeros(&self) -> bool {
        self.tail == Tail::Zeros
    }

    /// The least number of ticks with a window.
    pub(super) fn least_ticks(&self) -> u64 {
        let bound = 2 * (self.last_tick(0).max(0) as u64 + self.stride as u64 + 2);
        let (mut without, mut with) = (0, bound);
        while with - without > 1 {
            let middle = without + (with - without) / 2;
            match self.num_windows(middle) {
                0 => without = middle,
                _ => with = middle,
            }
        }
        with
    }
}

impl TspReader {
    fn floor(self, position: i64) -> i64 {
        (position as f32 * self.step as f32).floor() as i64
    }

    fn grid_length(self, frames: u64) -> i64 {
        match self.step.fract() == 0.0 {
            true => frames.div_ceil(self.step as u64) as i64,
            false => (frames as f64 * self.inverse).trunc() as i64,
        }
    }
}
