//! Convolution along time.

use std::mem::MaybeUninit;
use std::ops::Range;

use crate::panels::{self, Kernels, Layer, MIN_LEN, check_batch, cut, pack};
use crate::rows::written;
use crate::threads::{self, Threads, for_each, num_tasks};
use crate::tile::{Instructions, Tile, accumulate};

/// Input channels times taps that are added up at a time. What a tile reads is a little more than the first-level cache, which
/// costs less than to load and store the sums more often.
const DEPTH: usize = 1536;

/// Positions at most that are packed together.
const MAX_POSITIONS: usize = 288;

/// Positions below which a task is too small.
const MIN_POSITIONS: usize = 64;

/// The convolution with zero padding that keeps the length, all channels with all.
///
/// y\[b, o, t\] = bias\[o\] + Σ_{c, j} weight\[o, c, j\] · x\[b, c, t + j − ⌊kernel / 2⌋\]
#[derive(Debug, Clone, Copy)]
pub struct Convolution {
    instructions: Instructions,
    /// Output channels, input channels, taps.
    sizes: [usize; 3],
    len: usize,
}

impl Convolution {
    /// The convolution of sequences of `len` positions, from output channels, input channels and taps; `None` for taps other
    /// than 1 and 3, short sequences, no channels, and processors without AVX2.
    pub fn new(sizes: [usize; 3], len: usize) -> Option<Self> {
        let [outputs, inputs, kernel] = sizes;
        let fits = outputs * inputs > 0 && len >= MIN_LEN && matches!(kernel, 1 | 3);
        let instructions = Instructions::best().filter(|_| fits)?;
        Some(Convolution {
            instructions,
            sizes,
            len,
        })
    }

    /// Writes every value of `out`. The values do not depend on the number of threads.
    ///
    /// # Shapes
    /// `x` (B, in, T), `layer` (out, in, kernel) → `out` (B, out, T).
    ///
    /// # Panics
    /// If the sizes differ.
    pub fn run<'o>(
        &self,
        threads: &dyn Threads,
        x: &[f32],
        layer: Layer<'_>,
        out: &'o mut [MaybeUninit<f32>],
    ) -> &'o mut [f32] {
        let [outputs, inputs, kernel] = self.sizes;
        check_batch([x.len(), out.len()], [inputs, outputs], self.len);
        if out.is_empty() {
            return &mut [];
        }
        let write = match (self.instructions, kernel) {
            (Instructions::Avx2, 1) => write::<1, 16, 8, 2, 6>,
            (Instructions::Avx2, _) => write::<3, 18, 8, 2, 6>,
            (Instructions::Avx512, 1) => write::<1, 48, 16, 3, 8>,
            (Instructions::Avx512, _) => write::<3, 50, 16, 3, 8>,
        };
        // SAFETY: the processor has the instructions, and every value is written.
        unsafe {
            write(threads, x, layer, [outputs, inputs, self.len], out);
            written(out)
        }
    }
}

/// Writes every value of `output`.
///
/// # Safety
/// The processor must have instructions for so many lanes.
unsafe fn write<
    const K: usize,
    const PANEL: usize,
    const LANES: usize,
    const VECTORS: usize,
    const ROWS: usize,
>(
    threads: &dyn Threads,
    x: &[f32],
    layer: Layer<'_>,
    [outputs, inputs, len]: [usize; 3],
    output: &mut [MaybeUninit<f32>],
) {
    let layer = Kernels::<K>::new(layer, [outputs, inputs]);
    let columns = LANES * VECTORS;
    let batch = x.len() / (inputs * len);
    let num_threads = threads::for_products(threads, x.len() * outputs * K);
    // Ranges of positions, and of output channels if there are too few of these.
    let num_panels = len.div_ceil(columns);
    let wanted = num_tasks(num_threads);
    let panels = (batch * num_panels)
        .div_ceil(wanted)
        .clamp(MIN_POSITIONS / columns, MAX_POSITIONS / columns);
    let ranges = num_panels.div_ceil(panels);
    let num_blocks = outputs.div_ceil(ROWS);
    let parts = (wanted / 2).div_ceil(batch * ranges).clamp(1, num_blocks);
    let rows = num_blocks.div_ceil(parts) * ROWS;
    let parts = outputs.div_ceil(rows);
    let task = |buffer: &mut Vec<[f32; PANEL]>,
                (number, mut pieces): (usize, Vec<&mut [MaybeUninit<f32>]>)| {
        let first_output = number / ranges % parts * rows;
        let first = number % ranges * panels * columns;
        let x = &x[number / (parts * ranges) * inputs * len..][..inputs * len];
        let width = pieces[0].len();
        let mut tile: Tile<LANES, VECTORS, ROWS> = [[[0.0; LANES]; VECTORS]; ROWS];
        for input in (0..inputs).step_by(DEPTH / K) {
            let range = input..(input + DEPTH / K).min(inputs);
            let x = &x[range.start * len..range.end * len];
            pack::<K, PANEL>(x, len, first, width, buffer);
            for (panel, packed) in buffer.chunks_exact(range.len()).enumerate() {
                let columns = panel * columns..((panel + 1) * columns).min(width);
                for (block, pieces) in pieces.chunks_mut(ROWS).enumerate() {
                    let output = first_output + block * ROWS;
                    let start = (input == 0).then(|| layer.start(output));
                    if start.is_none() {
                        // SAFETY: the range of input channels from 0 on has written all values.
                        unsafe { read(pieces, columns.clone(), &mut tile) };
                    }
                    let kernels = layer.rows(output, range.clone());
                    // SAFETY: the caller's promise.
                    unsafe { accumulate(kernels, packed, start, &mut tile) };
                    for (tile, piece) in tile.iter().zip(pieces) {
                        panels::write(tile, &mut piece[columns.clone()]);
                    }
                }
            }
        }
    };
    let tasks = cut(output, len, [outputs, rows, panels * columns]);
    let tasks = tasks.into_iter().enumerate();
    for_each(threads, num_threads, tasks, Vec::new, task);
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
    use super::*;
    use crate::tests::{build, cases, convolution, error, noise};
    use crate::threads::ScopedThreads;
    use crate::tile::tests::each;

    #[test]
    fn computes_what_its_formula_says() {
        each(computes_what_its_formula_says_with);
    }

    fn computes_what_its_formula_says_with(instructions: Instructions) {
        let sizes = cases(&[
            (1, 1, 1, 16),
            (2, 3, 5, 17),
            (3, 4, 6, 64),
            (1, 300, 7, 31),
            (1, 64, 20, 577),
            (2, 520, 13, 50),
            (1, 257, 300, 290),
            (5, 40, 12, 1000),
        ]);
        for &(batch, inputs, outputs, len) in sizes {
            for kernel in [1, 3] {
                let x = noise(1, batch * inputs * len);
                let weight = noise(2, outputs * inputs * kernel);
                let bias = noise(3, outputs);
                for bias in [None, Some(&bias[..])] {
                    let size = [outputs, inputs, kernel];
                    let layer = Layer {
                        weight: &weight,
                        bias,
                    };
                    let ours = build(batch * outputs * len, |out| {
                        let plan = Convolution {
                            instructions,
                            ..Convolution::new(size, len).unwrap()
                        };
                        plan.run(&ScopedThreads(2), &x, layer, out)
                    });
                    let error = error(&ours, &convolution(&x, &weight, bias, size, len));
                    // Relative to what a value is in the mean.
                    let limit = 1e-5 * ((inputs * kernel) as f64).sqrt();
                    let name = (instructions, batch, inputs, outputs, len, kernel);
                    assert!(error < limit, "{name:?}: {error} above {limit}");
                }
            }
        }
    }

    #[test]
    fn other_convolutions_are_not_for_these_loops() {
        assert!(Convolution::new([2, 4, 5], 32).is_none());
        assert!(Convolution::new([2, 4, 3], 8).is_none());
        assert!(Convolution::new([0, 4, 3], 32).is_none());
    }
}
