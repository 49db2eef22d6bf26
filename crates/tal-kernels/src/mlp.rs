//! Two fully connected layers at every position, with the hidden channels in cache.

use std::mem::MaybeUninit;

use crate::panels::{self, Kernels, Layer, MIN_LEN, check_batch, cut, pack};
use crate::rows::written;
use crate::threads::{self, Threads, for_each};
use crate::tile::{Instructions, Tile, accumulate};

/// Hidden channels at a time.
const CHUNK: usize = 384;

/// Positions at most whose sums are kept while all hidden channels pass by.
const MAX_POSITIONS: usize = 48;

/// Two fully connected layers at every position: contract(GELU(expand(x))), GELU(v) = v · Φ(v) with the exact normal
/// distribution function.
///
/// The hidden channels of a few positions are computed, activated and multiplied at once, and never written to memory.
#[derive(Debug, Clone, Copy)]
pub struct GeluMlp {
    instructions: Instructions,
    /// Channels of the input, in between, and of the output.
    channels: [usize; 3],
    len: usize,
}

impl GeluMlp {
    /// The layers for sequences of `len` positions, from channels of the input, in between and of the output; `None` for short
    /// sequences, no channels, and processors without AVX2.
    pub fn new(channels: [usize; 3], len: usize) -> Option<Self> {
        let fits = !channels.contains(&0) && len >= MIN_LEN;
        let instructions = Instructions::best().filter(|_| fits)?;
        Some(GeluMlp {
            instructions,
            channels,
            len,
        })
    }

    /// Writes every value of `out`. The values do not depend on the number of threads.
    ///
    /// # Shapes
    /// `x` (B, in, T), `expand` (hidden, in, 1), `contract` (out, hidden, 1) → `out` (B, out, T).
    ///
    /// # Panics
    /// If the sizes differ.
    pub fn run<'o>(
        &self,
        threads: &dyn Threads,
        x: &[f32],
        [expand, contract]: [Layer<'_>; 2],
        out: &'o mut [MaybeUninit<f32>],
    ) -> &'o mut [f32] {
        let [inputs, hidden, outputs] = self.channels;
        check_batch([x.len(), out.len()], [inputs, outputs], self.len);
        let layers = (
            Kernels::new(expand, [hidden, inputs]),
            Kernels::new(contract, [outputs, hidden]),
        );
        // SAFETY: the processor has the instructions, and every value is written.
        unsafe {
            match self.instructions {
                Instructions::Avx2 => write::<16, 8, 2, 6>(threads, x, self.len, layers, out),
                Instructions::Avx512 => write::<48, 16, 3, 8>(threads, x, self.len, layers, out),
            }
            written(out)
        }
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
    threads: &dyn Threads,
    x: &[f32],
    len: usize,
    (expand, contract): (Kernels<'_, 1>, Kernels<'_, 1>),
    output: &mut [MaybeUninit<f32>],
) {
    let max_panels = MAX_POSITIONS / COLUMNS;
    let (inputs, outputs, all) = (expand.inputs, contract.outputs, expand.outputs);
    let num_panels = len.div_ceil(COLUMNS);
    let products = x.len() / inputs * all * (inputs + outputs);
    let num_threads = threads::for_products(threads, products);
    // As many for one thread as for another.
    let rounds = num_panels.div_ceil(num_threads * max_panels);
    let panels = num_panels.div_ceil(num_threads * rounds);
    let ranges = num_panels.div_ceil(panels);
    let blocks = outputs.div_ceil(ROWS);
    let empty: Tile<LANES, VECTORS, ROWS> = [[[0.0; LANES]; VECTORS]; ROWS];
    // Of a thread: panels of the input, a panel of some of the hidden channels, and sums of the output, by panels first.
    let state = || {
        let hidden = vec![[0.0; COLUMNS]; CHUNK.next_multiple_of(ROWS)];
        (Vec::new(), hidden, Vec::new())
    };
    let task = |(input, hidden, sums): &mut (Vec<_>, Vec<_>, Vec<_>),
                (number, mut rows): (usize, Vec<&mut [MaybeUninit<f32>]>)| {
        let sample = &x[number / ranges * inputs * len..][..inputs * len];
        let width = rows[0].len();
        let first = number % ranges * panels * COLUMNS;
        pack::<1, COLUMNS>(sample, len, first, width, input);
        sums.resize(width.div_ceil(COLUMNS) * blocks, empty);
        for start in (0..all).step_by(CHUNK) {
            let chunk = start..(start + CHUNK).min(all);
            let panels = input.chunks_exact(inputs);
            for (panel, sums) in panels.zip(sums.chunks_exact_mut(blocks)) {
                let rows = chunk.clone().step_by(ROWS);
                for (row, hidden) in rows.zip(hidden.chunks_exact_mut(ROWS)) {
                    let kernels = expand.rows(row, 0..inputs);
                    let mut tile = empty;
                    // SAFETY: the caller's promise.
                    unsafe {
                        accumulate(kernels, panel, Some(expand.start(row)), &mut tile);
                        gelu(&tile, hidden);
                    }
                }
                for (block, sum) in sums.iter_mut().enumerate() {
                    let row = block * ROWS;
                    let kernels = contract.rows(row, chunk.clone());
                    let start = (start == 0).then(|| contract.start(row));
                    // SAFETY: as above.
                    unsafe { accumulate(kernels, &hidden[..chunk.len()], start, sum) };
                }
            }
        }
        for (block, rows) in rows.chunks_mut(ROWS).enumerate() {
            for (panel, sums) in sums.chunks_exact(blocks).enumerate() {
                let columns = panel * COLUMNS..((panel + 1) * COLUMNS).min(width);
                for (sum, row) in sums[block].iter().zip(&mut *rows) {
                    panels::write(sum, &mut row[columns.clone()]);
                }
            }
        }
    };
    let tasks = cut(output, len, [outputs, outputs, panels * COLUMNS]);
    let tasks = tasks.into_iter().enumerate();
    for_each(threads, num_threads, tasks, state, task);
}

/// GELU of every value of a tile.
///
/// # Safety
/// The processor must have instructions for so many lanes.
unsafe fn gelu<
    const COLUMNS: usize,
    const LANES: usize,
    const VECTORS: usize,
    const ROWS: usize,
>(
    tile: &Tile<LANES, VECTORS, ROWS>,
    hidden: &mut [[f32; COLUMNS]],
) {
    /// In whatever instructions the caller is compiled to.
    #[inline(always)]
    fn plain<const N: usize>(from: &[f32], to: &mut [[f32; N]]) {
        for (to, &value) in to.as_flattened_mut().iter_mut().zip(from) {
            *to = 0.5 * value * (1.0 + erf(value * std::f32::consts::FRAC_1_SQRT_2));
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn avx2<const N: usize>(from: &[f32], to: &mut [[f32; N]]) {
        plain(from, to);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,fma")]
    fn avx512<const N: usize>(from: &[f32], to: &mut [[f32; N]]) {
        plain(from, to);
    }

    let from = tile.as_flattened().as_flattened();
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the caller's promise.
    unsafe {
        match LANES {
            8 => avx2(from, hidden),
            _ => avx512(from, hidden),
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    plain(from, hidden);
}

/// The error function, at most 3·10⁻⁷ off: x · p(x²) / q(x²), and ±1 beyond ±3.92, to which it rounds. The quotient was
/// fitted to it between these ends, at most 1.7·10⁻⁸ off before rounding.
#[inline(always)]
fn erf(x: f32) -> f32 {
    const LAST: f32 = 3.92;
    const P: [f32; 6] = [
        4.069_236e-6,
        5.748_758_4e-4,
        7.734_867_9e-3,
        1.061_156e-1,
        3.854_922_8e-1,
        2.256_758,
    ];
    const Q: [f32; 6] = [
        7.613_440_9e-5,
        2.375_710_5e-3,
        3.034_116_1e-2,
        2.301_538_3e-1,
        1.008_297,
        2.0,
    ];
    let square = x * x;
    let polynomial = |coefficients: [f32; 6]| {
        let sum = |sum: f32, &coefficient: &f32| sum.mul_add(square, coefficient);
        coefficients[1..].iter().fold(coefficients[0], sum)
    };
    if x.abs() < LAST {
        x * polynomial(P) / polynomial(Q)
    } else {
        // Not a number stays so.
        x.clamp(-1.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{build, cases, convolution, error, noise};
    use crate::threads::ScopedThreads;
    use crate::tile::tests::each;

    #[test]
    fn computes_what_its_layers_compute() {
        each(computes_what_its_layers_compute_with);
    }

    fn computes_what_its_layers_compute_with(instructions: Instructions) {
        // More hidden channels than one chunk, channels and positions that fill no block, several samples.
        let sizes = cases(&[
            (1, 1, 1, 1, 16),
            (2, 3, 7, 5, 17),
            (1, 2, 390, 3, 50),
            (3, 20, 800, 13, 50),
            (1, 64, 385, 64, 300),
            (1, 256, 1000, 100, 97),
        ]);
        for &(batch, inputs, hidden, outputs, len) in sizes {
            for has_bias in [true, false] {
                let scaled = |seed, count, fan_in: usize| -> Vec<f32> {
                    let scale = 1.0 / (fan_in as f32).sqrt();
                    noise(seed, count).into_iter().map(|v| v * scale).collect()
                };
                let x: Vec<f32> = noise(1, batch * inputs * len)
                    .into_iter()
                    .map(|v| 3.0 * v)
                    .collect();
                let weights = [
                    scaled(2, hidden * inputs, inputs),
                    scaled(3, outputs * hidden, hidden),
                ];
                let biases = [scaled(4, hidden, inputs), scaled(5, outputs, hidden)];
                let layers = [0, 1].map(|i| Layer {
                    weight: &weights[i],
                    bias: has_bias.then_some(&biases[i][..]),
                });
                let ours = build(batch * outputs * len, |out| {
                    let sizes = [inputs, hidden, outputs];
                    let plan = GeluMlp {
                        instructions,
                        ..GeluMlp::new(sizes, len).unwrap()
                    };
                    plan.run(&ScopedThreads(2), &x, layers, out)
                });
                let expected = expected(&x, layers, [inputs, hidden, outputs], len);
                let scale = expected.iter().fold(0.0f64, |max, v| max.max(v.abs()));
                let error = error(&ours, &expected) / scale;
                assert!(error < 2e-6, "{:?}: {error}", (batch, inputs, outputs, len));
            }
        }
    }

    /// In float64.
    fn expected(
        x: &[f32],
        [expand, contract]: [Layer<'_>; 2],
        [inputs, hidden, outputs]: [usize; 3],
        len: usize,
    ) -> Vec<f64> {
        let sizes = [hidden, inputs, 1];
        let values = convolution(x, expand.weight, expand.bias, sizes, len);
        let values: Vec<f64> = values
            .into_iter()
            .map(|v| 0.5 * v * (1.0 + exact_erf(v * std::f64::consts::FRAC_1_SQRT_2)))
            .collect();
        let mut y = Vec::new();
        for sample in values.chunks_exact(hidden * len) {
            for output in 0..outputs {
                for t in 0..len {
                    let products = sample.iter().skip(t).step_by(len).zip(
                        contract.weight[output * hidden..][..hidden]
                            .iter()
                            .map(|&w| f64::from(w)),
                    );
                    let start = contract.bias.map_or(0.0, |bias| f64::from(bias[output]));
                    y.push(products.fold(start, |sum, (v, w)| sum + v * w));
                }
            }
        }
        y
    }

    /// The error function by its Taylor series, which up to 6 loses less than half of the digits of float64.
    fn exact_erf(x: f64) -> f64 {
        if x.abs() > 6.0 {
            return x.signum();
        }
        // e^(-x²) Σ 2^n x^(2n+1) / (2n+1)!!: all terms have one sign.
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            term *= 2.0 * x * x / f64::from(2 * n + 1);
            sum += term;
        }
        sum * (-x * x).exp() * std::f64::consts::FRAC_2_SQRT_PI
    }

    #[test]
    fn the_error_function_is_near_everywhere() {
        let steps = if cfg!(miri) { 100 } else { 20_000 };
        for step in 0..=steps {
            let x = -6.0 + 12.0 * step as f32 / steps as f32;
            let error = (f64::from(erf(x)) - exact_erf(x.into())).abs();
            assert!(error < 3e-7, "{x}: {error}");
        }
        for (x, expected) in [(f32::INFINITY, 1.0), (f32::NEG_INFINITY, -1.0), (1e30, 1.0)] {
            assert_eq!(erf(x), expected);
        }
        assert!(erf(f32::NAN).is_nan());
        assert!((exact_erf(0.5) - 0.520_499_877_813_046_5).abs() < 1e-15);
    }

    #[test]
    fn other_layers_are_not_for_this_loop() {
        assert!(GeluMlp::new([4, 4, 4], 8).is_none());
        assert!(GeluMlp::new([4, 0, 4], 32).is_none());
    }
}
