//! Convolution along time on processors with AVX2.
//!
//! Sums of 6 output channels at 16 positions stay in registers while the input's channels pass by. The input is packed, so
//! that what they read lies together; all taps read the same packed input, shifted. Kernels are read as they are.

use std::mem::MaybeUninit;
use std::ops::Range;

use tal_torch::parallel;
use tch::Tensor;

use super::host;

/// Output channels whose sums are in registers.
const ROWS: usize = 6;

/// Positions whose sums are in registers.
const COLUMNS: usize = 16;

/// What the taps read for these positions.
const PANEL: usize = COLUMNS + MAX_KERNEL - 1;

/// The widest kernel.
const MAX_KERNEL: usize = 3;

/// Input channels times taps that are added up at a time. What a tile reads is a little more than the first-level cache, which
/// costs less than to load and store the sums more often.
const DEPTH: usize = 1536;

/// Panels at most that are packed together.
const MAX_PANELS: usize = 18;

/// Panels below which a task is too small.
const MIN_PANELS: usize = 4;

/// Below this many multiplications, waking other threads takes longer than the work.
const MIN_PARALLEL: usize = 1 << 23;

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
    if !is_supported() || !host::are_plain([x, weight].into_iter().chain(bias)) {
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
    // SAFETY: nobody writes to the inputs of an operation while it runs.
    let [x, weight] = [&x, &weight].map(|tensor| unsafe { host::known_values(tensor) });
    // SAFETY: as above.
    let bias = bias
        .as_ref()
        .map(|bias| unsafe { host::known_values(bias) });
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
        parallel::num_threads()
    } else {
        1
    };
    // Ranges of positions, and of output channels where there are not enough of these.
    let num_panels = len.div_ceil(COLUMNS);
    let wanted = host::num_tasks(num_threads);
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
        let task = Task::<K> {
            weight,
            bias,
            inputs,
            first_output: part * blocks * ROWS,
            x,
            first: range * panels * COLUMNS,
            len,
        };
        task.write(rows, buffer);
    };
    let tasks = tasks.into_iter().enumerate();
    parallel::for_each(num_threads, tasks, Vec::new, task);
}

/// Some output channels of one sample, at a range of positions.
struct Task<'a, const K: usize> {
    /// (out, in, K)
    weight: &'a [f32],
    bias: Option<&'a [f32]>,
    inputs: usize,
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
    fn write(&self, mut rows: Vec<&mut [MaybeUninit<f32>]>, buffer: &mut Vec<[f32; PANEL]>) {
        let width = rows[0].len();
        let num_outputs = rows.len();
        let mut tile = Tile::default();
        for input in (0..self.inputs).step_by(DEPTH / K) {
            let depth = (DEPTH / K).min(self.inputs - input);
            buffer.clear();
            buffer.reserve(width.div_ceil(COLUMNS) * depth);
            for column in (0..width).step_by(COLUMNS) {
                self.pack(input, depth, self.first + column, buffer);
            }
            for (panel, packed) in buffer.chunks_exact(depth).enumerate() {
                let columns = panel * COLUMNS..((panel + 1) * COLUMNS).min(width);
                for (block, rows) in rows.chunks_mut(ROWS).enumerate() {
                    let start = (input == 0).then(|| self.start(block));
                    if start.is_none() {
                        // SAFETY: the range of input channels from 0 on has written all values.
                        unsafe { read(rows, columns.clone(), &mut tile) };
                    }
                    let weights = std::array::from_fn(|row| {
                        // Rows beyond the last repeat it; their sums are dropped.
                        let output = self.first_output + (block * ROWS + row).min(num_outputs - 1);
                        let kernels = &self.weight[(output * self.inputs + input) * K..];
                        &kernels.as_chunks::<K>().0[..depth]
                    });
                    // SAFETY: only processors with these features come here.
                    unsafe { accumulate(weights, packed, start, &mut tile) };
                    for (tile, row) in tile.iter().zip(rows) {
                        write(tile, &mut row[columns.clone()]);
                    }
                }
            }
        }
    }

    /// What the sums of a block start from.
    fn start(&self, block: usize) -> [f32; ROWS] {
        let first = self.first_output + block * ROWS;
        std::array::from_fn(|row| {
            let bias = self.bias.and_then(|bias| bias.get(first + row));
            bias.copied().unwrap_or(0.0)
        })
    }

    /// Appends what the taps read at [`COLUMNS`] positions from `first` on, of `depth` input channels from `input` on.
    fn pack(&self, input: usize, depth: usize, first: usize, packed: &mut Vec<[f32; PANEL]>) {
        let padding = K / 2;
        let rows = self.x[input * self.len..][..depth * self.len].chunks_exact(self.len);
        let start = first.wrapping_sub(padding);
        // With one tap the last values are not read.
        if first >= padding && start + PANEL <= self.len {
            packed.extend(rows.map(|row| {
                let row = &row[start..start + PANEL];
                let mut values = [0.0; PANEL];
                // Both widths are known when compiled, and become a few instructions.
                values[..COLUMNS].copy_from_slice(&row[..COLUMNS]);
                values[COLUMNS..].copy_from_slice(&row[COLUMNS..]);
                values
            }));
        } else {
            let value = |row: &[f32], column: usize| {
                let position = (first + column).checked_sub(padding);
                let inside = position.and_then(|position| row.get(position));
                inside.copied().unwrap_or(0.0)
            };
            packed.extend(rows.map(|row| std::array::from_fn(|column| value(row, column))));
        }
    }
}

/// Reads some columns into a tile.
///
/// # Safety
/// They must have been written.
unsafe fn read(rows: &[&mut [MaybeUninit<f32>]], columns: Range<usize>, tile: &mut Tile) {
    for (tile, row) in tile.iter_mut().zip(rows) {
        for (value, place) in tile.iter_mut().zip(&row[columns.clone()]) {
            // SAFETY: the caller's promise.
            *value = unsafe { place.assume_init() };
        }
    }
}

/// Writes the first values of a tile's row, all but for the last columns of an output.
#[inline]
fn write(values: &[f32; COLUMNS], places: &mut [MaybeUninit<f32>]) {
    // A width that is known when compiled becomes two instructions.
    if let Ok(places) = <&mut [MaybeUninit<f32>; COLUMNS]>::try_from(&mut *places) {
        *places = values.map(MaybeUninit::new);
    } else {
        for (place, &value) in places.iter_mut().zip(values) {
            place.write(value);
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

/// Adds the products of kernels and packed input to `tile`, or to one number per row, where there is a `start`.
///
/// # Panics
/// Where a row of kernels is shorter than `inputs`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn accumulate<const K: usize>(
    weights: [&[[f32; K]]; ROWS],
    inputs: &[[f32; PANEL]],
    start: Option<[f32; ROWS]>,
    tile: &mut Tile,
) {
    use std::arch::x86_64::{
        __m256, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps,
        _mm256_storeu_ps,
    };

    const LANES: usize = 8;
    const VECTORS: usize = COLUMNS / LANES;

    /// The values from an index on.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn load<const N: usize>(values: &[f32; N], index: usize) -> __m256 {
        let values = &values[index..index + LANES];
        // SAFETY: these are as many values as are read.
        unsafe { _mm256_loadu_ps(values.as_ptr()) }
    }

    let mut sums = [[_mm256_setzero_ps(); VECTORS]; ROWS];
    for (row, sums) in sums.iter_mut().enumerate() {
        for (vector, sum) in sums.iter_mut().enumerate() {
            *sum = match start {
                Some(start) => _mm256_set1_ps(start[row]),
                None => load(&tile[row], vector * LANES),
            };
        }
    }
    assert!(weights.iter().all(|row| row.len() >= inputs.len()));
    for (input, inputs) in inputs.iter().enumerate() {
        for tap in 0..K {
            let mut values = [_mm256_setzero_ps(); VECTORS];
            for (vector, values) in values.iter_mut().enumerate() {
                *values = load(inputs, tap + vector * LANES);
            }
            for (sums, weights) in sums.iter_mut().zip(&weights) {
                // SAFETY: no row is shorter than `inputs`.
                let weight = unsafe { weights.get_unchecked(input)[tap] };
                let weight = _mm256_set1_ps(weight);
                for (sum, &values) in sums.iter_mut().zip(&values) {
                    *sum = _mm256_fmadd_ps(weight, values, *sum);
                }
            }
        }
    }
    for (tile, sums) in tile.iter_mut().zip(&sums) {
        for (tile, &sum) in tile.chunks_exact_mut(LANES).zip(sums) {
            // SAFETY: these are as many values as are written.
            unsafe { _mm256_storeu_ps(tile.as_mut_ptr(), sum) };
        }
    }
}

/// Never called.
#[cfg(not(target_arch = "x86_64"))]
unsafe fn accumulate<const K: usize>(
    _: [&[[f32; K]]; ROWS],
    _: &[[f32; PANEL]],
    _: Option<[f32; ROWS]>,
    _: &mut Tile,
) {
    unreachable!("there is no AVX2 here");
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

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
