//! Kernels for the way back through a convolution.

use std::mem::MaybeUninit;

use crate::rows::written;
use crate::threads::{self, Threads, for_each};

/// Input channels that are written together: neighbouring kernels of an output channel are read at a time.
const GROUP: usize = 16;

/// Kernels from outputs to inputs with the taps in reverse order, which the gradient of a convolution's input is convolved
/// with. Writes every value of `out`.
///
/// # Shapes
/// `weight` (out, in, K) → `out` (in, out, K).
///
/// # Panics
/// If the sizes differ.
pub fn transpose_kernels<'o, const K: usize>(
    threads: &dyn Threads,
    weight: &[f32],
    [outputs, inputs]: [usize; 2],
    out: &'o mut [MaybeUninit<f32>],
) -> &'o mut [f32] {
    let count = outputs * inputs * K;
    assert!(
        weight.len() == count && out.len() == count,
        "{} weights to {} are not those from {inputs} to {outputs} channels with {K} taps",
        weight.len(),
        out.len()
    );
    if count == 0 {
        return &mut [];
    }
    let (kernels, _) = weight.as_chunks::<K>();
    let (values, _) = out.as_chunks_mut::<K>();
    let groups = values.chunks_mut(GROUP * outputs).enumerate();
    let num_threads = threads::for_values(threads, count);
    for_each(
        threads,
        num_threads,
        groups,
        || (),
        |(), (group, values)| {
            for (output, kernels) in kernels.chunks_exact(inputs).enumerate() {
                let kernels = &kernels[group * GROUP..];
                for (row, kernel) in values.chunks_exact_mut(outputs).zip(kernels) {
                    for (place, &value) in row[output].iter_mut().zip(kernel.iter().rev()) {
                        place.write(value);
                    }
                }
            }
        },
    );
    // SAFETY: all kernels of all channels were written.
    unsafe { written(out) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{build, cases, noise};
    use crate::threads::ScopedThreads;

    fn check<const K: usize>() {
        let sizes = cases(&[(5, 3), (0, 4), (1, 1), (20, 40), (33, 16), (4, 0)]);
        for &(outputs, inputs) in sizes {
            let weight = noise(1, outputs * inputs * K);
            let ours = build(weight.len(), |out| {
                transpose_kernels::<K>(&ScopedThreads(2), &weight, [outputs, inputs], out)
            });
            for (index, value) in ours.into_iter().enumerate() {
                let (input, rest) = (index / (outputs * K), index % (outputs * K));
                let (output, tap) = (rest / K, rest % K);
                assert_eq!(value, weight[(output * inputs + input) * K + K - 1 - tap]);
            }
        }
    }

    #[test]
    fn rows_become_columns_and_taps_turn_round() {
        check::<1>();
        check::<3>();
    }
}
