//! Actions that the levels of a network learn from.

use tal_core::{Level, PointGrid, Segment};

/// Actions whose lengths differ by no more than this share a point (grid units).
const SAME_LENGTH: f32 = 1e-3;

/// How actions are given to the points of a network.
#[derive(Debug, Clone)]
pub(super) struct Assigner {
    regression_range: Vec<[f32; 2]>,
    center_radius: Option<f32>,
}

impl Assigner {
    pub(super) fn new(regression_range: &[[f32; 2]], center_radius: Option<f32>) -> Self {
        Self {
            regression_range: regression_range.to_vec(),
            center_radius,
        }
    }

    /// The points of a recording of `len` features that is not cut.
    pub(super) fn points(&self, len: usize) -> PointGrid {
        let unit = PointGrid::length_unit(self.regression_range.len());
        PointGrid::new(len.next_multiple_of(unit), &self.regression_range)
    }

    /// Whether a segment would claim a point of such a recording.
    ///
    /// # Units
    /// `segment` in grid units.
    pub(super) fn claims(&self, points: &PointGrid, len: usize, segment: Segment<f32>) -> bool {
        let levels = points.levels().iter();
        levels
            .flat_map(|level| self.claimed(level, len, segment))
            .next()
            .is_some()
    }

    /// Number of positive points of every segment on every level: of the segments that claim a point, the shortest has it,
    /// with those that are at most 0.001 longer.
    ///
    /// # Units
    /// `segments` in grid units.
    ///
    /// # Source
    /// The authors' public code.
    pub(super) fn positives(&self, len: usize, segments: &[Segment<f32>]) -> Vec<Vec<usize>> {
        let points = self.points(len);
        let mut counts = vec![vec![0; points.levels().len()]; segments.len()];
        for (l, level) in points.levels().iter().enumerate() {
            let mut claims: Vec<(usize, usize)> = Vec::new();
            for (index, segment) in segments.iter().enumerate() {
                let points = self.claimed(level, len, *segment);
                claims.extend(points.map(|point| (point, index)));
            }
            claims.sort_unstable();
            for claims in claims.chunk_by(|a, b| a.0 == b.0) {
                let length = |(_, index): &(usize, usize)| segments[*index].length();
                let shortest = claims.iter().map(length).fold(f32::INFINITY, f32::min);
                for claim in claims {
                    if length(claim) <= shortest + SAME_LENGTH {
                        counts[claim.1][l] += 1;
                    }
                }
            }
        }
        counts
    }

    /// Points of a level that a segment claims, without the padding, which is not learned from.
    fn claimed(
        &self,
        level: &Level,
        len: usize,
        segment: Segment<f32>,
    ) -> impl Iterator<Item = usize> {
        let stride = level.stride as usize;
        level
            .claimed_points(segment, self.center_radius)
            .filter(move |point| point * stride < len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_claim_counts_and_padding_does_not() {
        let assigner = Assigner::new(&[[0.0, 4.0], [4.0, 8.0]], None);
        let segments = [
            Segment::new(1.5, 5.5),
            Segment::new(2.5, 4.5),
            Segment::new(2.5, 4.5),
            Segment::new(6.5, 20.0),
        ];
        let counts = assigner.positives(9, &segments);
        // Points 2 and 5; 3 and 4 are the shorter ones', which share them.
        assert_eq!(counts[..3], [[2, 0], [2, 0], [2, 0]]);
        // 13.5 long: no point is near enough to both ends within the recording.
        assert_eq!(counts[3], [0, 0]);
        // 8 and 9 are the farther ends' distances of the second level's point 6 (position 12): it lies in the padding.
        let long = Assigner::new(&[[0.0, 4.0], [4.0, 9.0]], None);
        assert_eq!(long.positives(9, &segments)[3], [0, 0]);
        assert_eq!(long.positives(14, &segments)[3], [0, 1]);
    }

    #[test]
    fn a_recording_without_features_has_no_points() {
        let assigner = Assigner::new(&[[0.0, 4.0]], Some(1.5));
        assert_eq!(assigner.positives(0, &[Segment::new(0.5, 2.5)]), [[0]]);
    }
}
