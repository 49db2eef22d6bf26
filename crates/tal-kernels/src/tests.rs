//! Inputs of the tests.

use std::mem::MaybeUninit;

/// Numbers between −√3 and √3, of mean 0 and variance 1.
pub(crate) fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 24) as f32
    };
    for _ in 0..8 {
        next();
    }
    (0..count)
        .map(|_| (2.0 * next() - 1.0) * 3f32.sqrt())
        .collect()
}

/// The values that `fill` writes.
pub(crate) fn build(
    count: usize,
    fill: impl FnOnce(&mut [MaybeUninit<f32>]) -> &mut [f32],
) -> Vec<f32> {
    let mut values = vec![MaybeUninit::uninit(); count];
    let written = fill(&mut values);
    assert_eq!(written.len(), count);
    written.to_vec()
}

/// All cases, of which an interpreter runs those up to the third only.
pub(crate) fn cases<T>(all: &[T]) -> &[T] {
    if cfg!(miri) {
        &all[..all.len().min(3)]
    } else {
        all
    }
}

/// The largest difference from what was expected.
pub(crate) fn error(ours: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(ours.len(), expected.len());
    let differences = ours.iter().zip(expected).map(|(ours, expected)| {
        let difference = (f64::from(*ours) - expected).abs();
        assert!(!difference.is_nan(), "{ours} is not {expected}");
        difference
    });
    differences.fold(0.0, f64::max)
}

/// A convolution in float64 with zero padding, x \[b, c, stride · t + j − padding\] of every input channel and tap.
///
/// # Shapes
/// (B, in, T · stride), (out, in, taps), (out) → (B, out, T)
pub(crate) fn convolution(
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    [outputs, inputs, kernel]: [usize; 3],
    len: usize,
) -> Vec<f64> {
    let batch = x.len() / (inputs * len);
    let mut y = Vec::with_capacity(batch * outputs * len);
    for sample in x.chunks_exact(inputs * len).take(batch) {
        for output in 0..outputs {
            let start = bias.map_or(0.0, |bias| f64::from(bias[output]));
            let mut row = vec![start; len];
            for (input, x) in sample.chunks_exact(len).enumerate() {
                let taps = &weight[(output * inputs + input) * kernel..][..kernel];
                for (tap, weight) in taps.iter().enumerate() {
                    for (t, sum) in row.iter_mut().enumerate() {
                        let position = (t + tap).checked_sub(kernel / 2);
                        if let Some(x) = position.and_then(|position| x.get(position)) {
                            *sum += f64::from(*weight) * f64::from(*x);
                        }
                    }
                }
            }
            y.extend(row);
        }
    }
    y
}
