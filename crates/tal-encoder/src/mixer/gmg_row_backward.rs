//! Gradients of the branches of a Gated Multi-Granularity block for one channel at a time, in Rust.

use std::mem::MaybeUninit;
use std::ops::Range;

use realfft::num_complex::Complex32;
use tal_core::config::GateActivation;

use super::gmg_row::{Buffers, CHUNK, Filter, Kernel, Response, Row, Weights, relu};

/// Partial sums next to each other: additions that need not wait for one another.
const LANES: usize = 16;

/// What a row adds to the gradients of its channel's weights.
#[derive(Debug, Clone, Default)]
pub(super) struct RowGradients {
    /// w₁, b₁, w₂ and b₂ of the filter, real and imaginary part.
    pub(super) filter: [[f64; 2]; 4],
    /// Taps of the local branch.
    pub(super) local_taps: Vec<f64>,
    pub(super) local_offset: f64,
    /// Factor and offset of the instant branch.
    pub(super) instant: [f64; 2],
    /// Factor of the residual branch.
    pub(super) scale: f64,
}

impl RowGradients {
    /// Adds those of another row of the channel.
    pub(super) fn add(&mut self, other: &Self) {
        let pairs = |sum: &mut [f64; 2], other: &[f64; 2]| {
            sum[0] += other[0];
            sum[1] += other[1];
        };
        for (sum, other) in self.filter.iter_mut().zip(&other.filter) {
            pairs(sum, other);
        }
        self.local_taps.resize(other.local_taps.len(), 0.0);
        for (sum, other) in self.local_taps.iter_mut().zip(&other.local_taps) {
            *sum += other;
        }
        self.local_offset += other.local_offset;
        pairs(&mut self.instant, &other.instant);
        self.scale += other.scale;
    }
}

/// What the gradients of rows need room for.
pub(super) struct BackwardBuffers {
    forward: Buffers,
    /// With respect to y.
    normed: Vec<f32>,
    /// With respect to the global branch, and what the filter makes of it.
    global: Vec<f32>,
    /// With respect to the local convolution, with as many zeros on either side as its kernel reaches.
    local: Vec<f32>,
    /// Of the global branch, then of its gradient.
    spectrum: Vec<Complex32>,
}

/// A gate's function and its derivative.
#[derive(Clone, Copy)]
struct Gate<A, D> {
    open: A,
    slope: D,
}

/// Sums of a row, in several parts.
#[derive(Clone, Copy)]
struct Sum([f32; LANES]);

impl Sum {
    const ZERO: Sum = Sum([0.0; LANES]);

    /// Adds Σ aᵢ bᵢ.
    fn add_product(&mut self, a: &[f32], b: &[f32]) {
        let (mut a, mut b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
        for (a, b) in a.by_ref().zip(b.by_ref()) {
            for ((sum, a), b) in self.0.iter_mut().zip(a).zip(b) {
                *sum += a * b;
            }
        }
        let rest = a.remainder().iter().zip(b.remainder());
        for (sum, (a, b)) in self.0.iter_mut().zip(rest) {
            *sum += a * b;
        }
    }

    /// Adds Σ aᵢ.
    fn add(&mut self, a: &[f32]) {
        for a in a.chunks(LANES) {
            for (sum, a) in self.0.iter_mut().zip(a) {
                *sum += a;
            }
        }
    }

    fn total(self) -> f64 {
        self.0.iter().map(|&sum| f64::from(sum)).sum()
    }
}

impl Weights<'_> {
    /// Buffers for the gradients of rows of `len` positions.
    pub(super) fn backward_buffers(&self, len: usize) -> BackwardBuffers {
        let forward = self.buffers(len);
        BackwardBuffers {
            normed: vec![0.0; len],
            global: vec![0.0; len],
            local: forward.normed.clone(),
            spectrum: forward.spectrum.clone(),
            forward,
        }
    }

    /// The gradients of a channel's row: `gradient` is that of the output, `out` becomes that of y, and those of the weights
    /// are returned. The residual's x · mask and the norm are left to the caller. What [`Weights::mix`] computed is
    /// computed again. All lists of the row have the same length, which is that of `gradient` and `out`.
    pub(super) fn mix_backward(
        &self,
        buffers: &mut BackwardBuffers,
        row: &Row<'_>,
        gradient: &[f32],
        out: &mut [MaybeUninit<f32>],
    ) -> RowGradients {
        let mut sums = RowGradients::default();
        let len = row.x.len();
        let reach = self.kernel_size() / 2;
        self.normalise(row, &mut buffers.forward.normed[reach..][..len]);
        if let Some(filter) = &self.filter {
            buffers.global_branch(filter, row.channel, reach);
        }
        match self.gate {
            None => {
                let gate = Gate {
                    open: |_: f32| 1.0,
                    slope: |_: f32| 0.0,
                };
                self.gates_backward(buffers, row, gradient, gate, &mut sums);
            }
            Some(GateActivation::Identity) => {
                let gate = Gate {
                    open: |gate: f32| gate,
                    slope: |_: f32| 1.0,
                };
                self.gates_backward(buffers, row, gradient, gate, &mut sums);
            }
            Some(GateActivation::Relu) => {
                let gate = Gate {
                    open: relu,
                    slope: |gate: f32| if gate > 0.0 { 1.0 } else { 0.0 },
                };
                self.gates_backward(buffers, row, gradient, gate, &mut sums);
            }
        }
        if let Some(kernel) = self.local_kernel(row.channel) {
            buffers.convolve_backward(kernel, &mut sums);
        }
        if let Some(filter) = &self.filter {
            sums.filter = buffers.filter_backward(filter, row.channel);
            let parts = buffers.normed.iter().zip(&buffers.global);
            for (out, (normed, filtered)) in out.iter_mut().zip(parts) {
                out.write(normed + filtered);
            }
        } else {
            for (out, normed) in out.iter_mut().zip(&buffers.normed) {
                out.write(*normed);
            }
        }
        sums
    }

    /// From the output's gradient to those of y (but for what comes through convolution and filter), of the global branch and
    /// of the local convolution.
    fn gates_backward(
        &self,
        buffers: &mut BackwardBuffers,
        row: &Row<'_>,
        gradient: &[f32],
        gate: Gate<impl Fn(f32) -> f32 + Copy, impl Fn(f32) -> f32 + Copy>,
        sums: &mut RowGradients,
    ) {
        let scale = self.residual_factor(row);
        let local = self.local_kernel(row.channel);
        let instant = self.instant_line(row.channel);
        let reach = self.kernel_size() / 2;
        let (mut instant_sums, mut scale_sum) = ([Sum::ZERO; 2], Sum::ZERO);
        for (index, gradient) in gradient.chunks(CHUNK).enumerate() {
            let (start, width) = (index * CHUNK, gradient.len());
            let y = &buffers.forward.normed[start + reach..][..width];
            let normed_gradient = &mut buffers.normed[start..][..width];
            let global = self
                .filter
                .is_some()
                .then(|| &buffers.forward.global[start..][..width]);

            // Forwards once more: the convolution, the local branch, and all branches' sum with y.
            let (mut convolved, mut branch) = ([0.0; CHUNK], [0.0; CHUNK]);
            let (convolved, branch) = (&mut convolved[..width], &mut branch[..width]);
            if let Some(kernel) = local {
                kernel.convolve(&buffers.forward.normed[start..], convolved);
                branch.copy_from_slice(convolved);
                if let Some(global) = global {
                    for (branch, global) in branch.iter_mut().zip(global) {
                        *branch *= (gate.open)(*global);
                    }
                }
            }
            let mut sum = [0.0; CHUNK];
            let sum = &mut sum[..width];
            if self.scale.is_some() {
                for ((sum, y), branch) in sum.iter_mut().zip(y).zip(&*branch) {
                    *sum = y + branch;
                }
                if let Some(global) = global {
                    for (sum, global) in sum.iter_mut().zip(global) {
                        *sum += global;
                    }
                }
            }

            // Every branch gets the gradient of the sum; so does y.
            let mut arriving = [0.0; CHUNK];
            let arriving = &mut arriving[..width];
            for (arriving, gradient) in arriving.iter_mut().zip(gradient) {
                *arriving = scale * gradient;
            }
            normed_gradient.copy_from_slice(arriving);

            // The instant branch, and what its gate gets.
            let mut through_gate = [0.0; CHUNK];
            let through_gate = &mut through_gate[..width];
            if let Some([weight, bias]) = instant {
                let mut own = [0.0; CHUNK];
                let own = &mut own[..width];
                let values = own.iter_mut().zip(&mut *through_gate);
                let values = values.zip(y.iter().zip(&*arriving)).zip(&mut *sum);
                let opens = if local.is_some() {
                    Some(&*branch)
                } else {
                    global
                };
                if let Some(opens) = opens {
                    for ((((own, through), (y, arriving)), sum), opens) in values.zip(opens) {
                        let (value, open) = (weight * y + bias, (gate.open)(*opens));
                        *sum += value * open;
                        *own = arriving * open;
                        *through = arriving * value * (gate.slope)(*opens);
                    }
                } else {
                    for (((own, _), (y, arriving)), sum) in values {
                        *sum += weight * y + bias;
                        *own = *arriving;
                    }
                }
                instant_sums[0].add_product(own, y);
                instant_sums[1].add(own);
                for (normed, own) in normed_gradient.iter_mut().zip(&*own) {
                    *normed += own * weight;
                }
            }
            if self.scale.is_some() {
                scale_sum.add_product(gradient, sum);
            }

            // The local branch, or where there is none the global one, is the instant branch's gate.
            let global_gradient = &mut buffers.global[start..][..width];
            if local.is_some() {
                let own = &mut buffers.local[start + reach..][..width];
                let values = own.iter_mut().zip(arriving.iter().zip(&*through_gate));
                if let Some(global) = global {
                    let values = values.zip(global).zip(convolved).zip(global_gradient);
                    for ((((own, (arriving, through)), global), convolved), gradient) in values {
                        let branch = arriving + through;
                        *own = branch * (gate.open)(*global);
                        *gradient = arriving + branch * *convolved * (gate.slope)(*global);
                    }
                } else {
                    for (own, (arriving, through)) in values {
                        *own = arriving + through;
                    }
                }
            } else {
                let values = arriving.iter().zip(&*through_gate);
                for (gradient, (arriving, through)) in global_gradient.iter_mut().zip(values) {
                    *gradient = arriving + through;
                }
            }
        }
        sums.instant = instant_sums.map(Sum::total);
        sums.scale = scale_sum.total() * f64::from(row.factor);
    }
}

impl BackwardBuffers {
    /// G of the row, with the spectrum of y left as it is.
    fn global_branch(&mut self, filter: &Filter<'_>, channel: usize, reach: usize) {
        let Buffers {
            normed,
            global,
            spectrum,
            scratch,
        } = &mut self.forward;
        let len = global.len();
        global.copy_from_slice(&normed[reach..][..len]);
        filter.plan.transform(global, spectrum, scratch);
        let response = filter.response(channel);
        for (product, x) in self.spectrum.iter_mut().zip(&*spectrum) {
            *product = x * response.shrink(response.answer(response.hidden(*x)));
        }
        filter
            .plan
            .transform_back(&mut self.spectrum, global, scratch);
    }

    /// From the local convolution to y and the kernel.
    fn convolve_backward(&mut self, kernel: Kernel<'_>, sums: &mut RowGradients) {
        let len = self.normed.len();
        let last = kernel.taps.len() - 1;
        let own = &self.local[last / 2..][..len];
        let mut sum = Sum::ZERO;
        sum.add(own);
        sums.local_offset = sum.total();
        for (tap, weight) in kernel.taps.iter().enumerate() {
            let mut sum = Sum::ZERO;
            sum.add_product(own, &self.forward.normed[tap..][..len]);
            sums.local_taps.push(sum.total());
            let reversed = &self.local[last - tap..][..len];
            for (normed, own) in self.normed.iter_mut().zip(reversed) {
                *normed += own * weight;
            }
        }
    }

    /// From the global branch to y, in place, and the filter's weights.
    ///
    /// The transform back counts each bin of a real signal twice but for those that are their own mirror image: the mean and,
    /// where the length is even, the highest frequency. So does its adjoint, which is a transform, and the adjoint of the
    /// transform, which is one back, must not: between the two there is nothing to multiply by, but sums over bins take all
    /// others twice.
    fn filter_backward(&mut self, filter: &Filter<'_>, channel: usize) -> [[f64; 2]; 4] {
        let response = filter.response(channel);
        let (row, len) = (&mut self.global, self.normed.len());
        let scratch = &mut self.forward.scratch;
        filter.plan.transform(row, &mut self.spectrum, scratch);
        let spectrum = &self.forward.spectrum;
        // Before the gradients are overwritten.
        let mut sums = [[0.0; 2]; 4];
        let mut subtract = |bins: Range<usize>| {
            for (x, gradient) in spectrum[bins.clone()].iter().zip(&self.spectrum[bins]) {
                let bin = response.backward(*x, *gradient, filter.soft_shrink);
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
        for (x, gradient) in blocks.zip(self.spectrum.chunks_mut(LANES)) {
            let [x_re, x_im] = parts(x);
            let [mut re, mut im] = parts(gradient);
            // Without interleaving, and always for all lanes, so that they are computed at once. A gradient of 0 adds nothing.
            for lane in 0..LANES {
                let x = Complex32::new(x_re[lane], x_im[lane]);
                let gradient = Complex32::new(re[lane], im[lane]);
                let bin = response.backward(x, gradient, filter.soft_shrink);
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
        filter.plan.transform_back(&mut self.spectrum, row, scratch);
        let both = filter.both_scales();
        let scales = [filter.scales[0], 1.0, both, both].map(f64::from);
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
    /// From the product g ⊙ X of a bin to X and the weights.
    ///
    /// As LibTorch's, the derivative of the ReLU is 0 at 0 and that of S_λ is 0 up to λ; without a λ it is 1 everywhere.
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
