//! Cuts of recordings, and the parts of actions in each clip.

use std::ops::Range;

use tal_core::{Instance, Segment};

/// Shorter parts of actions come from rounding, in seconds.
const ROUNDING: f64 = 1e-6;

/// The parts of `0 .. num_units`, each `length` long and `stride` after the one before; the last is shorter where half a
/// length is left, and else the one before it takes the rest. Together they cover everything.
///
/// # Panics
/// If `stride` is zero or above `length`, or `num_units` is zero.
pub fn windows(num_units: usize, length: usize, stride: usize) -> Vec<Range<usize>> {
    assert!(num_units > 0 && (1..=length).contains(&stride));
    let mut windows: Vec<Range<usize>> = Vec::new();
    let mut start = 0usize;
    loop {
        let end = start.saturating_add(length).min(num_units);
        if let Some(last) = windows.last_mut()
            && 2 * (end - start) < length
        {
            last.end = num_units;
            return windows;
        }
        windows.push(start..end);
        if end == num_units {
            return windows;
        }
        start += stride;
    }
}

/// The units of a recording's features, or the samples of its signal, in time.
///
/// # Units
/// Seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Units {
    /// Time between the begins of two units.
    pub stride: f64,
    /// Time that one unit covers, at least `stride`.
    pub window: f64,
}

impl Units {
    /// The time that units cover, from the first one's begin to the last one's end.
    pub fn span(&self, units: &Range<usize>) -> Segment {
        let start = units.start as f64 * self.stride;
        let last = units.end.saturating_sub(1) as f64 * self.stride;
        Segment::new(start, last + self.window)
    }
}

/// Parts of a recording's actions in a clip, in the clip's time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ClipActions {
    /// The actions that count.
    pub actions: Vec<Instance>,
    /// Remainders of others.
    pub cut_off: Vec<Instance>,
}

/// The parts of `actions` within a clip; one counts if it lasts at least `min_share` of the action, or of the clip if
/// that is shorter than the action.
///
/// With `min_share` up to 0.5 and clips that cover the recording every action counts in a clip at least: a shorter one lies in
/// two clips at most.
pub fn actions_within(clip: Segment, actions: &[Instance], min_share: f64) -> ClipActions {
    let mut found = ClipActions::default();
    for action in actions {
        let whole = action.segment;
        let touches = whole.intersection(clip) > ROUNDING;
        let short_inside =
            whole.length() <= ROUNDING && clip.start <= whole.start && whole.start < clip.end;
        if !touches && !short_inside {
            continue;
        }
        let part = whole.clamp_to(clip);
        let own = Instance {
            segment: Segment::new(part.start - clip.start, part.end - clip.start),
            label: action.label,
        };
        // A rounding error must not decide about an action that lies in the clip as a whole.
        let needed = min_share * whole.length().min(clip.length());
        if part == whole || part.length() >= needed {
            found.actions.push(own);
        } else {
            found.cut_off.push(own);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn action(start: f64, end: f64) -> Instance {
        Instance {
            segment: Segment::new(start, end),
            label: 4,
        }
    }

    #[test]
    fn the_end_is_a_clip_or_goes_to_the_last() {
        assert_eq!(windows(30, 10, 10), [0..10, 10..20, 20..30]);
        assert_eq!(windows(35, 10, 10), [0..10, 10..20, 20..30, 30..35]);
        assert_eq!(windows(34, 10, 10), [0..10, 10..20, 20..34]);
        assert_eq!(windows(3, 10, 10), std::slice::from_ref(&(0..3)));
        assert_eq!(windows(24, 10, 5), [0..10, 5..15, 10..20, 15..24]);
        assert_eq!(windows(21, 10, 6), [0..10, 6..16, 12..21]);
        assert_eq!(windows(23, 10, 9), [0..10, 9..19, 18..23]);
        assert_eq!(windows(22, 10, 9), [0..10, 9..22]);
    }

    #[test]
    fn actions_count_by_their_share() {
        let clip = Segment::new(10.0, 20.0);
        let all = [
            action(0.0, 10.0),
            action(7.0, 11.0),
            action(8.0, 12.0),
            action(12.0, 13.0),
            action(19.0, 22.0),
            action(0.0, 40.0),
            action(15.0, 15.0),
            action(20.0, 20.0),
            action(0.0, 14.0),
        ];
        let found = actions_within(clip, &all, 0.5);
        let ends = |list: &[Instance]| -> Vec<(f64, f64)> {
            let segments = list.iter().map(|action| action.segment);
            segments.map(|s| (s.start, s.end)).collect()
        };
        assert_eq!(
            ends(&found.actions),
            [(0.0, 2.0), (2.0, 3.0), (0.0, 10.0), (5.0, 5.0)]
        );
        assert_eq!(ends(&found.cut_off), [(0.0, 1.0), (9.0, 10.0), (0.0, 4.0)]);
        assert!(found.actions.iter().all(|action| action.label == 4));
    }

    proptest! {
        #[test]
        fn clips_cover_the_recording(n in 1..500usize, length in 1..100usize, share in 0.01..=1.0f64) {
            let stride = ((length as f64 * share) as usize).max(1);
            let windows = windows(n, length, stride);
            prop_assert_eq!(windows[0].start, 0);
            prop_assert_eq!(windows[windows.len() - 1].end, n);
            for pair in windows.windows(2) {
                prop_assert_eq!(pair[1].start, pair[0].start + stride);
                prop_assert!(pair[1].start <= pair[0].end && pair[0].end < pair[1].end);
            }
            for window in &windows {
                prop_assert!(2 * window.len() < 3 * length + 2);
                prop_assert!(2 * window.len() >= length || windows.len() == 1);
            }
        }

        #[test]
        fn clips_without_overlap_partition_time(n in 1..500usize, length in 1..100usize, stride in 0.01..2.0f64) {
            let windows = windows(n, length, length);
            let units = Units { stride, window: stride };
            let spans: Vec<Segment> = windows.iter().map(|window| units.span(window)).collect();
            prop_assert_eq!(spans[0].start, 0.0);
            prop_assert!((spans[spans.len() - 1].end - n as f64 * stride).abs() < 1e-9);
            for pair in spans.windows(2) {
                prop_assert!((pair[0].end - pair[1].start).abs() < 1e-9);
            }
        }

        #[test]
        fn no_action_is_lost_and_no_moment_of_one(
            ends in proptest::collection::vec((0..2000u32, 1..400u32), 1..6), length in 1..60usize, min_share in 0.0..=0.5f64,
        ) {
            // Tenths of seconds; an action ends with the recording.
            let units = Units { stride: 1.0, window: 1.0 };
            let n = 200;
            for (index, (start, len)) in ends.iter().enumerate() {
                let start = f64::from(*start) / 10.0;
                let end = (start + f64::from(*len) / 10.0).min(n as f64);
                let one = [Instance { segment: Segment::new(start, end), label: index as u32 }];
                let mut counted = 0;
                let mut seconds = 0.0;
                for window in windows(n, length, length) {
                    let clip = units.span(&window);
                    let found = actions_within(clip, &one, min_share);
                    counted += found.actions.len();
                    for part in found.actions.iter().chain(&found.cut_off) {
                        prop_assert!(part.segment.start >= 0.0 && part.segment.end <= clip.length() + 1e-9);
                        seconds += part.segment.length();
                    }
                }
                prop_assert!(counted >= 1);
                prop_assert!((seconds - (end - start)).abs() < 1e-9);
            }
        }
    }
}
