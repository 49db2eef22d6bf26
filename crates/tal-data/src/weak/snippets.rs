//! Recordings of any length as a fixed number of snippets.

use std::collections::BTreeSet;
use std::sync::Arc;

use tal_core::TimeGrid;

use crate::dataset::resize;
use crate::{FeatureArray, Features};

/// The features of a recording brought to `num_snippets` time steps, and how many seconds these share out evenly: snippet i
/// of T stands for the time from i/T to (i + 1)/T of them.
///
/// Linear interpolation between the middles of the steps, see [`resize::linear`]: the convention by which the published method
/// brings its class curves to the number of frames. (Its features come resampled; how is not published.) Features that have
/// the length already are shared, not copied.
///
/// # Shapes
/// (C, T) to (C, `num_snippets`).
///
/// # Units
/// Seconds: those that the features cover, from the first window's begin to the last one's end, see [`covered_seconds`].
///
/// # Panics
/// If `num_snippets` is zero.
pub fn resampled_snippets(features: &Features, num_snippets: usize) -> (Arc<FeatureArray>, f64) {
    let seconds = covered_seconds(&features.grid, features.array.len());
    let array = if features.array.len() == num_snippets {
        Arc::clone(&features.array)
    } else {
        Arc::new(resize::linear(&features.array, num_snippets))
    };
    (array, seconds)
}

/// The seconds that `num_features` windows cover: `((T − 1) · feat_stride + num_frames) / fps`.
///
/// This is the recording's duration where its features were brought to one length (`feat_stride: null`), and otherwise less
/// by what is too short for another window.
///
/// # Units
/// Seconds.
pub fn covered_seconds(grid: &TimeGrid, num_features: usize) -> f64 {
    let [fps, stride, window] = [grid.fps, grid.feat_stride, grid.num_frames].map(f64::from);
    let frames = num_features.saturating_sub(1) as f64 * stride + window;
    // One feature of no frames (`num_frames: 0`) would have no extent at all.
    (if frames > 0.0 { frames } else { stride }) / fps
}

/// The snippets in which clicks lie, ascending, each once: ⌊t / `covered` · T⌋, at most T − 1.
///
/// Clicks behind the covered time are in the last snippet: the recording is too short for another window there.
///
/// # Units
/// `seconds` and `covered` in seconds.
///
/// # Panics
/// If `num_snippets` is zero.
pub fn clicked_snippets(seconds: &[f64], covered: f64, num_snippets: usize) -> Vec<usize> {
    assert!(num_snippets > 0, "no snippets to click on");
    let snippet = |click: &f64| {
        let place = click / covered * num_snippets as f64;
        (place as usize).min(num_snippets - 1)
    };
    let snippets: BTreeSet<usize> = seconds.iter().map(snippet).collect();
    snippets.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_covered_time_is_that_of_all_windows() {
        let grid = TimeGrid {
            fps: 50.0,
            feat_stride: 25.0,
            num_frames: 50.0,
        };
        assert_eq!(covered_seconds(&grid, 59), 30.0);
        let frames = TimeGrid {
            fps: 15.0,
            feat_stride: 1.0,
            num_frames: 1.0,
        };
        assert_eq!(covered_seconds(&frames, 450), 30.0);
        let points = TimeGrid {
            num_frames: 0.0,
            ..frames
        };
        assert_eq!(covered_seconds(&points, 1), 1.0 / 15.0);
    }

    #[test]
    fn clicks_fall_into_the_snippet_of_their_time() {
        // Ten seconds in four snippets of 2.5 s.
        let seconds = [0.0, 2.4, 2.5, 7.5, 7.6, 9.99, 10.0, 10.4];
        assert_eq!(clicked_snippets(&seconds, 10.0, 4), [0, 1, 3]);
        assert!(clicked_snippets(&[], 10.0, 4).is_empty());
        assert_eq!(clicked_snippets(&[3.0], 10.0, 1), [0]);
    }

    proptest! {
        #[test]
        fn snippets_are_in_range_ascending_and_hold_their_clicks(
            seconds in proptest::collection::vec(0.0..200.0f64, 0..20), covered in 0.01..200.0f64, len in 1..1000usize,
        ) {
            let found = clicked_snippets(&seconds, covered, len);
            prop_assert!(found.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(found.iter().all(|snippet| *snippet < len));
            prop_assert_eq!(found.is_empty(), seconds.is_empty());
            for click in &seconds {
                let holds = |snippet: &usize| {
                    let (from, to) = (*snippet as f64, *snippet as f64 + 1.0);
                    let place = click / covered * len as f64;
                    (from <= place && place < to) || (*snippet == len - 1 && place >= to)
                };
                prop_assert!(found.iter().any(holds));
            }
        }

        #[test]
        fn the_middle_of_a_snippet_is_in_it(len in 1..2000usize, at in 0.0..1.0f64, covered in 0.1..5000.0f64) {
            let snippet = ((at * len as f64) as usize).min(len - 1);
            let middle = (snippet as f64 + 0.5) / len as f64 * covered;
            prop_assert_eq!(clicked_snippets(&[middle], covered, len), [snippet]);
        }
    }
}
