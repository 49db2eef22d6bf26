//! Kernels for the way back through a convolution.

use std::mem::MaybeUninit;

use tal_torch::parallel;
use tch::Tensor;

use crate::nn::host;

/// Input channels that are written together: neighbouring kernels of an output channel are read at a time.
const GROUP: usize = 16;

/// Kernels from outputs to inputs, every tap the other way round: what the gradient of a convolution's input is convolved with.
///
/// # Shapes
/// (out, in, kernel) → (in, out, kernel).
pub(in crate::nn) fn transposed(weight: &Tensor) -> Tensor {
    match weight.size3() {
        Ok((outputs, inputs, kernel)) if host::are_plain([weight]) => {
            let sizes = [outputs, inputs].map(|size| size as usize);
            match kernel {
                1 => fast::<1>(weight, sizes),
                3 => fast::<3>(weight, sizes),
                _ => plain(weight),
            }
        }
        _ => plain(weight),
    }
}

/// By LibTorch.
fn plain(weight: &Tensor) -> Tensor {
    weight.flip([2]).transpose(0, 1).contiguous()
}

/// With the number of taps known when compiled.
fn fast<const K: usize>(weight: &Tensor, [outputs, inputs]: [usize; 2]) -> Tensor {
    let weight = weight.detach().contiguous();
    // SAFETY: nobody writes to the inputs of an operation while it runs.
    let kernels = unsafe { host::known_values(&weight) }.as_chunks::<K>().0;
    let write = |values: &mut [MaybeUninit<f32>]| {
        let values = values.as_chunks_mut::<K>().0;
        let num_threads = host::num_threads(kernels.len() * K);
        let groups = values.chunks_mut(GROUP * outputs).enumerate();
        parallel::for_each(
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
    };
    // SAFETY: all kernels of all channels are written.
    unsafe { host::build(&[inputs, outputs, K], write) }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    #[test]
    fn kernels_are_those_of_libtorch() {
        let options = (Kind::Float, Device::Cpu);
        for kernel in [1, 3, 5] {
            for (outputs, inputs) in [(1, 1), (5, 3), (20, 40), (33, 16), (0, 4), (4, 0)] {
                let weight = Tensor::randn([outputs, inputs, kernel], options);
                assert_eq!(transposed(&weight), plain(&weight));
            }
        }
        let double = Tensor::randn([2, 3, 3], (Kind::Double, Device::Cpu));
        assert_eq!(transposed(&double), plain(&double));
    }
}
