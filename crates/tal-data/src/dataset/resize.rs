//! Features stretched or shrunk to another length.

use crate::FeatureArray;

/// Linear interpolation over time to `len` features; each feature stands for the middle of its share of the time, as in
/// PyTorch's `interpolate(mode="linear", align_corners=False)`.
///
/// With T features and x_j = max((j + ½)·T/len − ½, 0), i = min(⌊x_j⌋, T − 1) and λ = x_j − i:
/// `y_j = (1 − λ)·x_i + λ·x_min(i + 1, T − 1)`. Computed in `f32` like there; the same length gives the same values.
///
/// # Shapes
/// (C, T) to (C, `len`).
///
/// # Panics
/// If `len` or T is zero.
///
/// # Source
/// The authors' public code (`resize`).
pub fn linear(array: &FeatureArray, len: usize) -> FeatureArray {
    let from = array.len();
    assert!(from > 0 && len > 0, "{from} features to {len}");
    if from == len {
        return array.clone();
    }
    let scale = from as f32 / len as f32;
    let taps: Vec<(usize, usize, f32)> = (0..len)
        .map(|to| {
            let position = (scale * (to as f32 + 0.5) - 0.5).max(0.0);
            let left = (position as usize).min(from - 1);
            let share = (position - left as f32).clamp(0.0, 1.0);
            (left, (left + 1).min(from - 1), share)
        })
        .collect();
    let mut data = Vec::with_capacity(array.num_channels() * len);
    for c in 0..array.num_channels() {
        let row = array.channel(c);
        data.extend(
            taps.iter()
                .map(|&(left, right, share)| (1.0 - share) * row[left] + share * row[right]),
        );
    }
    FeatureArray::from_channel_first(data, array.num_channels(), len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn resized(values: &[f32], len: usize) -> Vec<f32> {
        let array = FeatureArray::from_channel_first(values.to_vec(), 1, values.len());
        linear(&array, len).data().to_vec()
    }

    /// Worked by hand.
    #[test]
    fn middles_are_interpolated_and_ends_held() {
        // T = 2, len = 4: x = −¼ → 0, ¼, ¾, 1¼ → beyond the last.
        assert_eq!(resized(&[0.0, 8.0], 4), [0.0, 2.0, 6.0, 8.0]);
        // T = 4, len = 2: x = ½, 2½.
        assert_eq!(resized(&[0.0, 1.0, 10.0, 20.0], 2), [0.5, 15.0]);
        // T = 5, len = 1: x = 2.
        assert_eq!(resized(&[0.0, 1.0, 7.0, 3.0, 4.0], 1), [7.0]);
        // T = 3, len = 6: x = 0, ¼, ¾, 1¼, 1¾, 2¼.
        assert_eq!(
            resized(&[0.0, 4.0, 16.0], 6),
            [0.0, 1.0, 3.0, 7.0, 13.0, 16.0]
        );
        assert_eq!(resized(&[5.0], 3), [5.0, 5.0, 5.0]);
    }

    #[test]
    fn channels_keep_apart() {
        let array = FeatureArray::from_channel_first(vec![0.0, 8.0, 100.0, 108.0], 2, 2);
        let resized = linear(&array, 4);
        assert_eq!(resized.channel(0), [0.0, 2.0, 6.0, 8.0]);
        assert_eq!(resized.channel(1), [100.0, 102.0, 106.0, 108.0]);
    }

    proptest! {
        #[test]
        fn straight_lines_stay_straight(from in 2..200usize, len in 1..200usize, slope in -2f32..2.0) {
            let line: Vec<f32> = (0..from).map(|t| slope * t as f32).collect();
            for (to, value) in resized(&line, len).into_iter().enumerate() {
                let middle = (to as f64 + 0.5) * from as f64 / len as f64 - 0.5;
                let expected = f64::from(slope) * middle.clamp(0.0, from as f64 - 1.0);
                prop_assert!((f64::from(value) - expected).abs() < 1e-3, "{} {}", value, expected);
            }
        }

        #[test]
        fn values_stay_within_their_neighbours(values in proptest::collection::vec(-9f32..9.0, 1..40), len in 1..80usize) {
            let (low, high) = values.iter().fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
            let out = resized(&values, len);
            prop_assert_eq!(out.len(), len);
            prop_assert!(out.iter().all(|v| (low - 1e-5..=high + 1e-5).contains(v)));
            if len == values.len() {
                prop_assert_eq!(out, values);
            }
        }
    }
}
