//! The branches of a Gated Multi-Granularity block for one channel at a time.

use std::mem::MaybeUninit;

use realfft::num_complex::Complex32;

use crate::filter::Filter;

/// Positions that the gates work on at a time: their branches stay in registers and the first-level cache.
pub(crate) const CHUNK: usize = 64;

/// Function of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// The gate as it is.
    Identity,
    /// ReLU.
    Relu,
}

/// Weights of the branches.
///
/// # Shapes
/// C channels, an odd kernel of k taps.
pub struct GmgWeights<'a> {
    /// γ and β of the norm, (C) each.
    pub norm: [&'a [f32]; 2],
    /// The global branch, with kernels of one number.
    pub filter: Option<Filter<'a>>,
    /// The local branch: kernels (C, k) and offsets (C).
    pub local: Option<[&'a [f32]; 2]>,
    /// The instant branch: factors and offsets, (C) each.
    pub instant: Option<[&'a [f32]; 2]>,
    /// Factors of the residual branch (C).
    pub scale: Option<&'a [f32]>,
    /// Function of the gates; without it, branches have no factor.
    pub gate: Option<Gate>,
}

/// A channel's input.
pub(crate) struct Row<'a> {
    pub(crate) channel: usize,
    /// Input of the norm and of the residual.
    pub(crate) x: &'a [f32],
    /// Over the channels.
    pub(crate) mean: &'a [f32],
    /// 1 / √(v + ε) over the channels.
    pub(crate) inverse_std: &'a [f32],
    /// 1 at features, 0 at padding.
    pub(crate) mask: &'a [f32],
    /// k of the sample's drop path: 0 if training skips the branches, 1 outside training.
    pub(crate) factor: f32,
}

/// Room for the values of a row.
pub(crate) struct Buffers {
    /// y = LN(x), with as many zeros on either side as the local kernel reaches.
    pub(crate) normed: Vec<f32>,
    /// The global branch.
    pub(crate) global: Vec<f32>,
    pub(crate) spectrum: Vec<Complex32>,
    pub(crate) scratch: Vec<Complex32>,
}

/// A kernel and its offset.
#[derive(Clone, Copy)]
pub(crate) struct Kernel<'a> {
    pub(crate) taps: &'a [f32],
    pub(crate) offset: f32,
}

impl Kernel<'_> {
    /// offset + Σⱼ tapⱼ · y\[t + j\], as many positions as `out` has.
    #[inline]
    pub(crate) fn convolve(&self, y: &[f32], out: &mut [f32]) {
        out.fill(self.offset);
        for (tap, weight) in self.taps.iter().enumerate() {
            for (out, y) in out.iter_mut().zip(&y[tap..]) {
                *out += weight * y;
            }
        }
    }
}

impl GmgWeights<'_> {
    /// Taps of the local branch; 1 without one.
    pub(crate) fn kernel_size(&self) -> usize {
        let channels = self.norm[0].len();
        self.local
            .map_or(1, |[kernels, _]| kernels.len() / channels)
    }

    /// A channel's local branch.
    pub(crate) fn local_kernel(&self, channel: usize) -> Option<Kernel<'_>> {
        let kernel_size = self.kernel_size();
        self.local.map(|[kernels, offsets]| Kernel {
            taps: &kernels[channel * kernel_size..][..kernel_size],
            offset: offsets[channel],
        })
    }

    /// A channel's instant branch: factor and offset.
    pub(crate) fn instant_line(&self, channel: usize) -> Option<[f32; 2]> {
        self.instant.map(|w| w.map(|values| values[channel]))
    }

    /// s · k: factor of a row's sum of branches.
    pub(crate) fn residual_factor(&self, row: &Row<'_>) -> f32 {
        self.scale
            .map_or(row.factor, |scale| scale[row.channel] * row.factor)
    }

    /// Buffers for rows of `len` positions.
    pub(crate) fn buffers(&self, len: usize) -> Buffers {
        let reach = self.kernel_size() / 2;
        let filter = self.filter.as_ref();
        Buffers {
            normed: vec![0.0; len + 2 * reach],
            global: vec![0.0; len],
            spectrum: filter.map_or_else(Vec::new, Filter::new_spectrum),
            scratch: filter.map_or_else(Vec::new, Filter::new_scratch),
        }
    }

    /// y = LN(x) of a channel.
    pub(crate) fn normalise(&self, row: &Row<'_>, y: &mut [f32]) {
        let [weight, bias] = self.norm.map(|values| values[row.channel]);
        let moments = row.mean.iter().zip(row.inverse_std);
        for ((y, x), (mean, inverse_std)) in y.iter_mut().zip(row.x).zip(moments) {
            *y = (x - mean) * inverse_std * weight + bias;
        }
    }

    /// x · mask + s · k · (Inst + Loc + G + y) of a channel. All lists of the row have the same length, which is that of `out`.
    pub(crate) fn mix(&self, buffers: &mut Buffers, row: &Row<'_>, out: &mut [MaybeUninit<f32>]) {
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
            filter.apply_to_row(row.channel, global, spectrum, scratch);
        }
        match self.gate {
            None => self.gates(row, normed, global, out, |_| 1.0),
            Some(Gate::Identity) => self.gates(row, normed, global, out, |gate| gate),
            Some(Gate::Relu) => self.gates(row, normed, global, out, relu),
        }
    }

    /// Gates and sums the branches; `open` turns a gate into a factor.
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
pub(crate) fn relu(value: f32) -> f32 {
    if value < 0.0 { 0.0 } else { value }
}
