//! The source frame of every tick of a whole video.

use crate::PlanError;

use super::clock::Clock;

/// The source frame of every tick, from the first frame to the last.
pub(super) fn ticks(clock: Clock, times: &[i64]) -> Result<Vec<u64>, PlanError> {
    let mut ticks = Vec::new();
    let Some(&first) = times.first() else {
        return Ok(ticks);
    };
    let (mut previous, mut end) = (first, 0);
    for (frame, &pts) in (0_u64..).zip(times) {
        let shown = clock.shown(frame, pts, first, previous)?;
        // The frame in front fills the ticks up to this one.
        ticks.resize(shown.first as usize, frame.saturating_sub(1));
        (previous, end) = (pts, shown.end);
    }
    ticks.resize(end as usize, times.len() as u64 - 1);
    Ok(ticks)
}
