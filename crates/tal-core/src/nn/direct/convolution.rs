//! Convolution along time.

use std::mem::MaybeUninit;
use std::ops::Range;

use tal_torch::parallel;
use tch::Tensor;

use super::kernel::{Instructions, Tile, accumulate};
use super::{Layer, MIN_LEN, cut, num_threads, pack};
use crate::nn::host;

/// Input channels times taps that are added up at a time. What a tile reads is a little more than the first-level cache, which
/// costs less than to load and store the sums more often.
const DEPTH: usize = 1536;

/// Positions at most that are packed together.
const MAX_POSITIONS: usize = 288;

/// Positions below which a task is too small.
const MIN_POSITIONS: usize = 64;

/// The convolution with zero padding that keeps the length; none for other kernels than 1 and 3, other kinds than float32, other
/// devices, short sequences, and processors without AVX2.
///
/// `benches/convolutions.rs` has both side by side.
///
/// # Shapes
/// (B, in, T), `weight` (out, in, kernel), `bias` (out) → (B, out, T).
pub(in crate::nn) fn convolve(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
) -> Option<Tensor> {
    convolve_with(Instructions::best()?, x, weight, bias)
}

/// [`convolve`] with instructions that the processor has.
fn convolve_with(
    instructions: Instructions,
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
) -> Option<Tensor> {
    if !host::are_plain([x, weight].into_iter().chain(bias)) {
        return None;
    }
    let ((batch, inputs, len), (outputs, read, kernel)) = (x.size3().ok()?, weight.size3().ok()?);
    // LibTorch has the words for what does not fit.
    let fits = read == inputs && bias.is_none_or(|bias| bias.size() == [outputs]);
    if !fits || batch * inputs * outputs == 0 || len < MIN_LEN {
        return None;
    }
    let run = match (instructions, kernel) {
        (Instructions::Avx2, 1) => run::<1, 16, 8, 2, 6>,
        (Instructions::Avx2, 3) => run::<3, 18, 8, 2, 6>,
        (Instructions::Avx512, 1) => run::<1, 48, 16, 3, 8>,
        (Instructions::Avx512, 3) => run::<3, 50, 16, 3, 8>,
        _ => return None,
    };
    // SAFETY: the processor has the instructions.
    Some(unsafe { run(x, weight, bias) })
}

/// The convolution of tensors that fit.
///
/// # Safety
/// The processor must have instructions for so many lanes.
unsafe fn run<
    const K: usize,
    const PANEL: usize,
    const LANES: usize,
    const VECTORS: usize,
    const ROWS: usize,
>(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
) -> Tensor {
    let [x, weight] = [x, weight].map(|tensor| tensor.detach().contiguous());
    let bias = bias.map(|bias| bias.detach().contiguous());
    // SAFETY: nobody writes to the inputs of an operation while it runs.
    let (values, layer) = unsafe {
        (
            host::known_values(&x),
            Layer::<K>::new(&weight, bias.as_ref()),
        )
    };
    let [batch, _, len] = [0, 1, 2].map(|axis| x.size()[axis] as usize);
    // SAFETY: `write` writes every value of the output; the caller's promise.
    unsafe {
        host::build(&[batch, layer.outputs, len], |y| {
            write::<K, PANEL, LANES, VECTORS, ROWS>(values, layer, len, y);
        })
    }
}

/// Writes every value of `output`, rows of `len` positions.
///
/// # Safety
/// That of [`run`].
unsafe fn write<
    const K: usize,
    const PANEL: usize,
    const LANES: usize,
    const VECTORS: usize,
    const ROWS: usize,
>(
    x: &[f32],
    layer: Layer<'_, K>,
    len: usize,
    output: &mut [MaybeUninit<f32>],
) {
    let columns = LANES * VECTORS;
    let (inputs, outputs) = (layer.inputs, layer.outputs);
    let batch = x.len() / (inputs * len);
    let num_threads = num_threads(x.len() * outputs * K);
    // Ranges of positions, and of output channels where there are not enough of these.
    let num_panels = len.div_ceil(columns);
    let wanted = host::num_tasks(num_threads);
    let panels = (batch * num_panels)
        .div_ceil(wanted)
        .clamp(MIN_POSITIONS / columns, MAX_POSITIONS / columns);
    let ranges = num_panels.div_ceil(panels);
    let num_blocks = outputs.div_ceil(ROWS);
    let parts = (wanted / 2).div_ceil(batch * ranges).clamp(1, num_blocks);
    let rows = num_blocks.div_ceil(parts) * ROWS;
    let parts = outputs.div_ceil(rows);
    let task = |buffer: &mut Vec<[f32; PANEL]>,
                (number, pieces): (usize, Vec<&mut [MaybeUninit<f32>]>)| {
        let (part, range) = (number / ranges % parts, number % ranges);
        let sample = number / (parts * ranges);
        let task = Task::<K> {
            layer,
            first_output: part * rows,
            x: &x[sample * inputs * len..][..inputs * len],
            first: range * panels * columns,
            len,
        };
        // SAFETY: the caller's promise.
        unsafe { task.write::<PANEL, LANES, VECTORS, ROWS>(pieces, buffer) };
    };
    let tasks = cut(output, len, [outputs, rows, panels * columns]);
    let tasks = tasks.into_iter().enumerate();
    parallel::for_each(num_threads, tasks, Vec::new, task);
}

/// Some output channels of one sample, at a range of positions.
struct Task<'a, const K: usize> {
    layer: Layer<'a, K>,
    first_output: usize,
    /// (in, T)
    x: &'a [f32],
    /// Position of the first column.
    first: usize,
    /// Number T of positions of the input.
    len: usize,
}

impl<const K: usize> Task<'_, K> {
    /// Writes all values of `rows`, one for each output channel.
    ///
    /// # Safety
    /// That of [`run`].
    unsafe fn write<
        const PANEL: usize,
        const LANES: usize,
        const VECTORS: usize,
        const ROWS: usize,
    >(
        &self,
        mut rows: Vec<&mut [MaybeUninit<f32>]>,
        buffer: &mut Vec<[f32; PANEL]>,
    ) {
        let width = rows[0].len();
        let all = self.layer.inputs;
        let mut tile: Tile<LANES, VECTORS, ROWS> = [[[0.0; LANES]; VECTORS]; ROWS];
        for input in (0..all).step_by(DEPTH / K) {
            let inputs = input..(input + DEPTH / K).min(all);
            let x = &self.x[inputs.start * self.len..inputs.end * self.len];
            pack::<K, PANEL>(x, self.len, self.first, width, buffer);
            for (panel, packed) in buffer.chunks_exact(inputs.len()).enumerate() {
                let first = panel * LANES * VECTORS;
                let columns = first..(first + LANES * VECTORS).min(width);
                for (block, rows) in rows.chunks_mut(ROWS).enumerate() {
                    let output = self.first_output + block * ROWS;
                    let start = (input == 0).then(|| self.layer.start(output));
                    if start.is_none() {
                        // SAFETY: the range of input channels from 0 on has written all values.
                        unsafe { read(rows, columns.clone(), &mut tile) };
                    }
                    let kernels = self.layer.kernels(output, inputs.clone());
                    // SAFETY: the caller's promise.
                    unsafe { accumulate(kernels, packed, start, &mut tile) };
                    for (tile, row) in tile.iter().zip(rows) {
                        super::write(tile, &mut row[columns.clone()]);
                    }
                }
            }
        }
    }
}

/// Reads some columns into a tile.
///
/// # Safety
/// They must have been written.
unsafe fn read<const LANES: usize, const VECTORS: usize, const ROWS: usize>(
    rows: &[&mut [MaybeUninit<f32>]],
    columns: Range<usize>,
    tile: &mut Tile<LANES, VECTORS, ROWS>,
) {
    for (tile, row) in tile.iter_mut().zip(rows) {
        let values = tile.as_flattened_mut().iter_mut();
        for (value, place) in values.zip(&row[columns.clone()]) {
            // SAFETY: the caller's promise.
            *value = unsafe { place.assume_init() };
        }
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;
    use crate::nn::direct::kernel::tests::each;

    #[test]
    fn computes_what_libtorch_computes() {
        each(computes_what_libtorch_computes_with);
    }

    fn computes_what_libtorch_computes_with(instructions: Instructions) {
        tch::manual_seed(7);
        let cases = [
            (1, 1, 1, 16),
            (2, 3, 5, 17),
            (1, 300, 7, 31),
            (3, 4, 6, 64),
            (1, 64, 20, 577),
            (2, 520, 13, 50),
            (1, 257, 300, 290),
            (5, 40, 12, 1000),
        ];
        for (batch, inputs, outputs, len) in cases {
            for kernel in [1, 3] {
                let options = (Kind::Float, Device::Cpu);
                let x = Tensor::randn([batch, inputs, len], options);
                let weight = Tensor::randn([outputs, inputs, kernel], options);
                let bias = Tensor::randn([outputs], options);
                for bias in [None, Some(&bias)] {
                    let ours = convolve_with(instructions, &x, &weight, bias).unwrap();
                    let expected = x
                        .to_kind(Kind::Double)
                        .conv1d(
                            &weight.to_kind(Kind::Double),
                            bias.map(|bias| bias.to_kind(Kind::Double)),
                            1,
                            kernel / 2,
                            1,
                            1,
                        )
                        .to_kind(Kind::Float);
                    assert_eq!(ours.size(), expected.size());
                    let error = (ours - expected).abs().max().double_value(&[]);
                    // Relative to what a value is in the mean.
                    let limit = 1e-5 * ((inputs * kernel) as f64).sqrt();
                    let name = (instructions, batch, inputs, outputs, len, kernel);
                    assert!(error < limit, "{name:?}: {error} above {limit}");
                }
            }
        }
    }

    #[test]
    fn other_convolutions_are_left_to_libtorch() {
        let options = (Kind::Float, Device::Cpu);
        let x = Tensor::randn([1, 4, 32], options);
        let weight = |size: [i64; 3]| Tensor::randn(size, options);
        let double = |tensor: &Tensor| tensor.to_kind(Kind::Double);
        assert!(convolve(&x, &weight([2, 4, 5]), None).is_none());
        assert!(convolve(&x, &weight([2, 3, 3]), None).is_none());
        assert!(convolve(&double(&x), &double(&weight([2, 4, 3])), None).is_none());
        assert!(convolve(&x.narrow(2, 0, 8), &weight([2, 4, 3]), None).is_none());
        let bias = Tensor::zeros([3], options);
        assert!(convolve(&x, &weight([2, 4, 3]), Some(&bias)).is_none());
    }
}
