//! Convolution along time on processors with AVX2.
//!
//! Weights and input are packed so that the innermost loop reads both in order, and sums of 6 output channels at 16 positions
//! stay in registers while the input's channels pass by; all taps read the same packed input, shifted.

use std::mem::MaybeUninit;

use rayon::prelude::*;
use tch::{Device, Kind, Tensor};

use super::host;

/// Output channels whose sums are in registers.
const ROWS: usize = 6;

/// Positions whose sums are in registers.
const COLUMNS: usize = 16;

/// What the taps read for these positions.
const PANEL: usize = COLUMNS + MAX_KERNEL - 1;

/// The widest kernel.
const MAX_KERNEL: usize = 3;

/// Values of the packed input that stay in the first-level cache: input channels times taps.
const DEPTH: usize = 768;

/// Blocks of [`ROWS`] whose packed weights stay in the second-level cache.
const BLOCKS: usize = 43;

/// Panels at most that are packed together.
const MAX_PANELS: usize = 18;

/// Panels below which the packed weights are not read often enough.
const MIN_PANELS: usize = 4;

/// Below this many multiplications, waking other threads takes longer than the work.
const MIN_PARALLEL: usize = 1 << 20;

/// Sums of [`ROWS`] channels at [`COLUMNS`] positions.
type Tile = [[f32; COLUMNS]; ROWS];

/// The convolution with zero padding that keeps the length, where this is faster than LibTorch's; none otherwise: for other
/// kernels than 1 and 3, other kinds than float32, other devices, and processors without AVX2, or with AVX-512, which LibTorch
/// uses.
///
/// With 512 channels, kernel 3 and 2304 positions it reaches nine tenths of the multiplications that two cores with AVX2 are
/// capable of, LibTorch's eight tenths; with few output channels, for which LibTorch uses one core, it takes half the time.
///
/// # Shapes
/// (B, in, T), `weight` (out, in, kernel), `bias` (out) → (B, out, T).
pub(super) fn direct(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Option<Tensor> {
    let is_plain = |tensor: &Tensor| tensor.device() == Device::Cpu && tensor.kind() == Kind::Float;
    if !is_supported() || ![x, weight].into_iter().chain(bias).all(is_plain) {
        return None;
    }
    let ([batch, inputs, len], [outputs, read, kernel]) = (sizes(x)?, sizes(weight)?);
    // LibTorch has the words for what does not fit.
    let fits = read == inputs && bias.is_none_or(|bias| bias.size() == [outputs as i64]);
    let sizes = Sizes {
        batch,
        inputs,
        outputs,
        len,
    };
    if !fits || batch * inputs * outputs == 0 || len < COLUMNS {
        return None;
    }
    match kernel {
        1 => Some(run::<1>(x, weight, bias, sizes)),
        3 => Some(run::<3>(x, weight, bias, sizes)),
        _ => None,
    }
}

fn sizes(tensor: &Tensor) -> Option<[usize; 3]> {
    let (a, b, c) = tensor.size3().ok()?;
    Some([a, b, c].map(|size| size as usize))
}

#[derive(Debug, Clone, Copy)]
struct Sizes {
    batch: usize,
    inputs: usize,
    outputs: usize,
    len: usize,
}

fn run<const K: usize>(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, sizes: Sizes) -> Tensor {
    let [x, weight] = [x, weight].map(|tensor| tensor.detach().contiguous());
    let bias = bias.map(|bias| bias.detach().contiguous());
    let plain = "a contiguous float32 tensor in main memory";
    // SAFETY: nobody writes to the inputs of an operation while it runs.
    let [x, weight] = [&x, &weight].map(|tensor| unsafe { host::values(tensor) }.expect(plain));
    // SAFETY: as above.
    let bias = bias
        .as_ref()
        .map(|bias| unsafe { host::values(bias) }.expect(plain));
    let size = [sizes.batch, sizes.outputs, sizes.len];
    // SAFETY: `convolve` writes every value of the output.
    unsafe { host::build(&size, |y| convolve::<K>(x, weight, bias, y, sizes)) }
}

/// Writes every value of `output`.
fn convolve<const K: usize>(
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    output: &mut [MaybeUninit<f32>],
    sizes: Sizes,
) {
    let Sizes {
        batch,
        inputs,
        outputs,
        len,
    } = sizes;
    let is_parallel = batch * inputs * outputs * len * K >= MIN_PARALLEL;
    let num_threads = if is_parallel {
        rayon::current_num_threads()
    } else {
        1
    };
    let weights = PackedWeights::<K>::new(weight, sizes, num_threads > 1);

    // A few tasks for each thread: ranges of positions, and of output channels where there are not enough of these.
    let num_panels = len.div_ceil(COLUMNS);
    let wanted = if num_threads > 1 { 4 * num_threads } else { 1 };
    let panels = (batch * num_panels)
        .div_ceil(wanted)
        .clamp(MIN_PANELS, MAX_PANELS);
    let ranges = num_panels.div_ceil(panels);
    let num_blocks = outputs.div_ceil(ROWS);
    let parts = (wanted / 2).div_ceil(batch * ranges).clamp(1, num_blocks);
    let blocks = num_blocks.div_ceil(parts);
    let parts = num_blocks.div_ceil(blocks);
    let mut tasks: Vec<Vec<&mut [MaybeUninit<f32>]>> = Vec::new();
    tasks.resize_with(batch * parts * ranges, || Vec::with_capacity(blocks * ROWS));
    for (row, output) in output.chunks_exact_mut(len).enumerate() {
        let (sample, channel) = (row / outputs, row % outputs);
        let first = (sample * parts + channel / (blocks * ROWS)) * ranges;
        for (task, piece) in tasks[first..]
            .iter_mut()
            .zip(output.chunks_mut(panels * COLUMNS))
        {
            task.push(piece);
        }
    }
    let task = |buffer: &mut Vec<[f32; PANEL]>,
                (number, rows): (usize, Vec<&mut [MaybeUninit<f32>]>)| {
        let (part, range) = (number / ranges % parts, number % ranges);
        let sample = number / (parts * ranges);
        let x = &x[sample * inputs * len..][..inputs * len];
        let task = Task {
            weights: &weights,
            first_block: part * blocks,
            x,
            first: range * panels * COLUMNS,
            len,
        };
        let rows = rows.into_iter().enumerate().map(|(row, piece)| {
            let start = bias.map_or(0.0, |bias| bias[part * blocks * ROWS + row]);
            host::filled(piece, start)
        });
        task.add(rows.collect(), buffer);
    };
    if num_threads == 1 {
        let mut buffer = Vec::new();
        for numbered in tasks.into_iter().enumerate() {
            task(&mut buffer, numbered);
        }
    } else {
        tasks
            .into_par_iter()
            .enumerate()
            .with_max_len(1)
            .for_each_init(Vec::new, task);
    }
}

/// Kernels in the order in which they are read.
struct PackedWeights<const K: usize> {
    /// By range of [`PackedWeights::DEPTH`] input channels, block of [`ROWS`] outputs, input channel, tap.
    values: Vec<[[f32; ROWS]; K]>,
    inputs: usize,
    num_blocks: usize,
}

impl<const K: usize> PackedWeights<K> {
    /// Input channels at a time.
    const DEPTH: usize = DEPTH / K;

    fn new(weight: &[f32], sizes: Sizes, is_parallel: bool) -> Self {
        let (inputs, outputs) = (sizes.inputs, sizes.outputs);
        let num_blocks = outputs.div_ceil(ROWS);
        let mut values = vec![[[0.0; ROWS]; K]; inputs * num_blocks];
        for (range, values) in values.chunks_mut(Self::DEPTH * num_blocks).enumerate() {
            let depth = values.len() / num_blocks;
            let pack = |(block, values): (usize, &mut [[[f32; ROWS]; K]])| {
                // Rows beyond the last repeat it; their sums are dropped.
                let rows: [&[f32]; ROWS] = std::array::from_fn(|row| {
                    let output = (block * ROWS + row).min(outputs - 1);
                    &weight[(output * inputs + range * Self::DEPTH) * K..][..depth * K]
                });
                for (index, value) in values.as_flattened_mut().iter_mut().enumerate() {
                    *value = rows.map(|row| row[index]);
                }
            };
            if is_parallel {
                values
                    .par_chunks_mut(depth)
                    .with_min_len(8)
                    .enumerate()
                    .for_each(pack);
            } else {
                values.chunks_mut(depth).enumerate().for_each(pack);
            }
        }
        PackedWeights {
            values,
            inputs,
            num_blocks,
        }
    }

    /// Ranges of input channels, each with the weights of all blocks.
    fn ranges(&self) -> impl Iterator<Item = (usize, &[[[f32; ROWS]; K]])> {
        let ranges = self.values.chunks(Self::DEPTH * self.num_blocks);
        (0..self.inputs).step_by(Self::DEPTH).zip(ranges)
    }
}

/// Some output channels of one sample, at a range of positions.
struct Task<'a, const K: usize> {
    weights: &'a PackedWeights<K>,
    first_block: usize,
    /// (in, T)
    x: &'a [f32],
    /// Position of the first column.
    first: usize,
    /// Number T of positions of the input.
    len: usize,
}

impl<const K: usize> Task<'_, K> {
    /// Adds the products to `rows`, one for each output channel.
    fn add(&self, mut rows: Vec<&mut [f32]>, buffer: &mut Vec<[f32; PANEL]>) {
        let width = rows[0].len();
        let num_panels = width.div_ceil(COLUMNS);
        for (input, weights) in self.weights.ranges() {
            let depth = weights.len() / self.weights.num_blocks;
            buffer.resize(num_panels * depth, [0.0; PANEL]);
            for (panel, packed) in buffer.chunks_exact_mut(depth).enumerate() {
                self.pack(input, self.first + panel * COLUMNS, packed);
            }
            let weights = &weights[self.first_block * depth..];
            for (rows, weights) in rows
                .chunks_mut(BLOCKS * ROWS)
                .zip(weights.chunks(BLOCKS * depth))
            {
                for (panel, packed) in buffer.chunks_exact(depth).enumerate() {
                    let column = panel * COLUMNS;
                    for (rows, weights) in rows.chunks_mut(ROWS).zip(weights.chunks_exact(depth)) {
                        let columns = column..(column + COLUMNS).min(width);
                        let mut tile = Tile::default();
                        for (tile, row) in tile.iter_mut().zip(&*rows) {
                            copy(&row[columns.clone()], tile);
                        }
                        // SAFETY: only processors with these features come here.
                        unsafe { accumulate(weights, packed, &mut tile) };
                        for (tile, row) in tile.iter().zip(rows) {
                            copy(tile, &mut row[columns.clone()]);
                        }
                    }
                }
            }
        }
    }

    /// What the taps read at [`COLUMNS`] positions from `first` on, of input channels from `input` on.
    fn pack(&self, input: usize, first: usize, packed: &mut [[f32; PANEL]]) {
        let padding = K / 2;
        let rows = self.x[input * self.len..].chunks_exact(self.len);
        let start = first.wrapping_sub(padding);
        // In a width that is known when compiled; with one tap the last values are not read.
        if first >= padding && start + PANEL <= self.len {
            for (packed, row) in packed.iter_mut().zip(rows) {
                packed.copy_from_slice(&row[start..start + PANEL]);
            }
            return;
        }
        for (packed, row) in packed.iter_mut().zip(rows) {
            for (column, value) in packed.iter_mut().enumerate() {
                let position = (first + column).checked_sub(padding);
                let inside = position.and_then(|position| row.get(position));
                *value = inside.copied().unwrap_or(0.0);
            }
        }
    }
}

/// Copies as many values as both have.
#[inline]
fn copy(from: &[f32], to: &mut [f32]) {
    if let (Ok(from), Ok(to)) = (
        <&[f32; COLUMNS]>::try_from(from),
        <&mut [f32; COLUMNS]>::try_from(&mut *to),
    ) {
        *to = *from;
    } else {
        for (to, &from) in to.iter_mut().zip(from) {
            *to = from;
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn is_supported() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && !is_x86_feature_detected!("avx512f")
}

#[cfg(not(target_arch = "x86_64"))]
fn is_supported() -> bool {
    false
}

/// Adds the products of packed weights and packed input to `tile`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn accumulate<const K: usize>(
    weights: &[[[f32; ROWS]; K]],
    inputs: &[[f32; PANEL]],
    tile: &mut Tile,
) {
    use std::arch::x86_64::{
        __m256, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_storeu_ps,
    };

    const LANES: usize = 8;
    const VECTORS: usize = COLUMNS / LANES;
    let load = |values: &[f32]| -> __m256 {
        let values = &values[..LANES];
        // SAFETY: these are as many values as are read.
        unsafe { _mm256_loadu_ps(values.as_ptr()) }
    };
    let mut sums: [[__m256; VECTORS]; ROWS] =
        std::array::from_fn(|row| std::array::from_fn(|vector| load(&tile[row][vector * LANES..])));
    for (weights, inputs) in weights.iter().zip(inputs) {
        for tap in 0..K {
            let inputs: [__m256; VECTORS] =
                std::array::from_fn(|vector| load(&inputs[tap + vector * LANES..]));
            for row in 0..ROWS {
                let weight = _mm256_set1_ps(weights[tap][row]);
                for vector in 0..VECTORS {
                    sums[row][vector] = _mm256_fmadd_ps(weight, inputs[vector], sums[row][vector]);
                }
            }
        }
    }
    for (tile, sums) in tile.iter_mut().zip(&sums) {
        for (tile, sum) in tile.chunks_exact_mut(LANES).zip(sums) {
            // SAFETY: these are as many values as are written.
            unsafe { _mm256_storeu_ps(tile.as_mut_ptr(), *sum) };
        }
    }
}

/// Never called.
#[cfg(not(target_arch = "x86_64"))]
unsafe fn accumulate<const K: usize>(_: &[[[f32; ROWS]; K]], _: &[[f32; PANEL]], _: &mut Tile) {
    unreachable!("there is no AVX2 here");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computes_what_libtorch_computes() {
        if !is_supported() {
            eprintln!("skipped: this processor leaves convolutions to LibTorch");
            return;
        }
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
                    let ours = direct(&x, &weight, bias).unwrap();
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
                    let name = (batch, inputs, outputs, len, kernel);
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
        assert!(direct(&x, &weight([2, 4, 5]), None).is_none());
        assert!(direct(&x, &weight([2, 3, 3]), None).is_none());
        assert!(direct(&double(&x), &double(&weight([2, 4, 3])), None).is_none());
        assert!(direct(&x.narrow(2, 0, 8), &weight([2, 4, 3]), None).is_none());
        let bias = Tensor::zeros([3], options);
        assert!(direct(&x, &weight([2, 4, 3]), Some(&bias)).is_none());
    }
}
