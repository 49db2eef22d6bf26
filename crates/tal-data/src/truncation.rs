//! Cutting training recordings: long ones to the padded length, others to a random share of theirs.

use std::collections::BTreeSet;

use chacha20::rand_core::Rng;
use tal_core::Segment;
use tal_core::config::TruncationConfig;

use crate::rng::{uniform_inclusive, unit};

/// A window of a recording and the actions that stay in it.
///
/// # Units
/// `start` and `len` in features; `segments` in grid units of the window.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Its first feature.
    pub start: usize,
    /// Its number of features.
    pub len: usize,
    /// Indices of the actions that stay, ascending.
    pub kept: Vec<usize>,
    /// The segments of these actions, clipped to the window and moved so that it begins at 0.
    pub segments: Vec<Segment<f32>>,
}

/// Chooses a window of a recording of `len` features; `None` leaves the recording whole.
///
/// With T features and the limit m = `max_seq_len`:
/// * T ≤ m: whole without `crop_ratio` [a, b]; otherwise m is drawn from max(⌊aT⌉, 1) … min(⌊bT⌉, T), and m = T means whole
///   (⌊·⌉ rounds halves to even);
/// * st is drawn from 0 … T − m until at least one action stays in [st, st + m]: |window ∩ action| / |action| ≥
///   `trunc_thresh`; with `keep_whole` until in addition no action lies partly inside. The last of `max_tries` windows is
///   taken as it is.
///
/// A recording without actions gets the first window that is drawn. Ratios are computed in `f32`.
///
/// # Units
/// `len` and `max_seq_len` in features, `segments` in grid units.
///
/// # Panics
/// If `max_seq_len` is zero.
///
/// # Source
/// The authors' public code.
pub fn choose_window(
    len: usize,
    segments: &[Segment<f32>],
    max_seq_len: usize,
    config: &TruncationConfig,
    rng: &mut impl Rng,
) -> Option<Window> {
    let labels = vec![0; segments.len()];
    choose_balanced_window(len, segments, &labels, max_seq_len, config, rng)
}

/// [`choose_window`] which, with the probability `balanced`, draws from the windows that hold the middle of one action; the class
/// of that action is drawn evenly from the classes of the recording.
///
/// # Units
/// `len` and `max_seq_len` in features, `segments` in grid units.
///
/// # Panics
/// If `max_seq_len` is zero, or there are not as many labels as segments.
pub(crate) fn choose_balanced_window(
    len: usize,
    segments: &[Segment<f32>],
    labels: &[u32],
    max_seq_len: usize,
    config: &TruncationConfig,
    rng: &mut impl Rng,
) -> Option<Window> {
    assert!(max_seq_len > 0, "max_seq_len is at least 1");
    assert_eq!(segments.len(), labels.len(), "one label per segment");
    let window_len = if len > max_seq_len {
        max_seq_len
    } else {
        let window_len = cropped_len(len, config.crop_ratio?, rng);
        if window_len == len {
            return None;
        }
        window_len
    };
    let (first, last) = starts(len, window_len, segments, labels, config.balanced, rng);
    let mut tries = config.max_tries.max(1);
    loop {
        tries -= 1;
        let start = uniform_inclusive(rng, first as u64, last as u64) as usize;
        let (window, accepted) = Window::at(start, window_len, segments, config);
        if accepted || tries == 0 {
            return Some(window);
        }
    }
}

/// The first and last start of the windows to draw from.
fn starts(
    len: usize,
    window_len: usize,
    segments: &[Segment<f32>],
    labels: &[u32],
    balanced: f64,
    rng: &mut impl Rng,
) -> (usize, usize) {
    let all = (0, len - window_len);
    // No draw if this is off: the stream is that of the released order.
    if balanced == 0.0 || segments.is_empty() || unit(rng) >= balanced {
        return all;
    }
    let mut drawn = |count: usize| uniform_inclusive(rng, 0, count as u64 - 1) as usize;
    let classes: Vec<u32> = labels
        .iter()
        .copied()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let class = classes[drawn(classes.len())];
    let actions = segments
        .iter()
        .zip(labels)
        .filter(|(_, label)| **label == class);
    let actions: Vec<&Segment<f32>> = actions.map(|(segment, _)| segment).collect();
    let middle = actions[drawn(actions.len())].center();
    let middle = (middle.max(0.0) as usize).min(len - 1);
    let first = (middle + 1).saturating_sub(window_len);
    (first.min(all.1), middle.min(all.1))
}

/// A uniform length of max(⌊a·len⌉, 1) … min(⌊b·len⌉, len).
fn cropped_len(len: usize, [a, b]: [f64; 2], rng: &mut impl Rng) -> usize {
    let share = |ratio: f64| (ratio * len as f64).round_ties_even() as usize;
    let low = share(a).max(1).min(len);
    let high = share(b).min(len).max(low);
    uniform_inclusive(rng, low as u64, high as u64) as usize
}

impl Window {
    /// The window `start .. start + len`, and whether it may be taken before the tries are used up.
    fn at(
        start: usize,
        len: usize,
        segments: &[Segment<f32>],
        config: &TruncationConfig,
    ) -> (Self, bool) {
        let bounds = Segment::new(start as f32, (start + len) as f32);
        let mut window = Self {
            start,
            len,
            kept: Vec::new(),
            segments: Vec::new(),
        };
        let mut cuts = false;
        for (index, segment) in segments.iter().enumerate() {
            // Without length the ratio is NaN, and the action stays out.
            let ratio = bounds.intersection(*segment) / segment.length();
            cuts |= ratio > 0.0 && ratio < 1.0;
            // Above zero, or a threshold of zero would keep actions outside the window, turned around.
            if ratio > 0.0 && ratio >= config.trunc_thresh as f32 {
                let inside = Segment::new(
                    segment.start.max(bounds.start) - bounds.start,
                    segment.end.min(bounds.end) - bounds.start,
                );
                window.kept.push(index);
                window.segments.push(inside);
            }
        }
        let holds_action = !window.kept.is_empty() || segments.is_empty();
        (window, holds_action && !(config.keep_whole && cuts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream};
    use proptest::prelude::*;

    fn config(trunc_thresh: f64, crop_ratio: Option<[f64; 2]>) -> TruncationConfig {
        TruncationConfig {
            trunc_thresh,
            crop_ratio,
            max_tries: 200,
            keep_whole: false,
            balanced: 0.0,
        }
    }

    fn rng(seed: u64) -> chacha20::ChaCha8Rng {
        stream(seed, 0, 0, Purpose::Truncation)
    }

    #[test]
    fn short_recordings_stay_whole_without_crop_ratio() {
        let segments = [Segment::new(0.0, 5.0)];
        assert_eq!(
            choose_window(10, &segments, 10, &config(0.5, None), &mut rng(0)),
            None
        );
        assert_eq!(
            choose_window(
                1,
                &segments,
                10,
                &config(0.5, Some([0.9, 1.0])),
                &mut rng(0)
            ),
            None
        );
    }

    #[test]
    fn crop_lengths_span_the_rounded_shares() {
        // 0.9 · 25 = 22.5 rounds to 22 (half to even), 0.9 · 15 = 13.5 to 14.
        for (len, low) in [(25, 22), (15, 14), (100, 90)] {
            let mut seen = std::collections::BTreeSet::new();
            let mut rng = rng(3);
            for _ in 0..2000 {
                seen.insert(cropped_len(len, [0.9, 1.0], &mut rng));
            }
            assert_eq!(
                seen.into_iter().collect::<Vec<_>>(),
                (low..=len).collect::<Vec<_>>()
            );
        }
        // Shares below one feature keep one.
        assert_eq!(cropped_len(1, [0.1, 0.2], &mut rng(0)), 1);
    }

    #[test]
    fn all_starts_occur() {
        let mut rng = rng(1);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..1000 {
            let window = choose_window(
                14,
                &[Segment::new(0.0, 14.0)],
                10,
                &config(0.0, None),
                &mut rng,
            );
            seen.insert(window.unwrap().start);
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn an_action_that_never_fits_leaves_the_last_window_empty() {
        // The window covers a tenth of the action at best.
        let window = choose_window(
            100,
            &[Segment::new(0.0, 100.0)],
            10,
            &config(0.5, None),
            &mut rng(2),
        );
        assert!(window.unwrap().kept.is_empty());
        // Actions without length have no ratio.
        let window = choose_window(
            20,
            &[Segment::new(5.0, 5.0)],
            19,
            &config(0.0, None),
            &mut rng(2),
        );
        assert!(window.unwrap().kept.is_empty());
    }

    #[test]
    fn recordings_without_actions_take_one_draw() {
        let mut used = rng(4);
        let window = choose_window(30, &[], 10, &config(0.5, None), &mut used).unwrap();
        let mut one_draw = rng(4);
        assert_eq!(window.start as u64, uniform_inclusive(&mut one_draw, 0, 20));
        assert_eq!(used.next_u64(), one_draw.next_u64());
    }

    #[test]
    fn balanced_windows_hold_rare_classes_as_often_as_others() {
        // 30 short actions of class 0 in front, one of class 1 far behind.
        let mut segments: Vec<_> = (0..30)
            .map(|i| Segment::new(i as f32 * 10.0, i as f32 * 10.0 + 4.0))
            .collect();
        segments.push(Segment::new(950.0, 954.0));
        let labels: Vec<u32> = (0..31).map(|i| u32::from(i == 30)).collect();
        let mut counts = [0, 0];
        let mut plain = 0;
        for seed in 0..1000 {
            let balanced = TruncationConfig {
                balanced: 1.0,
                ..config(0.9, None)
            };
            let choose = |config| {
                choose_balanced_window(1000, &segments, &labels, 40, config, &mut rng(seed))
                    .unwrap()
            };
            let kept = choose(&balanced).kept;
            counts[0] += usize::from(kept.iter().any(|kept| labels[*kept] == 0));
            counts[1] += usize::from(kept.contains(&30));
            plain += usize::from(choose(&config(0.9, None)).kept.contains(&30));
        }
        assert!(
            counts[0].abs_diff(500) < 80 && counts[1].abs_diff(500) < 80,
            "{counts:?}"
        );
        assert!(plain < 200, "{plain}");
    }

    #[test]
    fn whole_actions_are_kept_whole() {
        let config = TruncationConfig {
            keep_whole: true,
            ..config(0.3, None)
        };
        let segments = [
            Segment::new(2.0, 6.0),
            Segment::new(10.0, 13.0),
            Segment::new(20.0, 29.0),
        ];
        for seed in 0..200 {
            let window = choose_window(40, &segments, 12, &config, &mut rng(seed)).unwrap();
            for (index, segment) in window.kept.iter().zip(&window.segments) {
                assert_eq!(segment.length(), segments[*index].length());
            }
        }
    }

    proptest! {
        #[test]
        fn windows_keep_what_they_must_and_nothing_else(
            seed: u64, len in 1..200usize, max_seq_len in 1..200usize, thresh in 0.05..1.0f64,
            crop: bool, ends in proptest::collection::vec((-5.0..205f32, 0.1..60f32), 0..6),
        ) {
            let config = config(thresh, crop.then_some([0.5, 1.0]));
            let segments: Vec<_> = ends.iter().map(|(s, l)| Segment::new(*s, s + l)).collect();
            let window = choose_window(len, &segments, max_seq_len, &config, &mut rng(seed));
            // The same stream gives the same window.
            prop_assert_eq!(&window, &choose_window(len, &segments, max_seq_len, &config, &mut rng(seed)));
            let Some(window) = window else {
                prop_assert!(len <= max_seq_len);
                return Ok(());
            };
            prop_assert!(window.start + window.len <= len && window.len >= 1 && window.len <= max_seq_len);
            prop_assert!(window.len < len);
            prop_assert_eq!(window.kept.len(), window.segments.len());
            let bounds = Segment::new(window.start as f32, (window.start + window.len) as f32);
            for (index, segment) in segments.iter().enumerate() {
                let ratio = bounds.intersection(*segment) / segment.length();
                prop_assert_eq!(window.kept.contains(&index), ratio >= thresh as f32);
            }
            for (index, inside) in window.kept.iter().zip(&window.segments) {
                prop_assert!(inside.is_ordered());
                prop_assert!(inside.start >= 0.0 && inside.end <= window.len as f32);
                let back = Segment::new(inside.start + bounds.start, inside.end + bounds.start);
                let expected = segments[*index].clamp_to(bounds);
                prop_assert!((back.start - expected.start).abs() < 1e-4 && (back.end - expected.end).abs() < 1e-4);
            }
        }
    }
}
