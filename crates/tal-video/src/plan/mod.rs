//! Plans: which source frames make which window, and when it is. Arithmetic only, without decoder or tensors.

mod clock;
mod error;
mod resample;
mod schedule;
mod stream;
mod window;

use crate::{FrameRate, FrameRecipe, MinFrames, TimeBase};

use clock::Clock;
use resample::ticks;
use schedule::Schedule;

pub use error::PlanError;
pub use stream::{Decision, WindowStream};
pub use window::Window;

/// The windows of a whole video from the times of its frames.
///
/// `native_rate` is the video's own rate, which only `fps: native` and `rule: tsp` need. [`WindowStream`] gives the same
/// windows while frames arrive.
///
/// # Units
///
/// `times` in units of `base`; time 0 of the windows is the first frame.
///
/// # Errors
///
/// If there is no frame, or too few for a window and the recipe does not repeat the last one; if times decrease; if the recipe
/// needs a constant rate that the video lacks.
pub fn plan_windows(
    recipe: &FrameRecipe,
    base: TimeBase,
    native_rate: Option<FrameRate>,
    times: &[i64],
) -> Result<Vec<Window>, PlanError> {
    let clock = Clock::new(recipe, base, native_rate)?;
    let schedule = Schedule::new(recipe, clock.tick_rate());
    let ticks = ticks(clock, times)?;
    let num_ticks = ticks.len() as u64;
    let num_windows = num_windows(recipe, &schedule, num_ticks)?;
    let source = |tick: u64| ticks[tick as usize];
    Ok((0..num_windows)
        .map(|index| Window::new(&schedule, clock.rate(), index, num_ticks, source))
        .collect())
}

/// The number of windows of a video that shows `num_ticks` frames, with the rule for short videos.
fn num_windows(
    recipe: &FrameRecipe,
    schedule: &Schedule,
    num_ticks: u64,
) -> Result<u64, PlanError> {
    if num_ticks == 0 {
        return Err(PlanError::NoFrames);
    }
    let (found, least) = (schedule.num_windows(num_ticks), schedule.least_ticks());
    match recipe.min_frames {
        MinFrames::Repeat => Ok(found.max(1)),
        MinFrames::AtLeast(wanted) if found == 0 || num_ticks < wanted.into() => {
            Err(PlanError::TooShort {
                frames: num_ticks,
                least: least.max(wanted.into()),
                window: recipe.window,
            })
        }
        MinFrames::AtLeast(_) => Ok(found),
    }
}
