//! Filter in the frequency domain.

use realfft::num_complex::Complex32;

use crate::fourier::{self, Plan};
use crate::threads::{self, Threads, for_each, num_tasks};

/// Weights of a [`Filter`]: real parts of all channels, then the imaginary ones.
///
/// # Shapes
/// `w1`, `w2` (2, C, kernel) with an odd kernel, and `b1`, `b2` (2, C).
#[derive(Debug, Clone, Copy)]
pub struct FilterWeights<'a> {
    /// Kernel of the first layer.
    pub w1: &'a [f32],
    /// Offset of the first layer.
    pub b1: &'a [f32],
    /// Kernel of the second layer.
    pub w2: &'a [f32],
    /// Offset of the second layer.
    pub b2: &'a [f32],
    /// λ
    pub soft_shrink: f32,
    /// Whether both transforms are divided by √T; if not, the inverse one is divided by T.
    pub is_ortho: bool,
}

/// Filter whose frequency response depends on the input's own spectrum, at one length T.
///
/// X = rfft(x), h = ReLU(X ∗ w₁ + b₁) on real and imaginary part separately, g = S_λ(h ∗ w₂ + b₂), y = irfft(g ⊙ X), where w is
/// a complex kernel of each channel along frequency (zeros outside 0 to ⌊T/2⌋), b a complex number of each channel, and the soft
/// shrinkage S_λ moves real and imaginary part by λ towards 0.
///
/// # Source
/// Equations 1 to 3 of arXiv 2412.09202; the released code has the kernel 1.
pub struct Filter<'a> {
    pub(crate) plan: Plan,
    /// s₁ of the forward and s₂ of the inverse transform.
    pub(crate) scales: [f32; 2],
    pub(crate) weights: FilterWeights<'a>,
    len: usize,
    kernel_size: usize,
}

impl<'a> Filter<'a> {
    /// The filter of sequences of `len` positions.
    ///
    /// # Panics
    /// If the weights differ in size, the kernel is even, or there are no channels or positions.
    pub fn new(weights: FilterWeights<'a>, len: usize) -> Self {
        let FilterWeights { w1, b1, w2, b2, .. } = weights;
        let kernel_size = w1.len() / b1.len().max(1);
        assert!(
            !b1.is_empty()
                && b1.len().is_multiple_of(2)
                && b1.len() == b2.len()
                && w1.len() == b1.len() * kernel_size
                && w1.len() == w2.len()
                && kernel_size % 2 == 1
                && len > 0,
            "{}, {}, {} and {} weights are not those of a filter of {len} positions with an odd kernel",
            w1.len(),
            b1.len(),
            w2.len(),
            b2.len()
        );
        let root = (len as f32).sqrt();
        Filter {
            plan: fourier::plan(len),
            scales: if weights.is_ortho {
                [1.0 / root; 2]
            } else {
                [1.0, 1.0 / len as f32]
            },
            weights,
            len,
            kernel_size,
        }
    }

    fn num_channels(&self) -> usize {
        self.weights.b1.len() / 2
    }

    /// Channels C, positions T and taps.
    pub(crate) fn sizes(&self) -> [usize; 3] {
        [self.num_channels(), self.len, self.kernel_size]
    }

    /// Filters in place. The values do not depend on the number of threads.
    ///
    /// # Shapes
    /// (B, C, T)
    ///
    /// # Panics
    /// If `rows` are not a whole number of sequences of all channels.
    pub fn apply(&self, threads: &dyn Threads, rows: &mut [f32]) {
        let num_channels = self.num_channels();
        assert!(
            rows.len().is_multiple_of(num_channels * self.len),
            "{} values are not a whole number of {num_channels} channels of {} positions",
            rows.len(),
            self.len
        );
        let num_threads = threads::for_values(threads, rows.len());
        let num_rows = (rows.len() / self.len)
            .div_ceil(num_tasks(num_threads))
            .max(1);
        let blocks = rows.chunks_mut(num_rows * self.len).enumerate();
        let buffers = || (self.new_spectrum(), self.new_scratch());
        let block = |(spectrum, scratch): &mut (Vec<_>, Vec<_>),
                     (block, rows): (usize, &mut [f32])| {
            for (number, row) in (block * num_rows..).zip(rows.chunks_exact_mut(self.len)) {
                self.apply_to_row(number % num_channels, row, spectrum, scratch);
            }
        };
        for_each(threads, num_threads, blocks, buffers, block);
    }

    /// Room for a row's spectrum.
    pub(crate) fn new_spectrum(&self) -> Vec<Complex32> {
        vec![Complex32::default(); self.len / 2 + 1]
    }

    /// Room for a transform.
    pub(crate) fn new_scratch(&self) -> Vec<Complex32> {
        let len = self.plan.forward.get_scratch_len();
        vec![Complex32::default(); len.max(self.plan.inverse.get_scratch_len())]
    }

    /// Filters a row of `channel` in place.
    pub(crate) fn apply_to_row(
        &self,
        channel: usize,
        row: &mut [f32],
        spectrum: &mut [Complex32],
        scratch: &mut [Complex32],
    ) {
        self.plan.transform(row, spectrum, scratch);
        if self.kernel_size == 1 {
            let response = self.response(channel);
            for x in spectrum.iter_mut() {
                *x *= response.shrink(response.answer(response.hidden(*x)));
            }
        } else {
            self.multiply_wide(channel, spectrum);
        }
        self.plan.transform_back(spectrum, row, scratch);
    }

    /// Multiplies a spectrum by its response to kernels of several numbers.
    fn multiply_wide(&self, channel: usize, spectrum: &mut [Complex32]) {
        let taps = self.kernel_size;
        let kernel = |weights: &[f32], scale: f32| -> Vec<Complex32> {
            let start = |part: usize| (part * self.num_channels() + channel) * taps;
            let parts = [0, 1].map(|part| &weights[start(part)..][..taps]);
            let parts = parts[0].iter().zip(parts[1]);
            parts
                .map(|(re, im)| Complex32::new(*re, *im) * scale)
                .collect()
        };
        let both = self.both_scales();
        let response = self.response(channel);
        let first = kernel(self.weights.w1, self.scales[0]);
        let second = kernel(self.weights.w2, both);
        let along = |x: &[Complex32], kernel: &[Complex32], frequency: usize| {
            let mut sum = Complex32::default();
            for (tap, weight) in kernel.iter().enumerate() {
                let place = (frequency + tap).checked_sub(taps / 2);
                if let Some(x) = place.and_then(|place| x.get(place)) {
                    sum += x * weight;
                }
            }
            sum
        };
        let complex = |[re, im]: [f32; 2]| Complex32::new(re, im);
        let relu = |v: f32| if v > 0.0 { v } else { 0.0 };
        let hidden: Vec<Complex32> = (0..spectrum.len())
            .map(|frequency| {
                let sum = along(spectrum, &first, frequency) + complex(response.b1);
                Complex32::new(relu(sum.re), relu(sum.im))
            })
            .collect();
        for (frequency, x) in spectrum.iter_mut().enumerate() {
            *x *= response.shrink(along(&hidden, &second, frequency) + complex(response.b2));
        }
    }

    /// A channel's response; of kernels, it has the first number only.
    pub(crate) fn response(&self, channel: usize) -> Response {
        let [forward_scale, _] = self.scales;
        let both = self.both_scales();
        let channels = self.num_channels();
        let complex = |values: &[f32], taps: usize, scale: f32| {
            [channel, channels + channel].map(|row| values[row * taps] * scale)
        };
        let FilterWeights { w1, b1, w2, b2, .. } = self.weights;
        Response {
            w1: complex(w1, self.kernel_size, forward_scale),
            b1: complex(b1, 1, 1.0),
            w2: complex(w2, self.kernel_size, both),
            b2: complex(b2, 1, both),
            threshold: self.weights.soft_shrink * both,
        }
    }

    /// s₁ s₂
    pub(crate) fn both_scales(&self) -> f32 {
        self.scales[0] * self.scales[1]
    }
}

/// A channel's filter between two unnormalised transforms.
///
/// Both transforms' scales are in the weights: the first layer reads s₁ X, and as (s₁ s₂) S_λ(v) = S_{s₁ s₂ λ}(s₁ s₂ v), the
/// second one's answer is scaled as the product with X needs it.
pub(crate) struct Response {
    /// s₁ w₁
    pub(crate) w1: [f32; 2],
    /// b₁
    pub(crate) b1: [f32; 2],
    /// s₁ s₂ w₂
    pub(crate) w2: [f32; 2],
    /// s₁ s₂ b₂
    pub(crate) b2: [f32; 2],
    /// s₁ s₂ λ
    pub(crate) threshold: f32,
}

impl Response {
    /// h = ReLU(X · w₁ + b₁).
    #[inline(always)]
    pub(crate) fn hidden(&self, x: Complex32) -> Complex32 {
        let relu = |v: f32| if v > 0.0 { v } else { 0.0 };
        let ([re, im], b) = (self.w1, self.b1);
        Complex32::new(
            relu(x.re * re - x.im * im + b[0]),
            relu(x.im * re + x.re * im + b[1]),
        )
    }

    /// h · w₂ + b₂, not shrunk yet.
    #[inline(always)]
    pub(crate) fn answer(&self, h: Complex32) -> Complex32 {
        let ([re, im], b) = (self.w2, self.b2);
        Complex32::new(h.re * re - h.im * im + b[0], h.im * re + h.re * im + b[1])
    }

    /// S_λ.
    #[inline(always)]
    pub(crate) fn shrink(&self, v: Complex32) -> Complex32 {
        let shrink = |v: f32| v - v.clamp(-self.threshold, self.threshold);
        Complex32::new(shrink(v.re), shrink(v.im))
    }
}

#[cfg(test)]
mod tests {
    use rustfft::{FftPlanner, num_complex::Complex64};

    use super::*;
    use crate::tests::{cases, error, noise};
    use crate::threads::ScopedThreads;

    /// The formula in float64, over the full complex spectrum of one channel.
    fn expected(x: &[f32], weights: FilterWeights<'_>, channel: usize) -> Vec<f64> {
        let len = x.len();
        let num_channels = weights.b1.len() / 2;
        let taps = weights.w1.len() / weights.b1.len();
        let scale = if weights.is_ortho {
            1.0 / (len as f64).sqrt()
        } else {
            1.0
        };
        let mut planner = FftPlanner::new();
        let mut spectrum: Vec<Complex64> = x.iter().map(|&v| f64::from(v).into()).collect();
        planner.plan_fft_forward(len).process(&mut spectrum);
        spectrum.truncate(len / 2 + 1);
        spectrum.iter_mut().for_each(|v| *v *= scale);
        let number = |values: &[f32], index: usize| {
            Complex64::new(
                values[index].into(),
                values[values.len() / 2 + index].into(),
            )
        };
        let layer = |x: &[Complex64], w: &[f32], b: &[f32]| -> Vec<Complex64> {
            let sum = |frequency: usize| {
                (0..taps).fold(number(b, channel), |sum, tap| {
                    let at = (frequency + tap).checked_sub(taps / 2);
                    let x = at.and_then(|at| x.get(at)).copied().unwrap_or_default();
                    sum + x * number(w, channel * taps + tap)
                })
            };
            (0..x.len()).map(sum).collect()
        };
        assert!(num_channels > channel);
        let hidden: Vec<Complex64> = layer(&spectrum, weights.w1, weights.b1)
            .into_iter()
            .map(|v| Complex64::new(v.re.max(0.0), v.im.max(0.0)))
            .collect();
        let shrink = f64::from(weights.soft_shrink);
        let shrunk = |v: f64| v.signum() * (v.abs() - shrink).max(0.0);
        let mut product: Vec<Complex64> = layer(&hidden, weights.w2, weights.b2)
            .into_iter()
            .zip(&spectrum)
            .map(|(g, x)| Complex64::new(shrunk(g.re), shrunk(g.im)) * x)
            .collect();
        // A real signal: the mean and the highest frequency have no imaginary part, the others come in conjugate pairs.
        product[0].im = 0.0;
        if len.is_multiple_of(2) {
            product[len / 2].im = 0.0;
        }
        for k in len / 2 + 1..len {
            product.push(product[len - k].conj());
        }
        planner.plan_fft_inverse(len).process(&mut product);
        let scale = if weights.is_ortho {
            scale
        } else {
            1.0 / len as f64
        };
        product.iter().map(|v| v.re * scale).collect()
    }

    #[test]
    fn equals_its_formula() {
        const CHANNELS: usize = 3;
        let lens: Vec<usize> = (1..=300).chain([1024, 2304, 4095]).collect();
        let lens = if cfg!(miri) { &lens[..4] } else { &lens };
        for &(taps, soft_shrink, is_ortho, std) in cases(&[
            (1, 0.001, true, 0.5),
            (3, 0.0, false, 0.02),
            (9, 0.001, true, 0.3),
        ]) {
            let scaled = |seed, count| -> Vec<f32> {
                noise(seed, count).into_iter().map(|v| v * std).collect()
            };
            let [w1, w2] = [1, 2].map(|seed| scaled(seed, 2 * CHANNELS * taps));
            let [b1, b2] = [3, 4].map(|seed| scaled(seed, 2 * CHANNELS));
            let weights = FilterWeights {
                w1: &w1,
                b1: &b1,
                w2: &w2,
                b2: &b2,
                soft_shrink,
                is_ortho,
            };
            for &len in lens {
                let x = noise(len as u64, 2 * CHANNELS * len);
                let mut y = x.clone();
                Filter::new(weights, len).apply(&ScopedThreads(2), &mut y);
                let rows = x.chunks_exact(len).enumerate();
                let expected: Vec<f64> = rows
                    .flat_map(|(row, x)| expected(x, weights, row % CHANNELS))
                    .collect();
                let largest = expected.iter().fold(1.0f64, |max, v| max.max(v.abs()));
                let error = error(&y, &expected) / largest;
                assert!(error < 1e-5, "{taps} taps, length {len}: {error}");
            }
        }
    }

    #[test]
    fn a_single_position_by_hand() {
        // X = 3 without imaginary part; h = ReLU(3(0.5 + 0.5j) + 0.5 + 0.5j) = 2 + 2j;
        // g = (2 + 2j)(0.5 + 0.5j) + 0.5 + 0.5j = 0.5 + 2.5j, shrunk by 0.1 to 0.4 + 2.4j; y = Re(g · 3) = 1.2.
        let half = [0.5; 2];
        let weights = FilterWeights {
            w1: &half,
            b1: &half,
            w2: &half,
            b2: &half,
            soft_shrink: 0.1,
            is_ortho: false,
        };
        let mut rows = [3.0];
        Filter::new(weights, 1).apply(&ScopedThreads(1), &mut rows);
        assert!((rows[0] - 1.2).abs() < 1e-6, "{rows:?}");
    }

    #[test]
    #[should_panic(expected = "with an odd kernel")]
    fn weights_of_different_sizes_are_refused() {
        let (six, five) = ([0.5; 6], [0.5; 5]);
        let weights = FilterWeights {
            w1: &six,
            b1: &six,
            w2: &five,
            b2: &six,
            soft_shrink: 0.1,
            is_ortho: false,
        };
        Filter::new(weights, 1);
    }

    #[test]
    #[should_panic(expected = "10 values are not a whole number of 3 channels of 2 positions")]
    fn rows_must_be_whole_sequences() {
        let six = [0.5; 6];
        let weights = FilterWeights {
            w1: &six,
            b1: &six,
            w2: &six,
            b2: &six,
            soft_shrink: 0.1,
            is_ortho: false,
        };
        Filter::new(weights, 2).apply(&ScopedThreads(1), &mut [0.0; 10]);
    }
}
