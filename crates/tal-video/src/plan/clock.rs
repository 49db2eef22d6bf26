//! The clock: the ticks of a constant rate that a frame is shown at, in whole numbers.

use crate::{Fps, FrameRate, FrameRecipe, PlanError, ResampleRule, TimeBase};

/// The largest number of ticks: a year at 120 a second. More is a damaged file.
const MOST_TICKS: u64 = 1 << 32;

/// The rule by which times become ticks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    base: TimeBase,
    /// The rate of the ticks.
    tick_rate: FrameRate,
    rule: Rule,
    /// The rate of the windows' grid, which differs from that of the ticks if the schedule counts in steps of its own.
    grid: FrameRate,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    Native,
    Nearest,
    Floor,
}

/// A frame as the clock sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shown {
    /// The first tick that shows the frame or a later one.
    pub(super) first: u64,
    /// The number of ticks of a video that ends with the frame.
    pub(super) end: u64,
}

impl Clock {
    pub(super) fn new(
        recipe: &FrameRecipe,
        base: TimeBase,
        native: Option<FrameRate>,
    ) -> Result<Self, PlanError> {
        let native = native.ok_or(PlanError::UnknownRate);
        let of = |rate, rule| Self {
            base,
            tick_rate: rate,
            rule,
            grid: rate,
        };
        Ok(match (recipe.fps, recipe.rule) {
            (Fps::Native, _) => of(native?, Rule::Native),
            (Fps::Resampled(rate), Some(ResampleRule::Tsp)) => Self {
                grid: rate,
                ..of(native?, Rule::Native)
            },
            (Fps::Resampled(rate), Some(ResampleRule::Floor)) => of(rate, Rule::Floor),
            (Fps::Resampled(rate), Some(ResampleRule::Nearest) | None) => of(rate, Rule::Nearest),
        })
    }

    /// The rate of the grid of windows.
    pub(super) fn rate(self) -> FrameRate {
        self.grid
    }

    /// The rate of the ticks, which is the video's own unless frames are resampled.
    pub(super) fn tick_rate(self) -> FrameRate {
        self.tick_rate
    }

    /// Whether the last frame of a video may come after the last tick.
    pub(super) fn may_hide_last(self) -> bool {
        self.rule == Rule::Floor
    }

    /// The ticks of frame number `frame`, whose time is `pts` while the first has `first` and the one before has `previous`.
    pub(super) fn shown(
        self,
        frame: u64,
        pts: i64,
        first: i64,
        previous: i64,
    ) -> Result<Shown, PlanError> {
        let base = self.base;
        if pts < previous {
            return Err(PlanError::DecreasingTime {
                frame,
                pts,
                previous,
                base,
            });
        }
        let too_large = PlanError::TimeTooLarge {
            frame,
            pts,
            base,
            most: MOST_TICKS,
        };
        // time * rate = above / below; times below 2^54 and four numbers below 2^32 stay below 2^120.
        let units = i128::from(pts) - i128::from(first);
        if units >= 1 << 54 {
            return Err(too_large);
        }
        let above = units * i128::from(base.numerator()) * i128::from(self.tick_rate.numerator());
        let below = i128::from(base.denominator()) * i128::from(self.tick_rate.denominator());
        let nearest = (2 * above + below) / (2 * below);
        if nearest >= i128::from(MOST_TICKS) {
            return Err(too_large);
        }
        Ok(match self.rule {
            Rule::Nearest => Shown {
                first: nearest as u64,
                end: nearest as u64 + 1,
            },
            Rule::Floor => Shown {
                first: ((above + below - 1) / below) as u64,
                end: (above / below) as u64 + 1,
            },
            Rule::Native if nearest == i128::from(frame) => Shown {
                first: frame,
                end: frame + 1,
            },
            Rule::Native => {
                return Err(PlanError::VariableRate {
                    frame,
                    seconds: units as f64 * base.seconds(1),
                    expected: frame as f64 / self.tick_rate.per_second(),
                    rate: self.tick_rate,
                });
            }
        })
    }
}
