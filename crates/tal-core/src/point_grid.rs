//! The points of a pyramid, at which its levels look at the recording.

use std::ops::RangeInclusive;

use crate::Segment;

/// One level of a [`PointGrid`].
///
/// # Units
/// `stride` and `range` in grid units (features of level 0).
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// Distance of two neighbouring points, `2^l`.
    pub stride: u32,
    /// Distances from a point to the farther end of an action that the level is responsible for, both inclusive.
    pub range: RangeInclusive<f32>,
    /// Number of points, padding included.
    pub len: usize,
    /// Index of the level's first point when all levels stand one after another, level 0 first.
    pub offset: usize,
}

impl Level {
    /// Grid position of the level's point `index`: `index · stride`, without a half-stride shift.
    pub fn position(&self, index: usize) -> f32 {
        index as f32 * self.stride as f32
    }

    /// Points that an action claims, as indices within the level, in ascending order.
    ///
    /// A point at t belongs to the action [S, E] with centre c if, with the level's stride s and range `lo..=hi`,
    ///
    /// - `min(t − max(c − ρ·s, S), min(c + ρ·s, E) − t) > 0` (ρ = `center_radius`; without it `min(t − S, E − t) > 0`), and
    /// - `lo ≤ max(t − S, E − t) ≤ hi`.
    ///
    /// Several actions may claim one point; the caller decides between them.
    ///
    /// # Units
    /// `segment` in grid units, `center_radius` in strides of the level.
    ///
    /// # Source
    /// The authors' public code; float32 throughout, as the original.
    pub fn claimed_points(
        &self,
        segment: Segment<f32>,
        center_radius: Option<f32>,
    ) -> impl Iterator<Item = usize> {
        let stride = self.stride as f32;
        let (low, high) = match center_radius {
            Some(radius) => {
                let center = 0.5 * (segment.start + segment.end);
                (
                    (center - radius * stride).max(segment.start),
                    (center + radius * stride).min(segment.end),
                )
            }
            None => (segment.start, segment.end),
        };
        // Only a bracket (casts saturate at zero); the filter below decides.
        let first = (low / stride).floor() as usize;
        let last = ((high / stride).ceil() as usize).saturating_add(1);
        (first..last.min(self.len)).filter(move |&index| {
            let position = self.position(index);
            let farther = (position - segment.start).max(segment.end - position);
            (position - low).min(high - position) > 0.0 && self.range.contains(&farther)
        })
    }
}

/// The points of all levels for one padded length.
///
/// # Source
/// The authors' public code.
#[derive(Debug, Clone, PartialEq)]
pub struct PointGrid {
    levels: Vec<Level>,
    num_points: usize,
}

impl PointGrid {
    /// Points for a padded length of `padded_len` features; level `l` has `padded_len / 2^l` of them.
    ///
    /// # Panics
    /// If `padded_len` is not a multiple of the last level's stride, [`PointGrid::length_unit`].
    pub fn new(padded_len: usize, regression_range: &[[f32; 2]]) -> Self {
        let mut offset = 0;
        let levels = regression_range
            .iter()
            .enumerate()
            .map(|(l, range)| {
                let stride = 1usize << l;
                assert!(
                    padded_len.is_multiple_of(stride),
                    "a padded length of {padded_len} is not divisible by the stride {stride} of level {l}"
                );
                let len = padded_len / stride;
                let level = Level {
                    stride: stride as u32,
                    range: range[0]..=range[1],
                    len,
                    offset,
                };
                offset += len;
                level
            })
            .collect();
        Self {
            levels,
            num_points: offset,
        }
    }

    /// Divisor of padded lengths for `num_levels` levels, `2^(L−1)`: the stride of the last level.
    pub fn length_unit(num_levels: usize) -> usize {
        1 << num_levels.saturating_sub(1)
    }

    /// The levels, finest first.
    pub fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// Number of points of all levels.
    pub fn num_points(&self) -> usize {
        self.num_points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_halve_and_follow_one_another() {
        let grid = PointGrid::new(2304, &[[0.0, 4.0]; 6]);
        let lens: Vec<_> = grid.levels().iter().map(|l| l.len).collect();
        assert_eq!(lens, [2304, 1152, 576, 288, 144, 72]);
        assert_eq!(grid.num_points(), 4536);
        assert_eq!(grid.levels()[2].offset, 2304 + 1152);
        assert_eq!(grid.levels()[3].position(2), 16.0);
        assert_eq!(PointGrid::length_unit(6), 32);
    }

    #[test]
    fn actions_claim_points_near_their_centre_and_of_their_size() {
        let grid = PointGrid::new(16, &[[0.0, 4.0], [4.0, 8.0]]);
        let claims = |level: usize, start, end, radius| {
            let points = grid.levels()[level].claimed_points(Segment::new(start, end), radius);
            points.collect::<Vec<_>>()
        };
        // Centre 6, radius 1.5: 4.5 < t < 7.5 on level 0, 3 < t < 9 on level 1. A distance of 4 matches both ranges.
        assert_eq!(claims(0, 2.0, 10.0, Some(1.5)), [6]);
        assert_eq!(claims(1, 2.0, 10.0, Some(1.5)), [2, 3, 4]);
        // Without radius every point inside, its border excluded.
        assert_eq!(claims(0, 3.0, 6.0, None), [4, 5]);
        assert!(claims(0, 20.0, 22.0, None).is_empty());
        assert!(claims(0, -9.0, -5.0, None).is_empty());
    }

    #[test]
    #[should_panic(expected = "not divisible by the stride 4")]
    fn indivisible_lengths_are_refused() {
        PointGrid::new(6, &[[0.0, 4.0]; 3]);
    }
}
