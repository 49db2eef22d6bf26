//! Training annotations that reach beyond the last feature.

use tal_core::config::BeyondFeatures;
use tal_core::{Segment, TimeGrid};

/// The actions that training takes of a recording with `len` features, see [`BeyondFeatures`].
///
/// `drop_and_clip`: with v = T + ½·w/σ, an action [s, e] stays where s < v and (min(e, v) − s)/(e − s) ≥ `trunc_thresh`; it
/// then ends at min(e, v). If none is left, there are none (the released code fails).
/// `clip`: an action stays where s < T and ends at min(e, T); if none is left all stay as they are.
///
/// # Units
/// Grid units.
///
/// # Source
/// The authors' public code (ActivityNet and HACS, training).
pub(super) fn cut_off(
    actions: Vec<(Segment<f32>, u32)>,
    rule: BeyondFeatures,
    len: usize,
    grid: &TimeGrid,
    trunc_thresh: f64,
) -> Vec<(Segment<f32>, u32)> {
    match rule {
        BeyondFeatures::Keep => actions,
        BeyondFeatures::DropAndClip => {
            let half_window = 0.5 * f64::from(grid.num_frames) / f64::from(grid.feat_stride);
            let limit = len as f64 + half_window;
            let covered = |segment: &Segment<f32>| {
                let (start, end) = (f64::from(segment.start), f64::from(segment.end));
                // Without length the share is NaN, and the action is dropped.
                start < limit && (end.min(limit) - start) / (end - start) >= trunc_thresh
            };
            clipped(&actions, covered, limit as f32)
        }
        BeyondFeatures::Clip => {
            let limit = len as f32;
            let kept = clipped(&actions, |segment| segment.start < limit, limit);
            if kept.is_empty() { actions } else { kept }
        }
    }
}

fn clipped(
    actions: &[(Segment<f32>, u32)],
    stays: impl Fn(&Segment<f32>) -> bool,
    limit: f32,
) -> Vec<(Segment<f32>, u32)> {
    actions
        .iter()
        .filter(|(segment, _)| stays(segment))
        .map(|(segment, label)| {
            let ends = Segment::new(segment.start.min(limit), segment.end.min(limit));
            (ends, *label)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// w / σ = 2: the limit of `drop_and_clip` lies one grid unit behind the last feature.
    const GRID: TimeGrid = TimeGrid {
        fps: 15.0,
        feat_stride: 8.0,
        num_frames: 16.0,
    };

    fn cut(ends: &[(f32, f32)], rule: BeyondFeatures, trunc_thresh: f64) -> Vec<(f32, f32, u32)> {
        let actions = ends
            .iter()
            .enumerate()
            .map(|(label, (start, end))| (Segment::new(*start, *end), label as u32))
            .collect();
        cut_off(actions, rule, 10, &GRID, trunc_thresh)
            .into_iter()
            .map(|(segment, label)| (segment.start, segment.end, label))
            .collect()
    }

    const ENDS: [(f32, f32); 6] = [
        (-1.0, 4.0),
        (8.0, 14.0),
        (9.0, 14.0),
        (10.5, 11.5),
        (11.0, 12.0),
        (3.0, 3.0),
    ];

    #[test]
    fn keeping_changes_nothing() {
        assert_eq!(cut(&ENDS, BeyondFeatures::Keep, 0.5).len(), 6);
    }

    #[test]
    fn activity_net_drops_what_is_mostly_outside() {
        // Limit 10 + ½ · 16/8 = 11. Covered: all; 3 of 6; 2 of 5; half; nothing; no length.
        let expected = [(-1.0, 4.0, 0), (8.0, 11.0, 1), (10.5, 11.0, 3)];
        assert_eq!(cut(&ENDS, BeyondFeatures::DropAndClip, 0.5), expected);
        let outside = [(11.0, 12.0), (30.0, 40.0)];
        assert!(cut(&outside, BeyondFeatures::DropAndClip, 0.5).is_empty());
    }

    #[test]
    fn hacs_clips_and_falls_back_to_all() {
        let expected = [
            (-1.0, 4.0, 0),
            (8.0, 10.0, 1),
            (9.0, 10.0, 2),
            (3.0, 3.0, 5),
        ];
        assert_eq!(cut(&ENDS, BeyondFeatures::Clip, 0.5), expected);
        let outside = [(10.0, 12.0), (30.0, 40.0)];
        assert_eq!(
            cut(&outside, BeyondFeatures::Clip, 0.5),
            [(10.0, 12.0, 0), (30.0, 40.0, 1)]
        );
    }

    proptest! {
        #[test]
        fn what_lies_inside_is_never_touched(
            ends in proptest::collection::vec((-2f32..30.0, 0.1f32..20.0), 0..8), thresh in 0.0..=1.0f64,
        ) {
            let ends: Vec<_> = ends.into_iter().map(|(s, l)| (s, s + l)).collect();
            for (rule, limit) in [(BeyondFeatures::DropAndClip, 11.0), (BeyondFeatures::Clip, 10.0)] {
                let kept = cut(&ends, rule, thresh);
                let inside = |(_, end): &(f32, f32)| *end <= limit;
                let any_starts = ends.iter().any(|(start, _)| *start < limit);
                for (label, (start, end)) in ends.iter().enumerate().filter(|(_, e)| inside(e)) {
                    prop_assert!(kept.contains(&(*start, *end, label as u32)));
                }
                if rule == BeyondFeatures::DropAndClip || any_starts {
                    prop_assert!(kept.iter().all(|(start, end, _)| start < &limit && end <= &limit));
                } else {
                    prop_assert_eq!(kept.len(), ends.len());
                }
            }
        }
    }
}
