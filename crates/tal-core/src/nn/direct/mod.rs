//! Dense layers in registers, on processors with AVX2 or AVX-512.
//!
//! Sums of some output channels at some positions stay in registers while the input's channels pass by. The input is packed
//! into panels, so that what these positions read lies together; all taps read the same panel, shifted. Kernels are read as
//! they are. For gradients of weights the same loops add up over positions: sums of some output channels and some input channels
//! stay in registers.

mod convolution;
mod kernel;
mod mlp;
mod transposition;
mod weight_gradient;

use std::mem::MaybeUninit;
use std::ops::Range;

use tal_torch::parallel;
use tch::Tensor;

use super::host;

pub(super) use convolution::convolve;
pub use mlp::gelu_mlp;
pub(super) use transposition::transposed;
pub(super) use weight_gradient::{Taps, weight_gradient};

/// Positions of a sequence below which LibTorch is faster.
const MIN_LEN: i64 = 16;

/// Below this many multiplications, waking other threads takes longer than the work.
const MIN_PARALLEL: usize = 1 << 23;

/// Weights of a layer with K taps.
#[derive(Debug, Clone, Copy)]
struct Layer<'a, const K: usize> {
    /// (out, in, K)
    weight: &'a [f32],
    /// (out)
    bias: Option<&'a [f32]>,
    inputs: usize,
    outputs: usize,
}

impl<'a, const K: usize> Layer<'a, K> {
    /// Reads contiguous float32 tensors in main memory, (out, in, K) and (out), in place.
    ///
    /// # Safety
    /// That of [`host::values`].
    unsafe fn new(weight: &'a Tensor, bias: Option<&'a Tensor>) -> Self {
        let (outputs, inputs, _) = weight.size3().expect("a convolution's kernels");
        Layer {
            // SAFETY: the caller's promise.
            weight: unsafe { host::known_values(weight) },
            // SAFETY: as above.
            bias: bias.map(|bias| unsafe { host::known_values(bias) }),
            inputs: inputs as usize,
            outputs: outputs as usize,
        }
    }

    /// What the sums of some output channels start from.
    fn start<const ROWS: usize>(&self, first_output: usize) -> [f32; ROWS] {
        std::array::from_fn(|row| {
            let bias = self.bias.and_then(|bias| bias.get(first_output + row));
            bias.copied().unwrap_or(0.0)
        })
    }

    /// The kernels of some output channels for a range of input channels. Rows beyond the last repeat it; their sums are to be
    /// dropped.
    fn kernels<const ROWS: usize>(
        &self,
        first_output: usize,
        inputs: Range<usize>,
    ) -> [&'a [[f32; K]]; ROWS] {
        std::array::from_fn(|row| {
            let output = (first_output + row).min(self.outputs - 1);
            let kernels = &self.weight[(output * self.inputs + inputs.start) * K..];
            &kernels.as_chunks::<K>().0[..inputs.len()]
        })
    }
}

/// Threads for so many multiplications: LibTorch's, or this one alone.
fn num_threads(multiplications: usize) -> usize {
    if multiplications < MIN_PARALLEL {
        1
    } else {
        parallel::num_threads()
    }
}

/// Cuts `output`, rows of `len` positions, into tasks of `rows` rows and `columns` positions: the pieces of each, by rows first,
/// then positions. Groups of `sample` rows are cut by themselves.
fn cut<T>(output: &mut [T], len: usize, [sample, rows, columns]: [usize; 3]) -> Vec<Vec<&mut [T]>> {
    let (parts, ranges) = (sample.div_ceil(rows), len.div_ceil(columns));
    let num_samples = output.len() / (sample * len);
    let mut tasks = Vec::new();
    tasks.resize_with(num_samples * parts * ranges, || Vec::with_capacity(rows));
    for (row, output) in output.chunks_exact_mut(len).enumerate() {
        let first = (row / sample * parts + row % sample / rows) * ranges;
        for (task, piece) in tasks[first..].iter_mut().zip(output.chunks_mut(columns)) {
            task.push(piece);
        }
    }
    tasks
}

/// Makes `packed` what K taps read at `width` positions from `first` on: panels of some positions, one after the other, with a
/// row for each row of `x`, zero beyond its ends.
///
/// # Shapes
/// `x` (C, T) with T = `len` → ⌈`width` / COLUMNS⌉ panels of (C, PANEL), PANEL = COLUMNS + K − 1.
fn pack<const K: usize, const PANEL: usize>(
    x: &[f32],
    len: usize,
    first: usize,
    width: usize,
    packed: &mut Vec<[f32; PANEL]>,
) {
    /// Panels that a row is read for at a time: neighbouring values come together, and what is written fits into the
    /// first-level cache's ways.
    const GROUP: usize = 6;
    let (padding, columns) = (K / 2, PANEL + 1 - K);
    let (depth, panels) = (x.len() / len, width.div_ceil(columns));
    packed.clear();
    packed.reserve(panels * depth);
    let places = packed.spare_capacity_mut();
    for group in (0..panels).step_by(GROUP) {
        let group = group..(group + GROUP).min(panels);
        for (number, row) in x.chunks_exact(len).enumerate() {
            for panel in group.clone() {
                let place = &mut places[panel * depth + number];
                let first = first + panel * columns;
                let start = first.wrapping_sub(padding);
                if first >= padding && start + PANEL <= len {
                    let row = &row[start..start + PANEL];
                    let mut values = [0.0; PANEL];
                    // Both widths are known when compiled, and become a few instructions.
                    values[..columns].copy_from_slice(&row[..columns]);
                    values[columns..].copy_from_slice(&row[columns..]);
                    place.write(values);
                } else {
                    place.write(std::array::from_fn(|column| {
                        let position = (first + column).checked_sub(padding);
                        let inside = position.and_then(|position| row.get(position));
                        inside.copied().unwrap_or(0.0)
                    }));
                }
            }
        }
    }
    // SAFETY: there is room for them, and every panel of every row was written.
    unsafe { packed.set_len(panels * depth) };
}

/// Writes the first values of a tile's row, all but for the last columns of an output.
#[inline]
fn write<const LANES: usize>(values: &[[f32; LANES]], places: &mut [MaybeUninit<f32>]) {
    for (values, places) in values.iter().zip(places.chunks_mut(LANES)) {
        // A width that is known when compiled becomes an instruction.
        if let Ok(places) = <&mut [MaybeUninit<f32>; LANES]>::try_from(&mut *places) {
            *places = values.map(MaybeUninit::new);
        } else {
            for (place, &value) in places.iter_mut().zip(values) {
                place.write(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tch::nn::VarStore;
    use tch::{Device, Kind};

    use super::*;
    use crate::nn::{Conv1d, Conv1dConfig};

    #[test]
    fn threads_do_not_change_results() {
        tch::manual_seed(3);
        let vs = VarStore::new(Device::Cpu);
        let layer = |name: &str, from, to, kernel| {
            Conv1d::new(&(vs.root() / name), Conv1dConfig::new(from, to, kernel))
        };
        let wide = layer("wide", 64, 250, 3);
        let (expand, contract) = (layer("expand", 64, 250, 1), layer("contract", 250, 64, 1));
        let x = Tensor::randn([2, 64, 1000], (Kind::Float, Device::Cpu));
        let gradient = Tensor::randn([2, 250, 1000], (Kind::Float, Device::Cpu));
        let taps = Taps {
            count: 3,
            stride: 1,
            padding: 1,
        };
        let before = tch::get_num_threads();
        let run = |num_threads| {
            tch::set_num_threads(num_threads);
            let (weight, bias) = (&wide.weight, wide.bias.as_ref());
            let results = tch::no_grad(|| {
                [
                    convolve(&x, weight, bias),
                    weight_gradient(&x, &gradient, taps),
                    Some(gelu_mlp(&x, &expand, &contract)),
                ]
            });
            tch::set_num_threads(before);
            results
        };
        assert_eq!(run(1), run(3));
    }
}
