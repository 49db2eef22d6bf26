//! Curves over the frames of a recording.

/// `(v − m) / (M − m)` with `M = max(0, max v)` and `m = max(0, min v)`; `v − m` if `M = m`. `clip` clamps it to 0 … 1.
pub(super) fn normalized(values: &[f32], clip: bool) -> Vec<f32> {
    let greatest = values.iter().copied().fold(0.0, f32::max);
    let least = values.iter().copied().fold(f32::INFINITY, f32::min);
    let least = least.max(0.0);
    let range = match greatest > least {
        true => greatest - least,
        false => 1.0,
    };
    let scaled = values.iter().map(|value| (value - least) / range);
    match clip {
        true => scaled.map(|value| value.clamp(0.0, 1.0)).collect(),
        false => scaled.collect(),
    }
}

/// Linear interpolation to `len` values. Each value stands at the middle of its share of the time; beyond the outermost
/// middles the curve is constant.
///
/// # Panics
/// If `values` is empty.
pub(super) fn resize(values: &[f32], len: usize) -> Vec<f32> {
    let last = values.len() - 1;
    let scale = values.len() as f64 / len as f64;
    (0..len)
        .map(|to| {
            let position = ((to as f64 + 0.5) * scale - 0.5).clamp(0.0, last as f64);
            let left = position as usize;
            let share = (position - left as f64) as f32;
            let right = (left + 1).min(last);
            (1.0 - share) * values[left] + share * values[right]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_curves_are_shifted_by_nothing() {
        assert_eq!(normalized(&[-1.0, 1.0, 4.0], false), [-0.25, 0.25, 1.0]);
        assert_eq!(normalized(&[-1.0, 1.0, 4.0], true), [0.0, 0.25, 1.0]);
        assert_eq!(normalized(&[2.0, 3.0, 6.0], false), [0.0, 0.25, 1.0]);
        assert_eq!(normalized(&[-3.0, -2.0], false), [-3.0, -2.0]);
        assert_eq!(normalized(&[5.0, 5.0], false), [0.0, 0.0]);
    }

    #[test]
    fn values_between_middles_are_interpolated_and_ends_are_constant() {
        assert_eq!(resize(&[0.0, 8.0], 4), [0.0, 2.0, 6.0, 8.0]);
        assert_eq!(resize(&[0.0, 1.0, 10.0, 20.0], 2), [0.5, 15.0]);
        assert_eq!(resize(&[7.0], 3), [7.0, 7.0, 7.0]);
        assert_eq!(resize(&[1.0, 2.0, 4.0], 3), [1.0, 2.0, 4.0]);
    }
}
