//! Detections in seconds, from candidates in grid units.

use tal_core::{Candidates, Detection, Segment, TimeGrid};

/// Detections in seconds, within the recording, from candidates in grid units.
///
/// Ends are converted by [`TimeGrid::segment_to_seconds`] in `f32`, widened to `f64` and clamped to 0 … `duration`. Order
/// and scores stay. A candidate outside the recording becomes a detection without length. Without a duration there is no
/// upper bound; a negative duration counts as 0.
///
/// # Units
/// `candidates` in grid units, `duration` and the result in seconds.
///
/// # Source
/// The authors' public code (conversion to seconds).
pub fn to_detections(
    candidates: &Candidates,
    grid: &TimeGrid,
    duration: Option<f64>,
) -> Vec<Detection> {
    let bounds = Segment::new(0.0, duration.unwrap_or(f64::INFINITY).max(0.0));
    (0..candidates.len())
        .map(|row| Detection {
            segment: grid
                .segment_to_seconds(candidates.segment(row))
                .clamp_to(bounds),
            label: candidates.label[row],
            score: f64::from(candidates.score[row]),
        })
        .collect()
}

/// The candidates cut to 0 … `duration`, without those of which nothing is left.
///
/// Before suppression, so that candidates outside the recording take no place among those that are kept. The released code cuts
/// detections afterwards.
///
/// # Units
/// `candidates` and the result in grid units, `duration` in seconds.
pub fn clamp_to_recording(candidates: &Candidates, grid: &TimeGrid, duration: f64) -> Candidates {
    let bounds = Segment::new(grid.to_grid(0.0), grid.to_grid(duration.max(0.0)));
    let mut kept = Candidates::with_capacity(candidates.len());
    for row in 0..candidates.len() {
        let Segment { start, end } = candidates.segment(row);
        let segment = Segment::new(
            start.clamp(bounds.start, bounds.end),
            end.clamp(bounds.start, bounds.end),
        );
        // Suppression refuses ends that are no numbers.
        let nothing_left = segment.end <= segment.start;
        if !nothing_left {
            kept.push(segment, candidates.score[row], candidates.label[row]);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: TimeGrid = TimeGrid {
        fps: 10.0,
        feat_stride: 4.0,
        num_frames: 8.0,
    };

    fn candidates(segments: &[(f32, f32)]) -> Candidates {
        let mut candidates = Candidates::default();
        for (row, &(start, end)) in segments.iter().enumerate() {
            candidates.push(Segment::new(start, end), 0.5 / (row + 1) as f32, row as u32);
        }
        candidates
    }

    #[test]
    fn grid_units_become_seconds_inside_the_recording() {
        // (g · 4 + 4) / 10: −3 → −0.8 → 0, 4 → 2, 1.5 → 1, 24 → 10 → 9.5, 30 → 12.4 → 9.5, 40 → 16.4 → 9.5.
        let found = to_detections(
            &candidates(&[(-3.0, 4.0), (1.5, 24.0), (30.0, 40.0)]),
            &GRID,
            Some(9.5),
        );
        let segments: Vec<_> = found
            .iter()
            .map(|d| (d.segment.start, d.segment.end))
            .collect();
        assert_eq!(segments, [(0.0, 2.0), (1.0, 9.5), (9.5, 9.5)]);
        assert_eq!(found[1].score, 0.25);
        assert_eq!(found[2].label, 2);
    }

    #[test]
    fn candidates_outside_of_the_recording_go_before_selection() {
        let all = candidates(&[
            (-3.0, 4.0),
            (30.0, 40.0),
            (1.5, 24.0),
            (-9.0, -4.0),
            (5.0, 5.0),
        ]);
        let cut = clamp_to_recording(&all, &GRID, 9.5);
        // 0 s lies at −1, 9.5 s at 22.75.
        assert_eq!(cut.start, [-1.0, 1.5]);
        assert_eq!(cut.end, [4.0, 22.75]);
        assert_eq!(cut.label, [0, 2]);
        let found = to_detections(&cut, &GRID, Some(9.5));
        assert!(found.iter().all(|one| one.segment.length() > 0.0));
    }

    #[test]
    fn without_a_duration_only_the_start_is_bounded() {
        let found = to_detections(&candidates(&[(-3.0, 999.0)]), &GRID, None);
        assert_eq!(found[0].segment, Segment::new(0.0, 400.0));
    }
}
