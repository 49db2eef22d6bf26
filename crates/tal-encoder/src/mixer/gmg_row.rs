//! The branches of a Gated Multi-Granularity block for one channel at a time, in Rust.

use std::mem::MaybeUninit;

use realfft::num_complex::Complex32;
use tal_core::config::GateActivation;

use super::fourier::Plan;

/// Positions that the gates work on at a time: their branches stay in registers and the first-level cache.
pub(super) const CHUNK: usize = 64;

/// Weights of all channels, as the block's tensors hold them.
pub(super) struct Weights<'a> {
    /// γ and β of the norm, (C).
    pub(super) norm: [&'a [f32]; 2],
    /// The global branch.
    pub(super) filter: Option<Filter<'a>>,
    /// The local branch: kernels (C, k) and offsets (C).
    pub(super) local: Option<[&'a [f32]; 2]>,
    /// The instant branch: factors and offsets (C).
    pub(super) instant: Option<[&'a [f32]; 2]>,
    /// Factors of the residual branch (C).
    pub(super) scale: Option<&'a [f32]>,
    /// What a gate passes through; without, branches have no factor.
    pub(super) gate: Option<GateActivation>,
}

/// A filter with kernels of one number: real parts of all channels, then the imaginary ones.
pub(super) struct Filter<'a> {
    pub(super) plan: Plan,
    /// Of the forward and the inverse transform.
    pub(super) scales: [f32; 2],
    pub(super) w1: &'a [f32],
    pub(super) b1: &'a [f32],
    pub(super) w2: &'a [f32],
    pub(super) b2: &'a [f32],
    pub(super) soft_shrink: f32,
}

/// A channel's input.
pub(super) struct Row<'a> {
    pub(super) channel: usize,
    /// What the norm reads and the residual adds.
    pub(super) x: &'a [f32],
    /// Over the channels.
    pub(super) mean: &'a [f32],
    /// 1 / √(v + ε) over the channels.
    pub(super) inverse_std: &'a [f32],
    /// 1 where there are features, else 0.
    pub(super) mask: &'a [f32],
    /// k of the sample's drop path: 0 where training skips the branches, 1 outside training.
    pub(super) factor: f32,
}

/// What rows need room for.
pub(super) struct Buffers {
    /// y = LN(x), with as many zeros on either side as the local kernel reaches.
    pub(super) normed: Vec<f32>,
    /// The global branch.
    pub(super) global: Vec<f32>,
    pub(super) spectrum: Vec<Complex32>,
    pub(super) scratch: Vec<Complex32>,
}

/// A kernel and its offset.
#[derive(Clone, Copy)]
pub(super) struct Kernel<'a> {
    pub(super) taps: &'a [f32],
    pub(super) offset: f32,
}

impl Kernel<'_> {
    /// offset + Σⱼ tapⱼ · y\[t + j\], as many positions as `out` has.
    #[inline]
    pub(super) fn convolve(&self, y: &[f32], out: &mut [f32]) {
        out.fill(self.offset);
        for (tap, weight) in self.taps.iter().enumerate() {
            for (out, y) in out.iter_mut().zip(&y[tap..]) {
                *out += weight * y;
            }
        }
    }
}

impl Weights<'_> {
    /// Taps of the local branch; 1 where there is none.
    pub(super) fn kernel_size(&self) -> usize {
        let channels = self.norm[0].len();
        self.local
            .map_or(1, |[kernels, _]| kernels.len() / channels)
    }

    /// A channel's local branch.
    pub(super) fn local_kernel(&self, channel: usize) -> Option<Kernel<'_>> {
        let kernel_size = self.kernel_size();
        self.local.map(|[kernels, offsets]| Kernel {
            taps: &kernels[channel * kernel_size..][..kernel_size],
            offset: offsets[channel],
        })
    }

    /// A channel's instant branch: factor and offset.
    pub(super) fn instant_line(&self, channel: usize) -> Option<[f32; 2]> {
        self.instant.map(|w| w.map(|values| values[channel]))
    }

    /// s · k: what a row's sum of branches is multiplied by.
    pub(super) fn residual_factor(&self, row: &Row<'_>) -> f32 {
        self.scale
            .map_or(row.factor, |scale| scale[row.channel] * row.factor)
    }

    /// Buffers for rows of `len` positions.
    pub(super) fn buffers(&self, len: usize) -> Buffers {
        let reach = self.kernel_size() / 2;
        let (spectrum, scratch) = match &self.filter {
            Some(Filter { plan, .. }) => {
                let scratch = plan.forward.get_scratch_len();
                let scratch = scratch.max(plan.inverse.get_scratch_len());
                (len / 2 + 1, scratch)
            }
            None => (0, 0),
        };
        Buffers {
            normed: vec![0.0; len + 2 * reach],
            global: vec![0.0; len],
            spectrum: vec![Complex32::default(); spectrum],
            scratch: vec![Complex32::default(); scratch],
        }
    }

    /// y = LN(x) of a channel.
    pub(super) fn normalise(&self, row: &Row<'_>, y: &mut [f32]) {
        let [weight, bias] = self.norm.map(|values| values[row.channel]);
        let moments = row.mean.iter().zip(row.inverse_std);
        for ((y, x), (mean, inverse_std)) in y.iter_mut().zip(row.x).zip(moments) {
            *y = (x - mean) * inverse_std * weight + bias;
        }
    }

    /// x · mask + s · k · (Inst + Loc + G + y) of a channel. All lists of the row have the same length, which is that of `out`.
    pub(super) fn mix(&self, buffers: &mut Buffers, row: &Row<'_>, out: &mut [MaybeUninit<f32>]) {
        let Buffers {
            normed,
            global,
            spectrum,
            scratch,
        } = buffers;
        let reach = self.kernel_size() / 2;
        let y = &mut normed[reach..][..row.x.len()];
        self.normalise(row, y);
        if let Some(filter) = &self.filter {
            global.copy_from_slice(y);
            filter.apply(row.channel, global, spectrum, scratch);
        }
        match self.gate {
            None => self.gates(row, normed, global, out, |_| 1.0),
            Some(GateActivation::Identity) => self.gates(row, normed, global, out, |gate| gate),
            Some(GateActivation::Relu) => self.gates(row, normed, global, out, relu),
        }
    }

    /// Gates and sums the branches; `open` is what a gate lets through, as a factor.
    fn gates(
        &self,
        row: &Row<'_>,
        normed: &[f32],
        global: &[f32],
        out: &mut [MaybeUninit<f32>],
        open: impl Fn(f32) -> f32 + Copy,
    ) {
        let scale = self.residual_factor(row);
        let local = self.local_kernel(row.channel);
        let instant = self.instant_line(row.channel);
        let reach = self.kernel_size() / 2;
        let rows = out.chunks_mut(CHUNK);
        let rows = rows.zip(row.x.chunks(CHUNK).zip(row.mask.chunks(CHUNK)));
        for (index, (out, (x, mask))) in rows.enumerate() {
            let (start, width) = (index * CHUNK, x.len());
            let y = &normed[start + reach..][..width];
            // The branches' sum, and the gate of the next one.
            let mut sum = [0.0; CHUNK];
            let mut gate = [0.0; CHUNK];
            let (sum, gate) = (&mut sum[..width], &mut gate[..width]);
            let mut has_gate = false;
            if self.filter.is_some() {
                sum.copy_from_slice(&global[start..][..width]);
                gate.copy_from_slice(sum);
                has_gate = true;
            }
            if let Some(kernel) = local {
                let mut branch = [0.0; CHUNK];
                let branch = &mut branch[..width];
                kernel.convolve(&normed[start..], branch);
                if has_gate {
                    for (branch, gate) in branch.iter_mut().zip(&*gate) {
                        *branch *= open(*gate);
                    }
                }
                gate.copy_from_slice(branch);
                has_gate = true;
                for (sum, branch) in sum.iter_mut().zip(&*branch) {
                    *sum += branch;
                }
            }
            if let Some([weight, bias]) = instant {
                let values = sum.iter_mut().zip(y).zip(&*gate);
                if has_gate {
                    for ((sum, y), gate) in values {
                        *sum += (weight * y + bias) * open(*gate);
                    }
                } else {
                    for ((sum, y), _) in values {
                        *sum += weight * y + bias;
                    }
                }
            }
            let values = x.iter().zip(mask).zip(y.iter().zip(&*sum));
            for (out, ((x, mask), (y, sum))) in out.iter_mut().zip(values) {
                out.write(x * mask + scale * (sum + y));
            }
        }
    }
}

/// The larger of a number and 0; NaN stays NaN.
pub(super) fn relu(value: f32) -> f32 {
    if value < 0.0 { 0.0 } else { value }
}

/// A channel's filter between two unnormalised transforms.
///
/// Both transforms' scales are in the weights: the first layer reads s₁ X, and as (s₁ s₂) S_λ(v) = S_{s₁ s₂ λ}(s₁ s₂ v), the
/// second one's answer is scaled as the product with X needs it.
pub(super) struct Response {
    /// s₁ w₁
    pub(super) w1: [f32; 2],
    /// b₁
    pub(super) b1: [f32; 2],
    /// s₁ s₂ w₂
    pub(super) w2: [f32; 2],
    /// s₁ s₂ b₂
    pub(super) b2: [f32; 2],
    /// s₁ s₂ λ
    pub(super) threshold: f32,
}

impl Response {
    /// h = ReLU(X · w₁ + b₁).
    #[inline(always)]
    pub(super) fn hidden(&self, x: Complex32) -> Complex32 {
        let relu = |v: f32| if v > 0.0 { v } else { 0.0 };
        let ([re, im], b) = (self.w1, self.b1);
        Complex32::new(
            relu(x.re * re - x.im * im + b[0]),
            relu(x.im * re + x.re * im + b[1]),
        )
    }

    /// h · w₂ + b₂, not shrunk yet.
    #[inline(always)]
    pub(super) fn answer(&self, h: Complex32) -> Complex32 {
        let ([re, im], b) = (self.w2, self.b2);
        Complex32::new(h.re * re - h.im * im + b[0], h.im * re + h.re * im + b[1])
    }

    /// S_λ.
    #[inline(always)]
    pub(super) fn shrink(&self, v: Complex32) -> Complex32 {
        let shrink = |v: f32| v - v.clamp(-self.threshold, self.threshold);
        Complex32::new(shrink(v.re), shrink(v.im))
    }
}

impl Filter<'_> {
    /// Of a channel.
    pub(super) fn response(&self, channel: usize) -> Response {
        let [forward_scale, _] = self.scales;
        let both = self.both_scales();
        let channels = self.b1.len() / 2;
        let complex = |values: &[f32], scale: f32| {
            [values[channel] * scale, values[channels + channel] * scale]
        };
        Response {
            w1: complex(self.w1, forward_scale),
            b1: complex(self.b1, 1.0),
            w2: complex(self.w2, both),
            b2: complex(self.b2, both),
            threshold: self.soft_shrink * both,
        }
    }

    /// s₁ s₂
    pub(super) fn both_scales(&self) -> f32 {
        self.scales[0] * self.scales[1]
    }

    /// Filters a row of `channel` in place.
    fn apply(
        &self,
        channel: usize,
        row: &mut [f32],
        spectrum: &mut [Complex32],
        scratch: &mut [Complex32],
    ) {
        self.plan.transform(row, spectrum, scratch);
        let response = self.response(channel);
        for x in spectrum.iter_mut() {
            *x *= response.shrink(response.answer(response.hidden(*x)));
        }
        self.plan.transform_back(spectrum, row, scratch);
    }
}
