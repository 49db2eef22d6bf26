//! The gradient of a convolution's weights.

use std::mem::MaybeUninit;

use crate::panels::{check_batch, cut};
use crate::rows::written;
use crate::threads::{self, Threads, for_each, num_tasks};
use crate::tile::{Instructions, Tile, accumulate};

/// Positions that are added up at a time: what a tile reads of them fits into the second-level cache beside all sums.
const DEPTH: usize = 512;

/// Positions that are transposed at a time: as many rows of a panel as fit into the first-level cache.
const BLOCK: usize = 64;

/// Positions that the taps of a kernel read: `stride` · t + j − `padding` at position t.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taps {
    /// Number of taps.
    pub count: usize,
    /// Step of the input along time.
    pub stride: usize,
    /// Zeros on either side.
    pub padding: usize,
}

impl Taps {
    /// The places of the taps at t = 0: which of every `stride` positions, and how many of these away.
    pub fn places(self) -> impl Iterator<Item = (usize, isize)> + Clone {
        let stride = self.stride as isize;
        (0..self.count).map(move |tap| {
            let position = tap as isize - self.padding as isize;
            (
                position.rem_euclid(stride) as usize,
                position.div_euclid(stride),
            )
        })
    }
}

/// The gradient of a convolution's weights: Σ_b, t gradient\[b, o, t\] · x\[b, c, stride·t + j − padding\] for every output o,
/// input c and tap j, x being zero beyond its ends.
#[derive(Debug, Clone, Copy)]
pub struct WeightGradient {
    instructions: Instructions,
    /// Output and input channels.
    channels: [usize; 2],
    len: usize,
    taps: Taps,
}

impl WeightGradient {
    /// The gradient for an output of `len` positions, from output and input channels; `None` if there is nothing to add up, and
    /// for processors without AVX2.
    pub fn new(channels: [usize; 2], len: usize, taps: Taps) -> Option<Self> {
        let fits = channels[0] * channels[1] * len * taps.count * taps.stride > 0;
        let instructions = Instructions::best().filter(|_| fits)?;
        Some(WeightGradient {
            instructions,
            channels,
            len,
            taps,
        })
    }

    /// Writes every value of `out`. The values do not depend on the number of threads.
    ///
    /// # Shapes
    /// `x` (B, in, stride · T), `gradient` (B, out, T) → `out` (out, in, taps).
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
        let ([outputs, inputs], taps) = (self.channels, self.taps);
        let counts = [x.len(), gradient.len()];
        check_batch(counts, [inputs * taps.stride, outputs], self.len);
        let count = outputs * inputs * taps.count;
        assert_eq!(out.len(), count, "number of weights for {self:?}");
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
        let (taps, stride) = (self.taps.count, self.taps.stride);
        let num_threads = threads::for_products(threads, gradient.len() * inputs * taps);
        // Ranges of input channels, and of output channels if there are too few of these.
        let ranges = inputs.div_ceil(COLUMNS);
        let num_blocks = outputs.div_ceil(ROWS);
        let parts = num_tasks(num_threads).div_ceil(ranges).clamp(1, num_blocks);
        let rows_of_part = num_blocks.div_ceil(parts) * ROWS;
        let places = self.taps.places();
        let shifts = places.clone().map(|(_, shift)| shift);
        let before = shifts.clone().min().unwrap_or(0);
        let beyond = (shifts.max().unwrap_or(0) - before) as usize;
        // Of a thread: input channels side by side, a row for each position that the taps read, by which of every `stride`
        // positions first; and sums of the taps, by output channels first.
        let state = || (vec![Vec::<[f32; COLUMNS]>::new(); stride], Vec::new());
        let task = |(panels, sums): &mut (Vec<Vec<_>>, Vec<Tile<LANES, VECTORS, ROWS>>),
                    (number, mut rows): (usize, Vec<&mut [MaybeUninit<f32>]>)| {
            let first_output = number / ranges * rows_of_part;
            let first_input = number % ranges * COLUMNS;
            let (width, long) = (rows[0].len() / taps, len * stride);
            sums.clear();
            let zeros = [[[0.0; LANES]; VECTORS]; ROWS];
            sums.resize(rows.len().div_ceil(ROWS) * taps, zeros);
            for (sample, gradient) in gradient.chunks_exact(outputs * len).enumerate() {
                let x = &x[(sample * inputs + first_input) * long..][..width * long];
                for start in (0..len).step_by(DEPTH) {
                    let depth = DEPTH.min(len - start);
                    for (phase, panel) in panels.iter_mut().enumerate() {
                        let first = start as isize + before;
                        transpose(x, long, [stride, phase], first, depth + beyond, panel);
                    }
                    for (block, sums) in sums.chunks_exact_mut(taps).enumerate() {
                        let output = first_output + block * ROWS;
                        let rows: [&[[f32; 1]]; ROWS] = std::array::from_fn(|row| {
                            // Rows beyond the last repeat it; their sums are dropped.
                            let output = (output + row).min(outputs - 1);
                            gradient[output * len + start..][..depth].as_chunks().0
                        });
                        for (sum, (phase, shift)) in sums.iter_mut().zip(places.clone()) {
                            let panel = &panels[phase][(shift - before) as usize..][..depth];
                            // SAFETY: the caller's promise.
                            unsafe { accumulate(rows, panel, None, sum) };
                        }
                    }
                }
            }
            for (sums, rows) in sums.chunks_exact(taps).zip(rows.chunks_mut(ROWS)) {
                for (row, places) in rows.iter_mut().enumerate() {
                    for (column, places) in places.chunks_exact_mut(taps).enumerate() {
                        for (place, sum) in places.iter_mut().zip(sums) {
                            place.write(sum[row][column / LANES][column % LANES]);
                        }
                    }
                }
            }
        };
        let tasks = cut(
            output,
            inputs * taps,
            [outputs, rows_of_part, COLUMNS * taps],
        );
        let tasks = tasks.into_iter().enumerate();
        for_each(threads, num_threads, tasks, state, task);
    }
}

/// Writes columns of `x` into `panel` as rows, those of every `stride`-th position from `phase` on, `count` of them from number
/// `first` on; zero beyond its ends and behind the last channel.
///
/// # Shapes
/// `x` (C, T) with T = `len` → (`count`, COLUMNS), C at most COLUMNS.
pub(crate) fn transpose<const COLUMNS: usize>(
    x: &[f32],
    len: usize,
    [stride, phase]: [usize; 2],
    first: isize,
    count: usize,
    panel: &mut Vec<[f32; COLUMNS]>,
) {
    panel.clear();
    panel.resize(count, [0.0; COLUMNS]);
    let before = first.min(0).unsigned_abs().min(count);
    let first = first.max(0) as usize;
    for (block, rows) in panel[before..].chunks_mut(BLOCK).enumerate() {
        let start = (first + block * BLOCK) * stride + phase;
        for (column, row) in x.chunks_exact(len).enumerate() {
            let values = row.get(start..).unwrap_or_default().iter();
            for (place, &value) in rows.iter_mut().zip(values.step_by(stride)) {
                place[column] = value;
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::tests::{build, cases, error, noise};
    use crate::threads::ScopedThreads;
    use crate::tile::tests::each;

    /// In float64.
    pub(crate) fn expected(
        x: &[f32],
        gradient: &[f32],
        [outputs, inputs]: [usize; 2],
        len: usize,
        taps: Taps,
    ) -> Vec<f64> {
        let long = len * taps.stride;
        let mut sums = vec![0.0; outputs * inputs * taps.count];
        let samples = x
            .chunks_exact(inputs * long)
            .zip(gradient.chunks_exact(outputs * len));
        for (x, gradient) in samples {
            for (index, sum) in sums.iter_mut().enumerate() {
                let (output, rest) = (index / (inputs * taps.count), index % (inputs * taps.count));
                let (input, tap) = (rest / taps.count, rest % taps.count);
                let x = &x[input * long..][..long];
                for (t, gradient) in gradient[output * len..][..len].iter().enumerate() {
                    let position = (t * taps.stride + tap).checked_sub(taps.padding);
                    if let Some(x) = position.and_then(|position| x.get(position)) {
                        *sum += f64::from(*gradient) * f64::from(*x);
                    }
                }
            }
        }
        sums
    }

    #[test]
    fn computes_what_its_formula_says() {
        let sizes = cases(&[
            (1, 1, 1, 1),
            (2, 3, 5, 2),
            (1, 33, 13, 17),
            (3, 16, 6, 64),
            (1, 64, 20, 513),
            (2, 70, 25, 1100),
        ]);
        let taps =
            [(1, 1, 0), (3, 1, 1), (7, 1, 3), (3, 2, 1)].map(|(count, stride, padding)| Taps {
                count,
                stride,
                padding,
            });
        each(|instructions| {
            for &(batch, inputs, outputs, len) in sizes {
                for taps in taps {
                    let x = noise(1, batch * inputs * len * taps.stride);
                    let gradient = noise(2, batch * outputs * len);
                    let channels = [outputs, inputs];
                    let ours = build(outputs * inputs * taps.count, |out| {
                        let plan = WeightGradient {
                            instructions,
                            ..WeightGradient::new(channels, len, taps).unwrap()
                        };
                        plan.run(&ScopedThreads(2), &x, &gradient, out)
                    });
                    let error = error(&ours, &expected(&x, &gradient, channels, len, taps));
                    // Relative to what a value is in the mean.
                    let limit = 1e-5 * ((batch * len) as f64).sqrt();
                    let name = (instructions, batch, inputs, outputs, len, taps);
                    assert!(error < limit, "{name:?}: {error} above {limit}");
                }
            }
        });
    }

    #[test]
    fn nothing_to_add_up_is_not_for_this_loop() {
        let taps = Taps {
            count: 3,
            stride: 2,
            padding: 1,
        };
        assert!(WeightGradient::new([0, 2], 4, taps).is_none());
        assert!(WeightGradient::new([2, 2], 0, taps).is_none());
    }
}
