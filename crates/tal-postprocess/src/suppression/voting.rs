//! Voting: the candidates around a detection move its ends.

use tal_core::Segment;
use tal_core::config::{VotingConfig, VotingWeight};

use super::row::Row;

/// Margin of the threshold in the bounds of starts of voters, far larger than the rounding of a tIoU in `f32`.
const THRESHOLD_MARGIN: f64 = 1e-4;

/// Candidates that vote, as they were before suppression.
pub(super) struct Voters<'a> {
    rows: &'a [Row],
    /// Start and position in `rows`, sorted by start.
    by_start: Vec<(f32, usize)>,
    config: VotingConfig,
}

impl<'a> Voters<'a> {
    pub(super) fn new(rows: &'a [Row], config: VotingConfig) -> Self {
        let starts = rows.iter().map(|row| row.segment.start);
        let mut by_start: Vec<(f32, usize)> = starts.zip(0..).collect();
        by_start.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        Self {
            rows,
            by_start,
            config,
        }
    }

    /// Weighted mean of the candidates whose tIoU with `segment` is at least the threshold.
    ///
    /// `Σ w·[start, end] / Σ w` with `w` the candidate's score before suppression, or that score times the tIoU. Sums are
    /// `f64`, in the order of the rows. The segment stays if the weights sum to 0 (all scores 0, or a segment without
    /// length).
    pub(super) fn vote(&self, segment: Segment<f32>) -> Segment<f32> {
        let near = self.near(segment);
        let mut sums = Sums::default();
        // Sorting pays only for a small part of the rows.
        if 4 * near.len() > self.rows.len() {
            for voter in self.rows {
                sums.add(segment, voter, &self.config);
            }
        } else {
            let votes = |position: &usize| {
                segment.tiou(self.rows[*position].segment) >= self.config.iou_threshold
            };
            let near = near.iter().map(|(_, position)| *position);
            let mut near: Vec<usize> = near.filter(votes).collect();
            near.sort_unstable();
            for position in near {
                sums.add(segment, &self.rows[position], &self.config);
            }
        }
        sums.mean().unwrap_or(segment)
    }

    /// All candidates whose tIoU with `segment` can reach the threshold, and some more.
    ///
    /// `inter / union ≥ t` implies `union ≤ l/t` and `inter ≥ t·l`, with `l` the length of `segment`. So a voter starts at
    /// most `l/t − l` before `segment` and at most `l − t·l` after its start.
    fn near(&self, segment: Segment<f32>) -> &[(f32, usize)] {
        let threshold = f64::from(self.config.iou_threshold) - THRESHOLD_MARGIN;
        if threshold <= 0.0 || threshold.is_nan() {
            return &self.by_start;
        }
        let (start, end) = (f64::from(segment.start), f64::from(segment.end));
        let length = end - start;
        let least = start - length * (1.0 / threshold - 1.0);
        let most = start + length * (1.0 - threshold);
        let all = &self.by_start;
        let from = all.partition_point(|(start, _)| f64::from(*start) < least);
        let num_near = all[from..].partition_point(|(start, _)| f64::from(*start) <= most);
        &all[from..][..num_near]
    }
}

#[derive(Default)]
struct Sums {
    weight: f64,
    start: f64,
    end: f64,
}

impl Sums {
    fn add(&mut self, segment: Segment<f32>, voter: &Row, config: &VotingConfig) {
        let tiou = segment.tiou(voter.segment);
        if tiou >= config.iou_threshold {
            let weight = f64::from(match config.weight {
                VotingWeight::Score => voter.score,
                VotingWeight::ScoreIou => voter.score * tiou,
            });
            self.weight += weight;
            self.start += weight * f64::from(voter.segment.start);
            self.end += weight * f64::from(voter.segment.end);
        }
    }

    fn mean(&self) -> Option<Segment<f32>> {
        let [start, end] = [self.start, self.end].map(|sum| (sum / self.weight) as f32);
        (self.weight > 0.0).then(|| Segment::new(start, end))
    }
}
