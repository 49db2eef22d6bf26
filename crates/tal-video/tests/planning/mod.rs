//! Windows by both ways: of a whole video, and while its frames arrive.

use tal_video::{Alignment, Fps, MinFrames, Tail};
use tal_video::{FrameRate, FrameRecipe, PlanError, TimeBase, Window, WindowStream, plan_windows};

/// A recipe of the native rate.
pub(crate) fn native(window: u32, stride: u32) -> FrameRecipe {
    FrameRecipe {
        fps: Fps::Native,
        rule: None,
        window,
        stride,
        interval: 1,
        align: Alignment::Start,
        tail: Tail::Drop,
        min_frames: MinFrames::AtLeast(1),
    }
}

/// The windows as the frames arrive, with the promises of decisions checked.
pub(crate) fn streamed(
    recipe: &FrameRecipe,
    base: TimeBase,
    rate: Option<FrameRate>,
    times: &[i64],
) -> Result<Vec<Window>, PlanError> {
    let mut stream = WindowStream::new(recipe, base, rate)?;
    let mut windows = Vec::new();
    let mut kept = std::collections::BTreeSet::new();
    let mut decided = 0;
    for step in 0..=times.len() {
        let decision = match times.get(step) {
            Some(&pts) => stream.push(pts)?,
            None => stream.finish()?,
        };
        if let Some(decision) = decision {
            assert_eq!(decision.frame, decided);
            decided += 1;
            if decision.needed {
                kept.insert(decision.frame);
            }
        }
        while let Some(window) = stream.next_window() {
            for frame in window.frames.iter().flatten() {
                assert!(
                    kept.contains(frame),
                    "frame {frame} of window {}",
                    window.index
                );
            }
            windows.push(window);
        }
        kept.retain(|&frame| frame >= stream.oldest_frame());
    }
    assert_eq!(stream.num_windows(), Some(windows.len() as u64));
    Ok(windows)
}

/// The windows by both ways.
pub(crate) fn planned(
    recipe: &FrameRecipe,
    base: TimeBase,
    rate: Option<FrameRate>,
    times: &[i64],
) -> Result<Vec<Window>, PlanError> {
    let windows = plan_windows(recipe, base, rate, times);
    assert_eq!(windows, streamed(recipe, base, rate, times));
    windows
}

/// Unit and rate of times that count frames.
pub(crate) fn unit(rate: u32) -> (TimeBase, Option<FrameRate>) {
    (TimeBase::new(1, rate).unwrap(), FrameRate::new(rate, 1))
}
