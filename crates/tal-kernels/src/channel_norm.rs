//! Normalisation over the channels of every position.

use std::mem::MaybeUninit;

use crate::channel_gradient::{Piece, ScaleGradients};
use crate::channel_moments::ChannelMoments;
use crate::rows::{for_each_row, written};
use crate::threads::Threads;

/// Normalisation over the channels: y = ((x − μ) / √(v + ε) · γ + β) · inside, rectified before the last factor if RECTIFY is
/// set.
///
/// Its methods panic if a slice has another size.
///
/// # Shapes
/// `x` (B, C, T), `weight` = γ and `bias` = β (C), `inside` (T), all at least 1.
#[derive(Debug, Clone, Copy)]
pub struct ChannelNorm<'a> {
    /// Input.
    pub x: &'a [f32],
    /// γ
    pub weight: &'a [f32],
    /// β
    pub bias: &'a [f32],
    /// Factor of every position.
    pub inside: &'a [f32],
    /// μ and 1 / √(v + ε).
    pub moments: &'a ChannelMoments,
}

impl ChannelNorm<'_> {
    /// Writes y, every value of `out`.
    pub fn forward<'o, const RECTIFY: bool>(
        &self,
        threads: &dyn Threads,
        out: &'o mut [MaybeUninit<f32>],
    ) -> &'o mut [f32] {
        self.check(out.len());
        let (len, num_channels) = (self.inside.len(), self.weight.len());
        let row = |(): &mut (), number: usize, out: &mut [MaybeUninit<f32>]| {
            let x = &self.x[number * len..][..len];
            let (sample, channel) = (number / num_channels, number % num_channels);
            let (weight, bias) = (self.weight[channel], self.bias[channel]);
            let mean = &self.moments.mean[sample * len..][..len];
            let inverse_std = &self.moments.inverse_std[sample * len..][..len];
            let columns = x.iter().zip(mean).zip(inverse_std).zip(self.inside);
            for (out, (((x, mean), inverse_std), inside)) in out.iter_mut().zip(columns) {
                let y = (x - mean) * inverse_std * weight + bias;
                // NaN stays NaN, as LibTorch has it.
                let y = if RECTIFY && y < 0.0 { 0.0 } else { y };
                out.write(y * inside);
            }
        };
        for_each_row(threads, out, len, || (), row);
        // SAFETY: every value belongs to a row, and the four lists of a row have its length.
        unsafe { written(out) }
    }

    /// Leads the gradient of y back to x, γ and β; that of x is written to every value of `out`.
    pub fn backward<'o, const RECTIFY: bool>(
        &self,
        threads: &dyn Threads,
        gradient: &[f32],
        out: &'o mut [MaybeUninit<f32>],
    ) -> (&'o mut [f32], ScaleGradients) {
        self.check(gradient.len());
        let len = self.inside.len();
        let of_affine = |piece: Piece, row: &mut [f32]| {
            let g = &gradient[piece.offset..][..row.len()];
            if !RECTIFY {
                return row.copy_from_slice(g);
            }
            let (weight, bias) = (self.weight[piece.channel], self.bias[piece.channel]);
            let column = piece.sample * len + piece.start;
            let columns = self.moments.mean[column..]
                .iter()
                .zip(&self.moments.inverse_std[column..]);
            let columns = columns.zip(&self.x[piece.offset..]);
            let columns = columns.zip(g.iter().zip(&self.inside[piece.start..]));
            for (out, (((mean, inverse_std), x), (g, inside))) in row.iter_mut().zip(columns) {
                let y = (x - mean) * inverse_std * weight + bias;
                *out = if y <= 0.0 { 0.0 } else { g * inside };
            }
        };
        let operands = [self.x, self.weight];
        self.moments
            .backward(threads, operands, len, of_affine, |_, _| (), out)
    }

    /// Checks all sizes.
    fn check(&self, count: usize) {
        let (len, num_channels) = (self.inside.len(), self.weight.len());
        let columns = self.moments.mean.len();
        assert!(
            len * num_channels > 0
                && self.bias.len() == num_channels
                && self.moments.inverse_std.len() == columns
                && columns.is_multiple_of(len)
                && self.x.len() == columns * num_channels
                && count == self.x.len(),
            "{} values to {count} with {columns} moments are not {num_channels} channels of {len} positions",
            self.x.len()
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{build, error, noise};
    use crate::threads::ScopedThreads;

    #[test]
    fn both_ways_follow_the_formula() {
        let (num_channels, len, threads) = (3, 5, ScopedThreads(2));
        let [x, gradient] = [1, 2].map(|seed| noise(seed, 2 * num_channels * len));
        let [weight, bias] = [3, 4].map(|seed| noise(seed, num_channels));
        let inside = [1.0, 1.0, 1.0, 0.0, 1.0];
        let moments = ChannelMoments::new(&threads, &x, num_channels, len, 1e-5);
        let norm = ChannelNorm {
            x: &x,
            weight: &weight,
            bias: &bias,
            inside: &inside,
            moments: &moments,
        };
        let y = build(x.len(), |out| norm.forward::<true>(&threads, out));
        let mut plain = Vec::new();
        for (index, x) in x.iter().enumerate() {
            let (row, t) = (index / len, index % len);
            let (column, channel) = (row / num_channels * len + t, row % num_channels);
            let [mean, inverse_std] =
                [&moments.mean, &moments.inverse_std].map(|v| f64::from(v[column]));
            let normed = (f64::from(*x) - mean) * inverse_std;
            plain.push(normed * f64::from(weight[channel]) + f64::from(bias[channel]));
        }
        let rectified: Vec<f64> = plain
            .iter()
            .enumerate()
            .map(|(index, y)| y.max(0.0) * f64::from(inside[index % len]))
            .collect();
        assert!(error(&y, &rectified) < 1e-5);
        // What is rectified or not inside has no gradient.
        let kept: Vec<f32> = plain
            .iter()
            .zip(&gradient)
            .enumerate()
            .map(|(index, (y, g))| {
                if *y > 0.0 {
                    g * inside[index % len]
                } else {
                    0.0
                }
            })
            .collect();
        let mut scales = Vec::new();
        let mut back = |rectify: bool, gradient: &[f32]| {
            build(x.len(), |out| {
                let (dx, found) = if rectify {
                    norm.backward::<true>(&threads, gradient, out)
                } else {
                    norm.backward::<false>(&threads, gradient, out)
                };
                scales.push(found);
                dx
            })
        };
        assert_eq!(back(true, &gradient), back(false, &kept));
        assert_eq!(scales[0], scales[1]);
    }
}
