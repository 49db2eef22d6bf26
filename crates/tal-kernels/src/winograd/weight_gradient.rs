//! The gradient of a convolution's weights by half the products.

use std::mem::MaybeUninit;

use super::panel::{self, Row};
use super::transform::{GROUP, PRODUCTS};
use crate::panels::check_batch;
use crate::rows::{for_each_row, written};
use crate::threads::{self, Threads, for_each, num_tasks};
use crate::tile::{Instructions, Tile, accumulate};
use crate::weight_gradient::transpose;

/// Groups of positions that are added up at a time: a product's panel of these fits into the first-level cache beside the
/// gradients that it is multiplied by.
const DEPTH: usize = 256;

/// Values of an output channel's transformed gradients, with a gap: rows that are read together would otherwise share few
/// places of the cache.
const ROW: usize = PRODUCTS * DEPTH + 32;

/// Gradients are transformed so many times DEPTH groups at a time: few enough to stay in the cache that all threads share.
const CHUNKS: usize = 2;

/// Positions, of all samples together, below which transforming the sums costs more than it saves.
const MIN_POSITIONS: usize = 512;

/// The gradient of the weights of a convolution with three taps and zero padding that keeps the length, by half the products:
/// Σ_b, t gradient\[b, o, t\] · x\[b, c, t + j − 1\] for every output o, input c and tap j.
#[derive(Debug, Clone, Copy)]
pub struct WinogradWeightGradient {
    instructions: Instructions,
    /// Output and input channels.
    channels: [usize; 2],
    len: usize,
}

/// Some groups of a sample, DEPTH at most.
#[derive(Debug, Clone, Copy)]
struct Chunk {
    sample: usize,
    first: usize,
    /// A multiple of 8: groups behind the end are zero.
    count: usize,
}

impl WinogradWeightGradient {
    /// The gradient for `batch` sequences of `len` positions, from output and input channels; `None` if
    /// [`crate::WeightGradient`] is as fast or faster, and for processors without AVX2.
    pub fn new(channels: [usize; 2], [batch, len]: [usize; 2]) -> Option<Self> {
        let instructions = super::instructions(channels, batch * len, MIN_POSITIONS)?;
        Some(WinogradWeightGradient {
            instructions,
            channels,
            len,
        })
    }

    /// Writes every value of `out`. The values do not depend on the number of threads.
    ///
    /// # Shapes
    /// `x` (B, in, T), `gradient` (B, out, T) → `out` (out, in, 3).
    ///
    /// # Panics
    /// If the sizes differ.
    pub fn run<'o>(
        &self,
        threads: &dyn Threads,
        x: &[f32],
        gradient: &[f32],
        out: &'o mut [MaybeUninit<f32>],
    ) -> &'o mut [f32] {
        let [outputs, inputs] = self.channels;
        check_batch([x.len(), gradient.len()], [inputs, outputs], self.len);
        assert_eq!(
            out.len(),
            outputs * inputs * 3,
            "number of weights for {self:?}"
        );
        // SAFETY: the processor has the instructions, and every value is written.
        unsafe {
            match self.instructions {
                Instructions::Avx2 => self.write::<16, 8, 2, 6>(threads, x, gradient, out),
                Instructions::Avx512 => self.write::<32, 16, 2, 12>(threads, x, gradient, out),
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
        gradient: &[f32],
        output: &mut [MaybeUninit<f32>],
    ) {
        let ([outputs, inputs], len) = (self.channels, self.len);
        let num_threads = threads::for_products(threads, gradient.len() * inputs * 3);
        let (ranges, num_blocks) = (inputs.div_ceil(COLUMNS), outputs.div_ceil(ROWS));
        let zero: Tile<LANES, VECTORS, ROWS> = [[[0.0; LANES]; VECTORS]; ROWS];
        // By ranges of input channels first, then blocks of output channels.
        let mut sums = vec![[zero; PRODUCTS]; ranges * num_blocks];
        let chunks = self.chunks(gradient.len() / (outputs * len));
        let mut transformed = vec![[0.0; ROW]; CHUNKS.min(chunks.len()) * outputs];
        // Blocks of output channels that share a panel of transposed input.
        let parts = num_tasks(num_threads).div_ceil(ranges).clamp(1, num_blocks);
        let blocks = num_blocks.div_ceil(parts);
        for chunks in chunks.chunks(CHUNKS) {
            let rows = transformed
                .iter_mut()
                .enumerate()
                .take(chunks.len() * outputs);
            let transform = |(): &mut (), (number, values): (usize, &mut [f32; ROW])| {
                let Chunk {
                    sample,
                    first,
                    count,
                } = chunks[number / outputs];
                let row = &gradient[(sample * outputs + number % outputs) * len..][..len];
                let row = row.get(first * GROUP..).unwrap_or_default();
                let mut products = values.chunks_exact_mut(DEPTH);
                let products = std::array::from_fn(|_| products.next().expect("six products"));
                // SAFETY: processors with either instructions have these.
                unsafe { panel::gradient(row, count, products) };
            };
            for_each(threads, num_threads, rows, || (), transform);
            let state = || (Vec::new(), vec![Row::<COLUMNS>::ZERO; PRODUCTS * DEPTH]);
            let task = |(rows, panel): &mut (Vec<[f32; COLUMNS]>, Vec<Row<COLUMNS>>),
                        (range, first_block, sums): (
                usize,
                usize,
                &mut [[Tile<LANES, VECTORS, ROWS>; PRODUCTS]],
            )| {
                let channels = range * COLUMNS..((range + 1) * COLUMNS).min(inputs);
                for (chunk, transformed) in chunks.iter().zip(transformed.chunks_exact(outputs)) {
                    let x = &x[chunk.sample * inputs * len..][..inputs * len];
                    let x = &x[channels.start * len..channels.end * len];
                    let first = (chunk.first * GROUP) as isize - 1;
                    transpose(x, len, [1, 0], first, chunk.count * GROUP + 2, rows);
                    let panel = &mut panel[..PRODUCTS * chunk.count];
                    // SAFETY: processors with either instructions have these.
                    unsafe { panel::along_rows(rows, panel) };
                    for (product, panel) in panel.chunks_exact(chunk.count).enumerate() {
                        for (block, sums) in sums.iter_mut().enumerate() {
                            let output = (first_block + block) * ROWS;
                            let rows = std::array::from_fn(|row| {
                                let values = &transformed[(output + row).min(outputs - 1)];
                                values[product * DEPTH..][..chunk.count].as_chunks::<1>().0
                            });
                            // SAFETY: the caller's promise.
                            unsafe {
                                accumulate(rows, Row::values(panel), None, &mut sums[product])
                            };
                        }
                    }
                }
            };
            let tasks: Vec<_> = sums
                .chunks_exact_mut(num_blocks)
                .enumerate()
                .flat_map(|(range, sums)| {
                    let parts = sums.chunks_mut(blocks).enumerate();
                    parts.map(move |(part, sums)| (range, part * blocks, sums))
                })
                .collect();
            for_each(threads, num_threads, tasks, state, task);
        }
        let sums = &sums;
        for_each_row(
            threads,
            output,
            inputs * 3,
            || (),
            |(), output, places| {
                let (places, _) = places.as_chunks_mut::<3>();
                for (range, places) in places.chunks_mut(COLUMNS).enumerate() {
                    let sums = &sums[range * num_blocks + output / ROWS];
                    let sums = sums
                        .each_ref()
                        .map(|tile| tile[output % ROWS].as_flattened());
                    // SAFETY: processors with either instructions have these.
                    unsafe { panel::kernel_gradients(sums, places) };
                }
            },
        );
    }

    /// All groups of all samples.
    fn chunks(&self, batch: usize) -> Vec<Chunk> {
        let groups = self.len.div_ceil(GROUP);
        let of_sample = |sample| {
            (0..groups).step_by(DEPTH).map(move |first| {
                let count = (groups - first).min(DEPTH).next_multiple_of(8);
                Chunk {
                    sample,
                    first,
                    count,
                }
            })
        };
        (0..batch).flat_map(of_sample).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{build, error, noise};
    use crate::threads::ScopedThreads;
    use crate::tile::tests::each;
    use crate::weight_gradient::Taps;
    use crate::weight_gradient::tests::expected;

    fn check(instructions: Instructions, batch: usize, channels: [usize; 2], len: usize) {
        let [outputs, inputs] = channels;
        let plan = WinogradWeightGradient {
            instructions,
            channels,
            len,
        };
        let x = noise(1, batch * inputs * len);
        let gradient = noise(2, batch * outputs * len);
        let run = |num_threads| {
            build(outputs * inputs * 3, |out| {
                plan.run(&ScopedThreads(num_threads), &x, &gradient, out)
            })
        };
        let ours = run(2);
        let taps = Taps {
            count: 3,
            stride: 1,
            padding: 1,
        };
        let expected = expected(&x, &gradient, channels, len, taps);
        // Relative to what a value is in the mean.
        let error = error(&ours, &expected) / ((batch * len) as f64).sqrt();
        assert!(
            error < 3e-5,
            "{instructions:?} {batch} {channels:?} {len}: {error}"
        );
        // Other threads do the same.
        assert_eq!(ours, run(1));
    }

    #[test]
    fn computes_what_its_formula_says() {
        each(|instructions| {
            // Every place of the end in a group and in a register.
            for len in 1..=70 {
                check(instructions, 2, [7, 3], len);
            }
            for count in 1..=33 {
                check(instructions, 1, [count, 34 - count], 70);
            }
            check(instructions, 1, [13, 33], 17);
            check(instructions, 1, [20, 64], 1025);
            check(instructions, 2, [25, 70], 1100);
            check(instructions, 3, [100, 130], 2051);
        });
    }

    #[test]
    fn small_gradients_are_left_to_the_plain_loops() {
        assert!(WinogradWeightGradient::new([512, 20], [1, 4096]).is_none());
        assert!(WinogradWeightGradient::new([512, 512], [2, 64]).is_none());
        let is_there = WinogradWeightGradient::new([512, 512], [1, 2304]).is_some();
        assert_eq!(is_there, Instructions::best().is_some());
    }
}
