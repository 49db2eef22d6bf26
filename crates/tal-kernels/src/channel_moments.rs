//! Mean and spread over the channels of every position.

use crate::threads::{self, Threads, for_each};

/// Positions that are summed up at a time: their sums stay in the first-level cache.
const TILE: usize = 512;

/// Rows that are added together before they go into the sums, which saves loading and storing these.
const ROWS: usize = 4;

/// Mean μ and 1 / √(v + ε) over the C channels of every position, v the biased variance.
///
/// Sums and squares are added in float64. A float32's square is exact there, so v = mean(x²) − μ² loses nothing that float32
/// could hold, and one pass over x is enough.
///
/// # Shapes
/// (B, C, T) → (B, T).
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelMoments {
    /// μ
    pub mean: Vec<f32>,
    /// 1 / √(v + ε)
    pub inverse_std: Vec<f32>,
}

impl ChannelMoments {
    /// The moments of `x`, (B, C, T) in row-major order.
    ///
    /// # Panics
    /// If `num_channels` or `len` is 0, or `x` is not a whole number of sequences.
    pub fn new(
        threads: &dyn Threads,
        x: &[f32],
        num_channels: usize,
        len: usize,
        eps: f64,
    ) -> Self {
        let sequence = num_channels * len;
        assert!(
            sequence > 0 && x.len().is_multiple_of(sequence),
            "{} values are not a whole number of {num_channels} channels of {len} positions",
            x.len()
        );
        let count = x.len() / num_channels;
        let mut moments = ChannelMoments {
            mean: vec![0.0; count],
            inverse_std: vec![0.0; count],
        };
        let num_threads = threads::for_values(threads, x.len());
        let means = moments.mean.chunks_exact_mut(len);
        let columns = means.zip(moments.inverse_std.chunks_exact_mut(len));
        for (x, (mean, inverse_std)) in x.chunks_exact(sequence).zip(columns) {
            type Columns<'a> = (&'a mut [f32], &'a mut [f32]);
            let tile = |(): &mut (), (index, (mean, inverse_std)): (usize, Columns<'_>)| {
                let sums = Sums::new(x, len, index * TILE, mean.len());
                sums.finish(num_channels, eps, mean, inverse_std);
            };
            let tiles = mean.chunks_mut(TILE).zip(inverse_std.chunks_mut(TILE));
            for_each(threads, num_threads, tiles.enumerate(), || (), tile);
        }
        moments
    }
}

/// Sums over the channels at the positions of a tile.
struct Sums {
    sum: [f64; TILE],
    squares: [f64; TILE],
}

impl Sums {
    /// The sums of `width` positions from `start` on, in a sequence with rows of `len` positions.
    fn new(x: &[f32], len: usize, start: usize, width: usize) -> Self {
        let mut sums = Sums {
            sum: [0.0; TILE],
            squares: [0.0; TILE],
        };
        let (sum, squares) = (&mut sums.sum[..width], &mut sums.squares[..width]);
        let mut blocks = x.chunks_exact(ROWS * len);
        for rows in &mut blocks {
            let part = |number: usize| &rows[number * len + start..][..width];
            let rows = part(0).iter().zip(part(1)).zip(part(2)).zip(part(3));
            for ((sum, squares), (((a, b), c), d)) in
                sum.iter_mut().zip(squares.iter_mut()).zip(rows)
            {
                let [a, b, c, d] = [a, b, c, d].map(|&v| f64::from(v));
                *sum += (a + b) + (c + d);
                *squares += (a * a + b * b) + (c * c + d * d);
            }
        }
        for row in blocks.remainder().chunks_exact(len) {
            let row = &row[start..][..width];
            for ((sum, squares), &v) in sum.iter_mut().zip(squares.iter_mut()).zip(row) {
                let v = f64::from(v);
                *sum += v;
                *squares += v * v;
            }
        }
        sums
    }

    fn finish(&self, num_channels: usize, eps: f64, mean: &mut [f32], inverse_std: &mut [f32]) {
        let per_channel = 1.0 / num_channels as f64;
        let sums = self.sum.iter().zip(&self.squares);
        for ((mean, inverse_std), (sum, squares)) in mean.iter_mut().zip(inverse_std).zip(sums) {
            let exact = sum * per_channel;
            // Rounding may leave a constant a trace below zero. NaN must stay.
            let variance = squares * per_channel - exact * exact;
            let variance = if variance < 0.0 { 0.0 } else { variance };
            *mean = exact as f32;
            *inverse_std = (1.0 / (variance + eps).sqrt()) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::cases;
    use crate::threads::ScopedThreads;

    const THREADS: ScopedThreads = ScopedThreads(2);

    /// By definition, in two passes and double precision.
    fn expected(x: &[f32], num_channels: usize, len: usize, eps: f64) -> Vec<(f64, f64)> {
        let sequences = x.chunks_exact(num_channels * len);
        let column = |x: &[f32], t: usize| -> Vec<f64> {
            let values = x.iter().skip(t).step_by(len);
            values.map(|&v| f64::from(v)).collect()
        };
        let moments = |values: Vec<f64>| {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
            (mean, 1.0 / (squares / values.len() as f64 + eps).sqrt())
        };
        sequences
            .flat_map(|x| (0..len).map(move |t| moments(column(x, t))))
            .collect()
    }

    #[test]
    fn equal_their_definition_far_from_zero() {
        let sizes = cases(&[
            (1, 1, 1),
            (2, 3, 5),
            (1, 7, 600),
            (1, 7, 1300),
            (3, 130, 513),
            (1, 4, 0x5000),
        ]);
        for &(batch, num_channels, len) in sizes {
            for offset in [0.0, -3.0, 1000.0] {
                let noise = |i: usize| ((i * 7919 + 13) % 1009) as f32 / 1009.0;
                let x: Vec<f32> = (0..batch * num_channels * len)
                    .map(|i| offset + noise(i))
                    .collect();
                let moments = ChannelMoments::new(&THREADS, &x, num_channels, len, 1e-5);
                let expected = expected(&x, num_channels, len, 1e-5);
                assert_eq!(moments.mean.len(), expected.len());
                for ((mean, inverse_std), expected) in
                    moments.mean.iter().zip(&moments.inverse_std).zip(expected)
                {
                    let error = (f64::from(*mean) / expected.0 - 1.0).abs();
                    assert!(error < 1e-6, "{num_channels} {len} {offset}: {error}");
                    let error = (f64::from(*inverse_std) / expected.1 - 1.0).abs();
                    assert!(error < 1e-6, "{num_channels} {len} {offset}: {error}");
                }
            }
        }
    }

    #[test]
    fn constants_have_no_variance_and_nan_stays() {
        let moments = ChannelMoments::new(&THREADS, &[0.1; 3], 3, 1, 1e-4);
        assert!((moments.inverse_std[0] - 100.0).abs() < 1e-3, "{moments:?}");
        let moments = ChannelMoments::new(&THREADS, &[0.1, f32::NAN, 0.3], 3, 1, 1e-4);
        assert!(moments.mean[0].is_nan() && moments.inverse_std[0].is_nan());
    }
}
