//! Segments of time and their overlap.

use num_traits::Float;
use serde::{Deserialize, Serialize};

/// A stretch of time from `start` to `end`.
///
/// # Units
/// Those of the owner: grid units in [`crate::Candidates`], seconds in [`crate::Detection`] and [`crate::Instance`].
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
pub struct Segment<F = f64> {
    /// Start.
    pub start: F,
    /// End; in checked data not before `start`.
    pub end: F,
}

impl<F: Float> Segment<F> {
    /// A segment from `start` to `end`, unchecked.
    pub fn new(start: F, end: F) -> Self {
        Self { start, end }
    }

    /// `end − start`; negative if the ends are swapped.
    pub fn length(self) -> F {
        self.end - self.start
    }

    /// The middle, `(start + end) / 2`.
    pub fn center(self) -> F {
        (self.start + self.end) / (F::one() + F::one())
    }

    /// Whether both ends are finite and in order (`start ≤ end`).
    pub fn is_ordered(self) -> bool {
        self.start.is_finite() && self.end.is_finite() && self.start <= self.end
    }

    /// Length of the common part of two segments, at least zero.
    ///
    /// # Units
    /// Those of the two segments.
    pub fn intersection(self, other: Self) -> F {
        (self.end.min(other.end) - self.start.max(other.start)).max(F::zero())
    }

    /// The part of the segment within `bounds`; a segment outside them becomes one of zero length at the nearer bound.
    pub fn clamp_to(self, bounds: Self) -> Self {
        let clamp = |value: F| value.max(bounds.start).min(bounds.end);
        Self::new(clamp(self.start), clamp(self.end))
    }

    /// Temporal intersection over union of two segments, `|a ∩ b| / |a ∪ b|`.
    ///
    /// Two empty segments at the same place give NaN (0/0); see [`tiou_from_parts`].
    pub fn tiou(self, other: Self) -> F {
        tiou_from_parts(
            self.intersection(other),
            self.length(),
            other.length(),
            F::zero(),
        )
    }
}

/// Temporal intersection over union from its parts: `inter / max(length_a + length_b − inter, min_union)`.
///
/// All crates compute the tIoU of numbers with this function. If `min_union` is zero, two empty segments give NaN; OpenTAD
/// guards with 1e-8. Suppression passes lengths that include its own small constant.
///
/// # Units
/// `inter`, both lengths and `min_union` in one unit; the result has none.
pub fn tiou_from_parts<F: Float>(inter: F, length_a: F, length_b: F, min_union: F) -> F {
    let union = length_a + length_b - inter;
    // Not `union.max(min_union)`: that would turn a NaN length into a number.
    inter / if union < min_union { min_union } else { union }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    #[test]
    fn tiou_of_known_pairs() {
        let a = Segment::new(0.0, 2.0);
        assert_relative_eq!(a.tiou(Segment::new(1.0, 3.0)), 1.0 / 3.0);
        assert_relative_eq!(a.tiou(a), 1.0);
        assert_eq!(a.tiou(Segment::new(2.0, 3.0)), 0.0);
        assert!(Segment::new(1.0, 1.0).tiou(Segment::new(1.0, 1.0)).is_nan());
        assert_eq!(tiou_from_parts(0.0, 0.0, 0.0, 1e-8), 0.0);
    }

    #[test]
    fn clamping_keeps_segments_inside() {
        let bounds = Segment::new(0.0, 10.0);
        assert_eq!(
            Segment::new(-1.0, 4.0).clamp_to(bounds),
            Segment::new(0.0, 4.0)
        );
        assert_eq!(Segment::new(11.0, 12.0).clamp_to(bounds).length(), 0.0);
    }

    fn segment() -> impl Strategy<Value = Segment> {
        (-1e3..1e3f64, 1e-3..1e3f64).prop_map(|(start, length)| Segment::new(start, start + length))
    }

    proptest! {
        #[test]
        fn tiou_is_symmetric_and_bounded(a in segment(), b in segment()) {
            let value = a.tiou(b);
            prop_assert!((0.0..=1.0 + 1e-12).contains(&value));
            prop_assert_eq!(value, b.tiou(a));
        }

        #[test]
        fn tiou_survives_shift_and_scale(
            a in segment(), b in segment(), shift in -1e3..1e3f64, scale in 0.1..10.0f64,
        ) {
            let map = |s: Segment| Segment::new(s.start * scale + shift, s.end * scale + shift);
            prop_assert!((a.tiou(b) - map(a).tiou(map(b))).abs() < 1e-6);
        }

        #[test]
        fn one_segment_inside_another_has_the_ratio_of_lengths(
            a in segment(), from in 0.0..1.0f64, to in 0.0..1.0f64,
        ) {
            let (from, to) = (from.min(to), from.max(to));
            prop_assume!(to - from > 1e-6);
            let inner = Segment::new(a.start + from * a.length(), a.start + to * a.length());
            prop_assert!((a.tiou(inner) - inner.length() / a.length()).abs() < 1e-9);
        }
    }
}
