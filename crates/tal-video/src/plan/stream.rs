//! Windows of a video while its frames arrive, in memory that does not grow with its length.

use std::collections::VecDeque;

use crate::{FrameRate, FrameRecipe, MinFrames, PlanError, TimeBase};

use super::clock::{Clock, Shown};
use super::num_windows;
use super::schedule::Schedule;
use super::window::Window;

/// The plan of a video whose frames arrive one after the other.
///
/// Whether a frame is shown is known when the next one arrives. So hold one frame, and for each that follows: call
/// [`push`](Self::push), keep the held frame if the decision says so, then take all [`next_window`](Self::next_window)s and
/// forget the frames before [`oldest_frame`](Self::oldest_frame). After the last frame, [`finish`](Self::finish) decides about
/// it and makes the last windows ready.
#[derive(Clone, Debug)]
pub struct WindowStream {
    recipe: FrameRecipe,
    clock: Clock,
    schedule: Schedule,
    /// Number of frames that arrived.
    frames: u64,
    first_pts: i64,
    last_pts: i64,
    last: Shown,
    /// Frames with the first tick that shows them, as far back as the next window reaches.
    runs: VecDeque<Run>,
    /// Number of ticks whose frame is known.
    ticks: u64,
    /// The next window to give out.
    next: u64,
    /// Number of windows, once the video has ended.
    total: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    tick: u64,
    frame: u64,
}

/// What became certain about a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Number of the frame.
    pub frame: u64,
    /// Whether a window may show it.
    pub needed: bool,
}

impl WindowStream {
    /// The plan of a video before its first frame.
    ///
    /// # Errors
    ///
    /// If the recipe needs the video's own rate and `native_rate` is none.
    pub fn new(
        recipe: &FrameRecipe,
        base: TimeBase,
        native_rate: Option<FrameRate>,
    ) -> Result<Self, PlanError> {
        let clock = Clock::new(recipe, base, native_rate)?;
        Ok(Self {
            recipe: recipe.clone(),
            clock,
            schedule: Schedule::new(recipe, clock.tick_rate()),
            frames: 0,
            first_pts: 0,
            last_pts: 0,
            last: Shown { first: 0, end: 0 },
            runs: VecDeque::new(),
            ticks: 0,
            next: 0,
            total: None,
        })
    }

    /// Takes the time of the next frame, and decides about the frame in front of it if there is one.
    ///
    /// # Errors
    ///
    /// If the time is impossible or, with a recipe that needs a constant rate, not that of the rate.
    pub fn push(&mut self, pts: i64) -> Result<Option<Decision>, PlanError> {
        if self.frames == 0 {
            (self.first_pts, self.last_pts) = (pts, pts);
        }
        let shown = self
            .clock
            .shown(self.frames, pts, self.first_pts, self.last_pts)?;
        let decision = self.decide(shown.first);
        (self.last_pts, self.last) = (pts, shown);
        self.frames += 1;
        Ok(decision)
    }

    /// Ends the video, and decides about its last frame.
    ///
    /// # Errors
    ///
    /// If there was no frame, or too few for a window and the recipe does not repeat the last one.
    pub fn finish(&mut self) -> Result<Option<Decision>, PlanError> {
        self.total = Some(num_windows(&self.recipe, &self.schedule, self.last.end)?);
        Ok(self.decide(self.last.end))
    }

    /// The next window all of whose frames were decided about.
    pub fn next_window(&mut self) -> Option<Window> {
        if !self.is_ready(self.next) {
            return None;
        }
        let runs = &self.runs;
        let source = |tick| runs[runs.partition_point(|run| run.tick <= tick) - 1].frame;
        let rate = self.clock.rate();
        let window = Window::new(&self.schedule, rate, self.next, self.ticks, source);
        self.next += 1;
        self.forget();
        Some(window)
    }

    /// The oldest frame that a coming window may show.
    pub fn oldest_frame(&self) -> u64 {
        let undecided = self.frames.saturating_sub(1);
        self.runs.front().map_or(undecided, |run| run.frame)
    }

    /// Number of windows, once the video has ended.
    pub fn num_windows(&self) -> Option<u64> {
        self.total
    }

    /// Lets the last frame fill the ticks up to `end`.
    fn decide(&mut self, end: u64) -> Option<Decision> {
        let frame = self.frames.checked_sub(1)?;
        let begin = self.ticks;
        self.ticks = end;
        if begin < end {
            self.runs.push_back(Run { tick: begin, frame });
            self.forget();
        }
        Some(Decision {
            frame,
            needed: begin < end && self.is_shown(begin as i64, end as i64),
        })
    }

    /// Whether a coming window shows a tick from `begin` to before `end`.
    fn is_shown(&self, begin: i64, end: i64) -> bool {
        let schedule = &self.schedule;
        // Windows that reach beyond the video show what its last tick shows, which may be this frame.
        let last = self.total.is_some() || self.clock.may_hide_last();
        let coming = self.next..self.total.unwrap_or(u64::MAX);
        for index in coming {
            let first = schedule.tick(index, 0);
            if (last && schedule.last_tick(index) >= end) || (begin == 0 && first < 0) {
                return true;
            }
            if first >= end {
                return false;
            }
            let mut ticks = (0..schedule.num_frames()).map(|frame| schedule.tick(index, frame));
            if ticks.any(|tick| (begin..end).contains(&tick)) {
                return true;
            }
        }
        false
    }

    fn is_ready(&self, index: u64) -> bool {
        let schedule = &self.schedule;
        let wanted = match self.recipe.min_frames {
            MinFrames::Repeat => 0,
            MinFrames::AtLeast(frames) => frames.into(),
        };
        match self.total {
            Some(total) => index < total,
            None => {
                self.ticks >= wanted
                    && index < schedule.num_windows(self.ticks)
                    && schedule.last_tick(index) < self.ticks as i64
            }
        }
    }

    /// The first tick that a coming window shows.
    fn first_tick(&self) -> u64 {
        self.schedule.tick(self.next, 0).max(0) as u64
    }

    fn forget(&mut self) {
        let first = self.first_tick();
        while self.runs.get(1).is_some_and(|run| run.tick <= first) {
            self.runs.pop_front();
        }
    }
}
