//! Gradients of the branches of a Gated Multi-Granularity block for one channel at a time.

use std::mem::MaybeUninit;

use realfft::num_complex::Complex32;

use crate::filter::Filter;
use crate::sum::Sum;

use super::row::{Buffers, CHUNK, Gate, GmgWeights, Kernel, Row, relu};

/// Addends of a row to the gradients of its channel's weights.
#[derive(Debug, Clone, Default)]
pub(crate) struct RowGradients {
    /// w₁, b₁, w₂ and b₂ of the filter, real and imaginary part.
    pub(crate) filter: [[f64; 2]; 4],
    /// Taps of the local branch.
    pub(crate) local_taps: Vec<f64>,
    pub(crate) local_offset: f64,
    /// Factor and offset of the instant branch.
    pub(crate) instant: [f64; 2],
    /// Factor of the residual branch.
    pub(crate) scale: f64,
}

impl RowGradients {
    /// Adds those of another row of the channel.
    pub(crate) fn add(&mut self, other: &Self) {
        let own = self.filter.as_flattened_mut().iter_mut();
        let others = other.filter.as_flattened().iter().chain(&other.instant);
        for (sum, other) in own.chain(&mut self.instant).zip(others) {
            *sum += other;
        }
        self.local_taps.resize(other.local_taps.len(), 0.0);
        for (sum, other) in self.local_taps.iter_mut().zip(&other.local_taps) {
            *sum += other;
        }
        self.local_offset += other.local_offset;
        self.scale += other.scale;
    }
}

/// Room for the gradients of a row.
pub(crate) struct BackwardBuffers {
    forward: Buffers,
    /// With respect to y.
    normed: Vec<f32>,
    /// With respect to the global branch, then to the filter's input.
    global: Vec<f32>,
    /// With respect to the local convolution, with as many zeros on either side as its kernel reaches.
    local: Vec<f32>,
    /// Spectrum of the global branch, then of its gradient.
    spectrum: Vec<Complex32>,
}

impl GmgWeights<'_> {
    /// Buffers for the gradients of rows of `len` positions.
    pub(crate) fn backward_buffers(&self, len: usize) -> BackwardBuffers {
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
    /// are returned. The residual's x · mask and the norm are left to the caller. What [`GmgWeights::mix`] computed is
    /// computed again. All lists of the row have the same length, which is that of `gradient` and `out`.
    pub(crate) fn mix_backward(
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
        let (in_row, sums_of) = ((row, gradient), &mut sums);
        match self.gate {
            None => self.gates_backward(buffers, in_row, |_| 1.0, |_| 0.0, sums_of),
            Some(Gate::Identity) => {
                self.gates_backward(buffers, in_row, |gate| gate, |_| 1.0, sums_of);
            }
            Some(Gate::Relu) => {
                let slope = |gate: f32| if gate > 0.0 { 1.0 } else { 0.0 };
                self.gates_backward(buffers, in_row, relu, slope, sums_of);
            }
        }
        if let Some(kernel) = self.local_kernel(row.channel) {
            buffers.convolve_backward(kernel, &mut sums);
        }
        if let Some(filter) = &self.filter {
            sums.filter = filter.backward(
                row.channel,
                &buffers.forward.spectrum,
                &mut buffers.global,
                &mut buffers.spectrum,
                &mut buffers.forward.scratch,
            );
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
    /// of the local convolution. `open` turns a gate into a factor and has the derivative `slope`.
    fn gates_backward(
        &self,
        buffers: &mut BackwardBuffers,
        (row, gradient): (&Row<'_>, &[f32]),
        open: impl Fn(f32) -> f32,
        slope: impl Fn(f32) -> f32,
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
            let has_global = self.filter.is_some();
            let global = has_global.then(|| &buffers.forward.global[start..][..width]);

            // Forwards once more: the convolution, the local branch, and all branches' sum with y.
            let (mut convolved, mut branch) = ([0.0; CHUNK], [0.0; CHUNK]);
            let (convolved, branch) = (&mut convolved[..width], &mut branch[..width]);
            if let Some(kernel) = local {
                kernel.convolve(&buffers.forward.normed[start..], convolved);
                branch.copy_from_slice(convolved);
                if let Some(global) = global {
                    for (branch, global) in branch.iter_mut().zip(global) {
                        *branch *= open(*global);
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
                let opens = match local {
                    Some(_) => Some(&*branch),
                    None => global,
                };
                if let Some(opens) = opens {
                    for ((((own, through), (y, arriving)), sum), opens) in values.zip(opens) {
                        let (value, open) = (weight * y + bias, open(*opens));
                        *sum += value * open;
                        *own = arriving * open;
                        *through = arriving * value * slope(*opens);
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

            // The gate of the instant branch is the local branch, or the global one if there is no local branch.
            let global_gradient = &mut buffers.global[start..][..width];
            if local.is_some() {
                let own = &mut buffers.local[start + reach..][..width];
                let values = own.iter_mut().zip(arriving.iter().zip(&*through_gate));
                if let Some(global) = global {
                    let values = values.zip(global).zip(convolved).zip(global_gradient);
                    for ((((own, (arriving, through)), global), convolved), gradient) in values {
                        let branch = arriving + through;
                        *own = branch * open(*global);
                        *gradient = arriving + branch * *convolved * slope(*global);
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
        let plan = &filter.plan;
        plan.transform_back(&mut self.spectrum, global, scratch);
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
}
