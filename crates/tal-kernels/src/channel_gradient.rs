//! The way of a gradient back through a normalisation over the channels.

use std::mem::MaybeUninit;

use crate::channel_moments::ChannelMoments;
use crate::rows::written;
use crate::threads::{self, Threads, for_each};

/// Positions at a time: all channels of a tile, of two tensors, stay in the second-level cache.
const TILE: usize = 64;

/// Sums that are kept side by side, so that the processor adds several values at once.
const LANES: usize = 16;

/// A piece of a channel's row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece {
    /// Index of the sample.
    pub(crate) sample: usize,
    /// Index of the channel.
    pub(crate) channel: usize,
    /// First position.
    pub(crate) start: usize,
    /// Index of the first value in (B, C, T) in row-major order.
    pub(crate) offset: usize,
}

/// The gradients of γ and β, (C) each.
#[derive(Debug, Clone, PartialEq)]
pub struct ScaleGradients {
    /// ∂/∂γ = Σ g · x̂ over samples and positions.
    pub weight: Vec<f32>,
    /// ∂/∂β = Σ g
    pub bias: Vec<f32>,
}

impl ChannelMoments {
    /// Leads the gradient g of y = x̂ · γ + β, x̂ = (x − μ) / √(v + ε), back to x, γ and β:
    /// ∂/∂x = (h − mean(h) − x̂ · mean(h · x̂)) / √(v + ε) with h = g · γ and means over the channels. If the stored
    /// 1 / √(v + ε) is zero, so is ∂/∂x.
    ///
    /// `gradient` writes g for a piece of a row, `finish` may change ∂/∂x there, and `out` receives it. The result does not
    /// depend on the number of threads.
    ///
    /// # Shapes
    /// `x`, `out` (B, C, T), `weight` = γ (C).
    ///
    /// # Panics
    /// If the sizes differ.
    pub(crate) fn backward<'o>(
        &self,
        threads: &dyn Threads,
        [x, weight]: [&[f32]; 2],
        len: usize,
        gradient: impl Fn(Piece, &mut [f32]) + Sync,
        finish: impl Fn(Piece, &mut [f32]) + Sync,
        out: &'o mut [MaybeUninit<f32>],
    ) -> (&'o mut [f32], ScaleGradients) {
        let num_channels = weight.len();
        let sequence = num_channels * len;
        assert!(
            sequence > 0
                && x.len() == out.len()
                && x.len() == self.mean.len() * num_channels
                && self.mean.len().is_multiple_of(len)
                && self.mean.len() == self.inverse_std.len(),
            "{} values with {} positions are not {num_channels} channels of {len} positions",
            x.len(),
            self.mean.len()
        );
        let tiles = Tiles {
            moments: self,
            x,
            weight,
            len,
            gradient,
            finish,
            out: Shared(out.as_mut_ptr()),
        };
        let num_tiles = self.mean.len() / len * len.div_ceil(TILE);
        // Per tile and channel; added in the order of the tiles.
        let mut partial = vec![[0.0f32; 2]; num_tiles * num_channels];
        let buffer = || vec![0.0f32; num_channels * TILE];
        let tile = |buffer: &mut Vec<f32>, (tile, partial): (usize, &mut [[f32; 2]])| {
            tiles.run(buffer, tile, partial);
        };
        let parts = partial.chunks_mut(num_channels).enumerate();
        let num_threads = threads::for_values(threads, x.len());
        for_each(threads, num_threads, parts, buffer, tile);
        let column = |index: usize| -> Vec<f32> {
            let mut sums = vec![0.0f64; num_channels];
            for partial in partial.chunks(num_channels) {
                for (sum, partial) in sums.iter_mut().zip(partial) {
                    *sum += f64::from(partial[index]);
                }
            }
            sums.into_iter().map(|sum| sum as f32).collect()
        };
        let scales = ScaleGradients {
            weight: column(0),
            bias: column(1),
        };
        // SAFETY: the tiles have written all their pieces, and every value belongs to one.
        (unsafe { written(out) }, scales)
    }
}

/// Operands of the tiles, and their output.
struct Tiles<'a, G, F> {
    moments: &'a ChannelMoments,
    x: &'a [f32],
    weight: &'a [f32],
    len: usize,
    gradient: G,
    finish: F,
    out: Shared,
}

impl<G: Fn(Piece, &mut [f32]), F: Fn(Piece, &mut [f32])> Tiles<'_, G, F> {
    /// A tile, with the widest registers that the processor has. The numbers are the same whichever they are.
    fn run(&self, buffer: &mut [f32], tile: usize, partial: &mut [[f32; 2]]) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            return unsafe { self.run_avx2(buffer, tile, partial) };
        }
        self.run_inline(buffer, tile, partial);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn run_avx2(&self, buffer: &mut [f32], tile: usize, partial: &mut [[f32; 2]]) {
        self.run_inline(buffer, tile, partial);
    }

    /// Writes tile number `tile`, and into `partial` what each channel adds to the gradients of γ and β. `buffer` has room for
    /// the tile.
    #[inline(always)]
    fn run_inline(&self, buffer: &mut [f32], tile: usize, partial: &mut [[f32; 2]]) {
        let (len, num_channels) = (self.len, self.weight.len());
        let tiles_per_row = len.div_ceil(TILE);
        let (sample, start) = (tile / tiles_per_row, tile % tiles_per_row * TILE);
        let width = TILE.min(len - start);
        let column = sample * len + start;
        let mean = &self.moments.mean[column..][..width];
        let inverse_std = &self.moments.inverse_std[column..][..width];
        let piece = |channel| Piece {
            sample,
            channel,
            start,
            offset: (sample * num_channels + channel) * len + start,
        };
        let mut h_mean = [0.0f32; TILE];
        let mut product_mean = [0.0f32; TILE];
        let rows = buffer.chunks_exact_mut(TILE).zip(self.weight).zip(partial);
        for (channel, ((row, weight), partial)) in rows.enumerate() {
            let (piece, row) = (piece(channel), &mut row[..width]);
            (self.gradient)(piece, row);
            let mut product = [0.0f32; TILE];
            let product = &mut product[..width];
            let x = &self.x[piece.offset..][..width];
            let columns = mean.iter().zip(inverse_std).zip(x);
            for ((product, g), ((mean, inverse_std), x)) in
                product.iter_mut().zip(&*row).zip(columns)
            {
                *product = g * ((x - mean) * inverse_std);
            }
            *partial = [sum(product), sum(row)];
            let means = h_mean.iter_mut().zip(&mut product_mean);
            for ((h_mean, product_mean), (g, product)) in means.zip(row.iter().zip(&*product)) {
                *h_mean += g * weight;
                *product_mean += product * weight;
            }
        }
        let per_channel = 1.0 / num_channels as f32;
        for sum in h_mean.iter_mut().chain(&mut product_mean) {
            *sum *= per_channel;
        }
        let rows = buffer.chunks_exact_mut(TILE).zip(self.weight);
        for (channel, (row, weight)) in rows.enumerate() {
            let (piece, row) = (piece(channel), &mut row[..width]);
            let x = &self.x[piece.offset..][..width];
            let columns = mean.iter().zip(inverse_std).zip(x);
            let means = h_mean.iter().zip(&product_mean);
            for (g, (((mean, inverse_std), x), (h_mean, product_mean))) in
                row.iter_mut().zip(columns.zip(means))
            {
                let normed = (x - mean) * inverse_std;
                *g = (*g * weight - h_mean - normed * product_mean) * inverse_std;
            }
            (self.finish)(piece, row);
            // SAFETY: the piece lies within `out`, and no other tile has it.
            unsafe { self.out.write(piece.offset, row) };
        }
    }
}

/// A sum, several values at a time.
#[inline(always)]
fn sum(values: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let mut chunks = values.chunks_exact(LANES);
    for chunk in &mut chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += value;
        }
    }
    let rest: f32 = chunks.remainder().iter().sum();
    lanes.iter().sum::<f32>() + rest
}

/// The output of all tiles, each of which is written by one thread.
struct Shared(*mut MaybeUninit<f32>);

// SAFETY: a writer promises that no other thread has the place.
unsafe impl Sync for Shared {}

impl Shared {
    /// Writes values from `offset` on.
    ///
    /// # Safety
    /// There is room for them, and nobody else reads or writes it meanwhile.
    unsafe fn write(&self, offset: usize, values: &[f32]) {
        // SAFETY: the caller's promise; values and their place never overlap, as one is borrowed and the other exclusive.
        unsafe {
            let start = self.0.add(offset).cast::<f32>();
            start.copy_from_nonoverlapping(values.as_ptr(), values.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{build, cases, error, noise};
    use crate::threads::ScopedThreads;

    const THREADS: ScopedThreads = ScopedThreads(2);

    /// The formula in float64: the gradients of x, γ and β.
    fn expected(x: &[f32], weight: &[f32], g: &[f32], len: usize, eps: f64) -> [Vec<f64>; 3] {
        let num_channels = weight.len();
        let mut dx = vec![0.0; x.len()];
        let (mut dw, mut db) = (vec![0.0; num_channels], vec![0.0; num_channels]);
        for sample in 0..x.len() / (num_channels * len) {
            for t in 0..len {
                let place = |c: usize| (sample * num_channels + c) * len + t;
                let column = |values: &[f32]| -> Vec<f64> {
                    (0..num_channels).map(|c| values[place(c)].into()).collect()
                };
                let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
                let (x, g) = (column(x), column(g));
                let centre = mean(&x);
                let squares: Vec<f64> = x.iter().map(|x| (x - centre).powi(2)).collect();
                let std = (mean(&squares) + eps).sqrt();
                let normed: Vec<f64> = x.iter().map(|x| (x - centre) / std).collect();
                let scaled = g.iter().zip(weight).map(|(g, w)| g * f64::from(*w));
                let h: Vec<f64> = scaled.collect();
                let products: Vec<f64> = h.iter().zip(&normed).map(|(h, n)| h * n).collect();
                for c in 0..num_channels {
                    dx[place(c)] = (h[c] - mean(&h) - normed[c] * mean(&products)) / std;
                    dw[c] += g[c] * normed[c];
                    db[c] += g[c];
                }
            }
        }
        [dx, dw, db]
    }

    #[test]
    fn equals_its_formula() {
        let sizes = cases(&[
            (1, 1, 1),
            (2, 3, 5),
            (2, 8, 65),
            (3, 130, 65),
            (1, 37, 300),
            (2, 8, 64),
        ]);
        for &(batch, num_channels, len) in sizes {
            let count = batch * num_channels * len;
            let x: Vec<f32> = noise(1, count).iter().map(|v| v * 3.0 + 1.0).collect();
            let (weight, g) = (noise(2, num_channels), noise(3, count));
            let moments = ChannelMoments::new(&THREADS, &x, num_channels, len, 1e-2);
            let gradient = |piece: Piece, row: &mut [f32]| {
                row.copy_from_slice(&g[piece.offset..][..row.len()]);
            };
            let add_one = |piece: Piece, row: &mut [f32]| {
                let index = (piece.sample * num_channels + piece.channel) * len + piece.start;
                assert_eq!(piece.offset, index);
                row.iter_mut().for_each(|v| *v += 1.0);
            };
            let mut scales = None;
            let dx = build(count, |out| {
                let operands = [&x[..], &weight];
                let (dx, found) = moments.backward(&THREADS, operands, len, gradient, add_one, out);
                scales = Some(found);
                dx
            });
            let dx: Vec<f32> = dx.into_iter().map(|v| v - 1.0).collect();
            let scales = scales.unwrap();
            let expected = expected(&x, &weight, &g, len, 1e-2);
            for (ours, expected) in [&dx, &scales.weight, &scales.bias]
                .into_iter()
                .zip(expected)
            {
                let largest = expected.iter().fold(1e-3f64, |max, v| max.max(v.abs()));
                let error = error(ours, &expected) / largest;
                assert!(error < 1e-5, "{batch}, {num_channels}, {len}: {error}");
            }
        }
    }

    #[test]
    fn nothing_goes_back_if_the_spread_is_switched_off() {
        let x = [1.0, 2.0, 4.0, 8.0];
        let mut moments = ChannelMoments::new(&THREADS, &x, 2, 2, 1e-5);
        moments.inverse_std[1] = 0.0;
        let mut out = [MaybeUninit::new(7.0); 4];
        let (out, scales) = moments.backward(
            &THREADS,
            [&x, &[1.0; 2]],
            2,
            |_, row| row.fill(1.0),
            |_, _| (),
            &mut out,
        );
        assert_eq!([out[1], out[3]], [0.0; 2]);
        assert_eq!(scales.bias, [2.0; 2]);
    }
}
