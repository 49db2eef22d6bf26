//! Convolution along time by half the products.

use std::mem::MaybeUninit;

use super::panel::{self, Row};
use super::transform::{GROUP, PRODUCTS};
use crate::panels::{Kernels, Layer, check_batch, cut};
use crate::rows::written;
use crate::threads::{self, Threads, for_each, num_tasks};
use crate::tile::{Instructions, Tile, multiply};

/// Input channels that are added up at a time: fewer would load and store the sums more often.
const DEPTH: usize = 512;

/// Blocks of output channels that a product's panel is multiplied by before the next product's turn.
const BLOCKS: usize = 4;

/// Groups of positions that kernels are multiplied by while they are in the first-level cache: as many as fit into the second
/// level.
const GROUPS: usize = 32;

/// Panels of a task at most.
const MAX_PANELS: usize = 8;

/// Positions, of all samples together, below which transforming the kernels costs more than it saves.
const MIN_POSITIONS: usize = 256;

/// The convolution with three taps and zero padding that keeps the length, all channels with all, by half the products.
///
/// Values are those of [`crate::Convolution`] up to rounding; errors are about a third larger.
///
/// # Source
/// Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016: F(4, 3).
#[derive(Debug, Clone, Copy)]
pub struct WinogradConvolution {
    instructions: Instructions,
    /// Output and input channels.
    channels: [usize; 2],
    len: usize,
}

/// Blocks of output channels, ROWS side by side.
///
/// # Shapes
/// (6, blocks, in)
type Blocks<const ROWS: usize> = Vec<[f32; ROWS]>;

impl WinogradConvolution {
    /// The convolution of `batch` sequences of `len` positions, from output and input channels; `None` if
    /// [`crate::Convolution`] is as fast or faster, and for processors without AVX2.
    pub fn new(channels: [usize; 2], [batch, len]: [usize; 2]) -> Option<Self> {
        let instructions = super::instructions(channels, batch * len, MIN_POSITIONS)?;
        Some(WinogradConvolution {
            instructions,
            channels,
            len,
        })
    }

    /// Writes every value of `out`. The values do not depend on the number of threads.
    ///
    /// # Shapes
    /// `x` (B, in, T), `layer` (out, in, 3) → `out` (B, out, T).
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
        let [outputs, inputs] = self.channels;
        check_batch([x.len(), out.len()], [inputs, outputs], self.len);
        Kernels::<3>::new(layer, self.channels);
        if out.is_empty() {
            return &mut [];
        }
        // SAFETY: the processor has the instructions, and every value is written.
        unsafe {
            match self.instructions {
                Instructions::Avx2 => self.write::<16, 8, 2, 6>(threads, x, layer, out),
                Instructions::Avx512 => self.write::<48, 16, 3, 8>(threads, x, layer, out),
            }
            written(out)
        }
    }

    /// Writes every value of `output`.
    ///
    /// # Safety
    /// The processor must have instructions for so many lanes.
    unsafe fn write<
        const COLUMNS: usize,
        const LANES: usize,
        const VECTORS: usize,
        const ROWS: usize,
    >(
        &self,
        threads: &dyn Threads,
        x: &[f32],
        layer: Layer<'_>,
        output: &mut [MaybeUninit<f32>],
    ) {
        let ([outputs, inputs], len) = (self.channels, self.len);
        let together = (GROUPS / COLUMNS).max(1);
        let num_threads = threads::for_products(threads, x.len() * outputs * 3);
        // SAFETY: the caller's promise.
        let kernels = unsafe { self.kernels::<ROWS>(threads, num_threads, layer.weight) };
        // Ranges of positions, and of output channels if there are too few of these.
        let columns = COLUMNS * GROUP;
        let batch = x.len() / (inputs * len);
        let num_panels = len.div_ceil(columns);
        let wanted = num_tasks(num_threads);
        let panels = (batch * num_panels).div_ceil(wanted).clamp(1, MAX_PANELS);
        let ranges = num_panels.div_ceil(panels);
        let num_blocks = outputs.div_ceil(ROWS);
        let parts = (wanted / 2).div_ceil(batch * ranges).clamp(1, num_blocks);
        let blocks = num_blocks.div_ceil(parts);
        let parts = num_blocks.div_ceil(blocks);
        // Of a thread: transformed inputs by panels first, and sums by blocks of output channels first, then panels.
        let state = || {
            let sums: Tile<LANES, VECTORS, ROWS> = [[[0.0; LANES]; VECTORS]; ROWS];
            let size = PRODUCTS * inputs.min(DEPTH);
            let list = vec![Row::<COLUMNS>::ZERO; together * size];
            (list, vec![[sums; PRODUCTS]; blocks * together])
        };
        let task =
            |(list, sums): &mut (
                Vec<Row<COLUMNS>>,
                Vec<[Tile<LANES, VECTORS, ROWS>; PRODUCTS]>,
            ),
             (number, mut pieces): (usize, Vec<&mut [MaybeUninit<f32>]>)| {
                let first_block = number / ranges % parts * blocks;
                let first = number % ranges * panels * columns;
                let x = &x[number / (parts * ranges) * inputs * len..][..inputs * len];
                let width = pieces[0].len();
                let sums = &mut sums[..pieces.len().div_ceil(ROWS) * together];
                for start in (0..width).step_by(together * columns) {
                    let starts = (start..width).step_by(columns).take(together);
                    for input in (0..inputs).step_by(DEPTH) {
                        let depth = (inputs - input).min(DEPTH);
                        let x = &x[input * len..][..depth * len];
                        let size = PRODUCTS * depth;
                        for (start, panel) in starts.clone().zip(list.chunks_exact_mut(size)) {
                            // SAFETY: processors with either instructions have these.
                            unsafe { panel::input(x, len, first + start, panel) };
                        }
                        for (chunk, sums) in sums.chunks_mut(BLOCKS * together).enumerate() {
                            let first_block = first_block + chunk * BLOCKS;
                            for product in 0..PRODUCTS {
                                let first_block = product * num_blocks + first_block;
                                for (block, sums) in sums.chunks_exact_mut(together).enumerate() {
                                    let kernels =
                                        &kernels[(first_block + block) * inputs + input..];
                                    let panels = list.chunks_exact(size).take(starts.len());
                                    for (panel, sums) in panels.zip(sums) {
                                        let panel = Row::values(&panel[product * depth..][..depth]);
                                        let sums = &mut sums[product];
                                        // SAFETY: the caller's promise.
                                        unsafe { multiply(kernels, panel, input > 0, sums) };
                                    }
                                }
                            }
                        }
                    }
                    for (row, piece) in pieces.iter_mut().enumerate() {
                        let begin = layer
                            .bias
                            .map_or(0.0, |bias| bias[first_block * ROWS + row]);
                        let sums = &sums[row / ROWS * together..];
                        for (start, sums) in starts.clone().zip(sums) {
                            let sums = sums.each_ref().map(|tile| &tile[row % ROWS]);
                            let places = &mut piece[start..(start + columns).min(width)];
                            // SAFETY: processors with either instructions have these.
                            unsafe { panel::output(sums, begin, places) };
                        }
                    }
                }
            };
        let tasks = cut(output, len, [outputs, blocks * ROWS, panels * columns]);
        let tasks = tasks.into_iter().enumerate();
        for_each(threads, num_threads, tasks, state, task);
    }

    /// Transforms the kernels.
    ///
    /// # Safety
    /// The processor must have AVX2.
    unsafe fn kernels<const ROWS: usize>(
        &self,
        threads: &dyn Threads,
        num_threads: usize,
        weight: &[f32],
    ) -> Blocks<ROWS> {
        let [outputs, inputs] = self.channels;
        let num_blocks = outputs.div_ceil(ROWS);
        let count = PRODUCTS * num_blocks * inputs;
        let mut values: Blocks<ROWS> = Vec::with_capacity(count);
        let mut blocks = Vec::new();
        blocks.resize_with(num_blocks, || Vec::with_capacity(PRODUCTS));
        let places = &mut values.spare_capacity_mut()[..count];
        for (index, piece) in places.chunks_exact_mut(inputs).enumerate() {
            blocks[index % num_blocks].push(piece);
        }
        let task = |(): &mut (), (block, mut products): (usize, Vec<&mut [_]>)| {
            let rows = std::array::from_fn(|row| {
                // Rows beyond the last repeat it; their sums are dropped.
                let output = (block * ROWS + row).min(outputs - 1);
                &weight[output * inputs * 3..][..inputs * 3]
            });
            // SAFETY: the caller's promise.
            unsafe { panel::kernels(rows, &mut products) };
        };
        for_each(
            threads,
            num_threads,
            blocks.into_iter().enumerate(),
            || (),
            task,
        );
        // SAFETY: every block of every product was written.
        unsafe { values.set_len(count) };
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{build, convolution, error, noise};
    use crate::threads::ScopedThreads;
    use crate::tile::tests::each;

    fn run(plan: WinogradConvolution, num_threads: usize, x: &[f32], layer: Layer<'_>) -> Vec<f32> {
        let [outputs, inputs] = plan.channels;
        build(x.len() / inputs * outputs, |out| {
            plan.run(&ScopedThreads(num_threads), x, layer, out)
        })
    }

    fn check(instructions: Instructions, batch: usize, channels: [usize; 2], len: usize) {
        let [outputs, inputs] = channels;
        let plan = WinogradConvolution {
            instructions,
            channels,
            len,
        };
        let x = noise(1, batch * inputs * len);
        let weight = noise(2, outputs * inputs * 3);
        let bias = noise(3, outputs);
        for bias in [None, Some(&bias[..])] {
            let layer = Layer {
                weight: &weight,
                bias,
            };
            let ours = run(plan, 2, &x, layer);
            let expected = convolution(&x, &weight, bias, [outputs, inputs, 3], len);
            // Relative to what a value is in the mean.
            let error = error(&ours, &expected) / ((inputs * 3) as f64).sqrt();
            assert!(
                error < 3e-5,
                "{instructions:?} {batch} {channels:?} {len}: {error}"
            );
            // Other threads do the same.
            assert_eq!(ours, run(plan, 1, &x, layer));
        }
    }

    #[test]
    fn computes_what_its_formula_says() {
        each(|instructions| {
            // Every place of the end in a group and in a panel.
            for len in 1..=200 {
                check(instructions, 2, [7, 3], len);
            }
            for count in 1..=33 {
                check(instructions, 1, [count, 34 - count], 70);
            }
            check(instructions, 1, [20, 513], 577);
            check(instructions, 2, [13, 520], 50);
            check(instructions, 1, [300, 257], 290);
            check(instructions, 3, [100, 64], 1003);
        });
    }

    #[test]
    fn gaps_answer_with_the_bias_alone() {
        each(|instructions| {
            let plan = WinogradConvolution {
                instructions,
                channels: [9, 5],
                len: 150,
            };
            let (weight, bias) = (noise(2, 9 * 5 * 3), noise(3, 9));
            let mut x = noise(1, 5 * 150);
            // Two neighbouring groups read nothing but zeros: those at 60 and 64.
            for row in x.chunks_exact_mut(150) {
                row[59..70].fill(0.0);
            }
            let layer = Layer {
                weight: &weight,
                bias: Some(&bias),
            };
            let y = run(plan, 1, &x, layer);
            for (row, bias) in y.chunks_exact(150).zip(&bias) {
                assert_eq!(row[60..68], [*bias; 8]);
            }
        });
    }

    #[test]
    fn small_convolutions_are_left_to_the_plain_loops() {
        assert!(WinogradConvolution::new([8, 512], [1, 4096]).is_none());
        assert!(WinogradConvolution::new([512, 3], [1, 4096]).is_none());
        assert!(WinogradConvolution::new([512, 512], [2, 64]).is_none());
        let is_there = WinogradConvolution::new([512, 512], [1, 2304]).is_some();
        assert_eq!(is_there, Instructions::best().is_some());
    }
}
