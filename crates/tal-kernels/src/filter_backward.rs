//! Gradient of the filter in the frequency domain.

use std::ops::Range;

use realfft::num_complex::Complex32;

use crate::filter::{Filter, Response};
use crate::sum::{LANES, Sum};

impl Filter<'_> {
    /// Leads the gradient of a row's output back to its input, in place, and to w₁, b₁, w₂ and b₂ of `channel`, real and
    /// imaginary part. The row's `spectrum` is given; kernels have one number.
    ///
    /// The transform back counts each bin of a real signal twice, except those that are their own mirror image: the mean and,
    /// if the length is even, the highest frequency. Its adjoint, a transform, does the same; the adjoint of the transform, a
    /// transform back, must not. Between the two there is nothing to multiply by, but sums over bins count all others twice.
    pub(crate) fn backward(
        &self,
        channel: usize,
        spectrum: &[Complex32],
        row: &mut [f32],
        gradients: &mut [Complex32],
        scratch: &mut [Complex32],
    ) -> [[f64; 2]; 4] {
        let response = self.response(channel);
        let (len, soft_shrink) = (row.len(), self.weights.soft_shrink);
        self.plan.transform(row, gradients, scratch);
        // Before the gradients are overwritten.
        let mut sums = [[0.0; 2]; 4];
        let mut subtract = |bins: Range<usize>| {
            for (x, gradient) in spectrum[bins.clone()].iter().zip(&gradients[bins]) {
                let bin = response.backward(*x, *gradient, soft_shrink);
                for (sum, value) in sums.iter_mut().zip(bin.weights) {
                    sum[0] -= f64::from(value.re);
                    sum[1] -= f64::from(value.im);
                }
            }
        };
        subtract(0..1);
        if len.is_multiple_of(2) {
            subtract(len / 2..len / 2 + 1);
        }
        let mut lanes = [[[0.0f32; LANES]; 2]; 4];
        let blocks = spectrum.chunks(LANES);
        for (x, gradient) in blocks.zip(gradients.chunks_mut(LANES)) {
            let [x_re, x_im] = parts(x);
            let [mut re, mut im] = parts(gradient);
            // Without interleaving, and always for all lanes, so that they are computed at once. A gradient of 0 adds nothing.
            for lane in 0..LANES {
                let x = Complex32::new(x_re[lane], x_im[lane]);
                let gradient = Complex32::new(re[lane], im[lane]);
                let bin = response.backward(x, gradient, soft_shrink);
                for (lanes, value) in lanes.iter_mut().zip(bin.weights) {
                    lanes[0][lane] += value.re;
                    lanes[1][lane] += value.im;
                }
                [re[lane], im[lane]] = [bin.input.re, bin.input.im];
            }
            for (gradient, (re, im)) in gradient.iter_mut().zip(re.into_iter().zip(im)) {
                *gradient = Complex32::new(re, im);
            }
        }
        self.plan.transform_back(gradients, row, scratch);
        let both = self.both_scales();
        let scales = [self.scales[0], 1.0, both, both].map(f64::from);
        for ((sum, lanes), scale) in sums.iter_mut().zip(lanes).zip(scales) {
            for (sum, lanes) in sum.iter_mut().zip(lanes) {
                *sum = (*sum + 2.0 * Sum(lanes).total()) * scale;
            }
        }
        sums
    }
}

/// Real and imaginary parts of up to [`LANES`] numbers, zeros behind.
#[inline(always)]
fn parts(numbers: &[Complex32]) -> [[f32; LANES]; 2] {
    let mut parts = [[0.0; LANES]; 2];
    let [re, im] = &mut parts;
    for ((re, im), number) in re.iter_mut().zip(im).zip(numbers) {
        [*re, *im] = [number.re, number.im];
    }
    parts
}

/// Gradients at one bin.
struct Bin {
    /// With respect to the unnormalised spectrum.
    input: Complex32,
    /// With respect to w₁, b₁, w₂ and b₂ as the response has them.
    weights: [Complex32; 4],
}

impl Response {
    /// Leads the gradient of the product g ⊙ X of a bin back to X and the weights.
    ///
    /// As in LibTorch, the derivative of the ReLU is 0 at 0 and that of S_λ is 0 up to λ; without a λ it is 1 everywhere.
    #[inline(always)]
    fn backward(&self, x: Complex32, gradient: Complex32, soft_shrink: f32) -> Bin {
        let h = self.hidden(x);
        let answer = self.answer(h);
        let keep = |is_kept: bool, v: f32| if is_kept { v } else { 0.0 };
        let beyond = |v: f32| (v.abs() > self.threshold) | (soft_shrink <= 0.0);
        let d_answer = gradient * x.conj();
        let d_answer = Complex32::new(
            keep(beyond(answer.re), d_answer.re),
            keep(beyond(answer.im), d_answer.im),
        );
        let [w1, w2] = [self.w1, self.w2].map(|[re, im]| Complex32::new(re, im));
        let d_hidden = d_answer * w2.conj();
        let d_hidden = Complex32::new(keep(h.re > 0.0, d_hidden.re), keep(h.im > 0.0, d_hidden.im));
        Bin {
            input: gradient * self.shrink(answer).conj() + d_hidden * w1.conj(),
            weights: [d_hidden * x.conj(), d_hidden, d_answer * h.conj(), d_answer],
        }
    }
}
