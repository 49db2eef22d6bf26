//! The points of a pyramid: where its levels look at the recording.

use std::ops::RangeInclusive;

/// One level of a [`PointGrid`].
///
/// # Units
/// `stride` and `range` in grid units (features of level 0).
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// Distance of two neighbouring points, `2^l`.
    pub stride: u32,
    /// Distances from a point to the further end of an action that the level is responsible for, both inclusive.
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
}

/// The points of all levels for one padded length, made on the fly for any length.
///
/// # Source
/// Section D.1 of the method's specification.
#[derive(Debug, Clone, PartialEq)]
pub struct PointGrid {
    levels: Vec<Level>,
    num_points: usize,
}

impl PointGrid {
    /// Points for a padded length of `padded_len` features; level `l` has `padded_len / 2^l` of them.
    ///
    /// # Panics
    /// Where `padded_len` is not divisible by the stride of the last level; [`PointGrid::length_unit`] is the divisor.
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

    /// What a padded length must be divisible by for `num_levels` levels: `2^(L−1)`.
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
    #[should_panic(expected = "not divisible by the stride 4")]
    fn indivisible_lengths_are_refused() {
        PointGrid::new(6, &[[0.0, 4.0]; 3]);
    }
}
