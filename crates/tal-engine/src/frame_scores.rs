//! Scores of the classes at every feature of a recording.

use tal_core::{Candidates, TimeGrid};

/// Scores of all classes over the time of a recording, at equal steps.
///
/// # Shapes
/// `values` is (T, C), row by row.
///
/// # Units
/// Seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameScores {
    /// The scores.
    pub values: Vec<f32>,
    /// Number of steps T.
    pub len: usize,
    /// Number of classes C.
    pub num_classes: usize,
    /// Middle of the first step.
    pub first: f64,
    /// Distance of two steps.
    pub step: f64,
}

impl FrameScores {
    /// For each feature and class, the highest score of a candidate that covers the middle of the feature; 0 if there is
    /// none.
    pub(crate) fn of_candidates(
        candidates: &Candidates,
        grid: &TimeGrid,
        (len, num_classes): (usize, usize),
    ) -> Self {
        let mut values = vec![0.0_f32; len * num_classes];
        for row in 0..candidates.len() {
            let segment = candidates.segment(row);
            let (label, score) = (candidates.label[row] as usize, candidates.score[row]);
            if label >= num_classes || segment.end < 0.0 {
                continue;
            }
            let first = segment.start.ceil().max(0.0) as usize;
            let last = (segment.end.floor() as usize + 1).min(len);
            for step in first..last {
                let value = &mut values[step * num_classes + label];
                *value = value.max(score);
            }
        }
        Self {
            values,
            len,
            num_classes,
            first: f64::from(grid.to_seconds(0.0)),
            step: f64::from(grid.feat_stride / grid.fps),
        }
    }

    /// The middle of a step.
    pub fn time(&self, step: usize) -> f64 {
        self.first + self.step * step as f64
    }

    /// The scores of all classes at a step.
    ///
    /// # Panics
    /// If there is no such step.
    pub fn row(&self, step: usize) -> &[f32] {
        &self.values[step * self.num_classes..][..self.num_classes]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tal_core::Segment;

    #[test]
    fn the_best_candidate_counts_where_it_lies() {
        let mut candidates = Candidates::default();
        candidates.push(Segment::new(-2.0, 1.5), 0.5, 0);
        candidates.push(Segment::new(1.0, 9.0), 0.25, 0);
        candidates.push(Segment::new(2.2, 2.8), 0.9, 1);
        candidates.push(Segment::new(3.0, 3.0), 0.8, 1);
        candidates.push(Segment::new(-3.0, -1.0), 0.7, 1);
        let grid = TimeGrid {
            fps: 10.0,
            feat_stride: 5.0,
            num_frames: 10.0,
        };
        let scores = FrameScores::of_candidates(&candidates, &grid, (4, 2));
        assert_eq!(scores.values, [0.5, 0.0, 0.5, 0.0, 0.25, 0.0, 0.25, 0.8]);
        assert_eq!((scores.time(0), scores.time(2)), (0.5, 1.5));
        assert_eq!(scores.row(3), [0.25, 0.8]);
    }
}
