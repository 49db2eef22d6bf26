//! What a Gated Multi-Granularity block's branches are computed from in Rust, forwards and backwards.

use std::mem::MaybeUninit;

use tal_core::config::{FftNorm, GateActivation};
use tal_core::nn::{ChannelLayerNorm, ChannelMoments, Conv1d, Piece, host};
use tch::{Kind, Tensor};

use super::fourier;
use super::gmg::{GlobalBranch, Gmg};
use super::gmg_row::{Filter, Row, Weights};
use super::gmg_row_backward::RowGradients;

/// Why operands can be read: they have been before.
const READ_BEFORE: &str = "what the constructor could read";

/// A block's input and weights, detached from any graph, with the moments of its norm.
#[derive(Debug)]
pub(super) struct Mixing {
    /// Batch, channels, length.
    size: [usize; 3],
    x: Tensor,
    /// float32, (B, 1, T).
    mask: Tensor,
    moments: ChannelMoments,
    /// Of the drop path, by sample.
    factors: Vec<f32>,
    norm: [Tensor; 2],
    filter: Option<MixingFilter>,
    local: Option<[Tensor; 2]>,
    instant: Option<[Tensor; 2]>,
    scale: Option<Tensor>,
    gate: Option<GateActivation>,
}

/// The global branch's filter.
#[derive(Debug)]
struct MixingFilter {
    /// w₁, b₁, w₂, b₂.
    weights: [Tensor; 4],
    soft_shrink: f32,
    fft_norm: FftNorm,
}

/// The values of a [`Mixing`].
struct Operands<'a> {
    x: &'a [f32],
    mask: &'a [f32],
    moments: &'a ChannelMoments,
    factors: &'a [f32],
    len: usize,
    weights: Weights<'a>,
}

impl Operands<'_> {
    /// Row `number` of the input.
    fn row(&self, number: usize) -> Row<'_> {
        let (len, num_channels) = (self.len, self.weights.norm[0].len());
        let sample = number / num_channels;
        Row {
            channel: number % num_channels,
            x: &self.x[number * len..][..len],
            mean: &self.moments.mean[sample * len..][..len],
            inverse_std: &self.moments.inverse_std[sample * len..][..len],
            mask: &self.mask[sample * len..][..len],
            factor: self.factors[sample],
        }
    }
}

impl Mixing {
    /// Of a block and its input behind the halving, contiguous, no sample skipped; `None` where it cannot be read in place.
    pub(super) fn new(block: &Gmg, x: &Tensor, mask: &Tensor) -> Option<Self> {
        let &[batch, num_channels, len] = x.size().as_slice() else {
            return None;
        };
        if mask.size() != [batch, 1, len] || x.numel() == 0 {
            return None;
        }
        let size = [batch, num_channels, len].map(|size| usize::try_from(size).unwrap_or(0));
        let pair = |conv: &Option<Conv1d>| match conv {
            Some(Conv1d { weight, bias, .. }) => {
                Some(Some([weight.detach(), bias.as_ref()?.detach()]))
            }
            None => Some(None),
        };
        let filter = match &block.global {
            Some(GlobalBranch::Filter(filter)) => Some(MixingFilter {
                weights: [&filter.w1, &filter.b1, &filter.w2, &filter.b2].map(Tensor::detach),
                soft_shrink: filter.soft_shrink as f32,
                fft_norm: filter.fft_norm,
            }),
            _ => None,
        };
        let scale = block.drop_path_mixer.0.as_ref();
        let mut mixing = Mixing {
            size,
            x: x.detach(),
            mask: mask.to_kind(Kind::Float).contiguous(),
            moments: ChannelMoments {
                mean: Vec::new(),
                inverse_std: Vec::new(),
            },
            factors: vec![1.0; size[0]],
            norm: [block.norm.weight.detach(), block.norm.bias.detach()],
            filter,
            local: pair(&block.local)?,
            instant: pair(&block.instant)?,
            scale: scale.map(|path| path.scale.detach()),
            gate: block.gate,
        };
        // SAFETY: the slices do not outlive this block, in which nothing writes.
        mixing.moments = unsafe {
            let x = mixing.operands()?.x;
            ChannelMoments::new(x, size[1], size[2], ChannelLayerNorm::EPS)
        };
        Some(mixing)
    }

    /// Multiplies the branches of every sample by a factor of its own.
    pub(super) fn skip(&mut self, factors: Vec<f32>) {
        assert_eq!(factors.len(), self.size[0], "one factor per sample");
        self.factors = factors;
    }

    /// x · mask + drop(Inst + Loc + G + y).
    ///
    /// # Safety
    /// Nothing may write to the block's input and weights meanwhile.
    pub(super) unsafe fn forward(&self) -> Tensor {
        // SAFETY: the caller's promise.
        let operands = unsafe { self.operands() }.expect(READ_BEFORE);
        let len = self.size[2];
        let mix = |buffers: &mut _, number, out: &mut [MaybeUninit<f32>]| {
            let row = operands.row(number);
            operands.weights.mix(buffers, &row, out);
        };
        let state = || operands.weights.buffers(len);
        // SAFETY: every value belongs to a row, and `mix` writes as many as a row has.
        unsafe { host::build(&self.size, |rows| host::for_each_row(rows, len, state, mix)) }
    }

    /// The gradients of x, of γ and β of the norm, and of what there is of the filter's w₁, b₁, w₂, b₂, of kernel and offset of
    /// the local and of the instant branch, and of the residual's scale, each where it is needed.
    ///
    /// Sums over samples are taken in their order, whatever the number of threads.
    ///
    /// # Safety
    /// Nothing may write to the block's input and weights meanwhile.
    pub(super) unsafe fn backward(
        &self,
        gradient: &Tensor,
        is_needed: &[bool],
    ) -> Vec<Option<Tensor>> {
        let gradient = gradient.contiguous();
        // SAFETY: the caller's promise; the gradient is not written to either.
        let (operands, gradient) = unsafe { (self.operands(), host::values(&gradient)) };
        let operands = operands.expect(READ_BEFORE);
        let gradient = gradient.expect("a gradient of the output's kind");
        let [batch, num_channels, len] = self.size;
        let mut sums = vec![RowGradients::default(); batch * num_channels];
        let work = |buffers: &mut _, number, out: &mut [MaybeUninit<f32>], sums: &mut _| {
            let row = operands.row(number);
            let gradient = &gradient[number * len..][..len];
            *sums = operands.weights.mix_backward(buffers, &row, gradient, out);
        };
        let state = || operands.weights.backward_buffers(len);
        let fill = |out: &mut [_]| host::for_each_row_with(out, len, &mut sums, state, work);
        // SAFETY: every value belongs to a row, and `mix_backward` writes as many as a row has.
        let normed = unsafe { host::build(&self.size, fill) };
        let (channels, others) = sums.split_at_mut(num_channels);
        for sample in others.chunks(num_channels) {
            for (channel, other) in channels.iter_mut().zip(sample) {
                channel.add(other);
            }
        }
        let mut gradients = self.through_norm(&operands, gradient, &normed);
        gradients.extend(self.of_branches(channels));
        let gradients = gradients.into_iter().zip(is_needed);
        gradients
            .map(|(gradient, is_needed)| is_needed.then_some(gradient))
            .collect()
    }

    /// The gradients of x, with the residual's, and of γ and β from those of the output and of y.
    fn through_norm(
        &self,
        operands: &Operands<'_>,
        gradient: &[f32],
        normed: &Tensor,
    ) -> Vec<Tensor> {
        let len = self.size[2];
        // SAFETY: nobody writes to this new tensor any more.
        let normed = unsafe { host::values(normed) }.expect("built in main memory");
        let read = |piece: Piece, row: &mut [f32]| {
            row.copy_from_slice(&normed[piece.offset..][..row.len()]);
        };
        let add_residual = |piece: Piece, row: &mut [f32]| {
            let mask = &operands.mask[piece.sample * len + piece.start..];
            let residual = gradient[piece.offset..].iter().zip(mask);
            for (x, (gradient, mask)) in row.iter_mut().zip(residual) {
                *x += gradient * mask;
            }
        };
        let [weight, _] = operands.weights.norm;
        let mut sums = None;
        let fill = |out: &mut [_]| {
            let moments = &self.moments;
            sums = Some(moments.backward(operands.x, weight, len, read, add_residual, out));
        };
        // SAFETY: the norm writes every value.
        let x = unsafe { host::build(&self.size, fill) };
        let sums = sums.expect("an input without values has no backward pass");
        vec![
            x,
            Tensor::from_slice(&sums.weight).view_as(&self.norm[0]),
            Tensor::from_slice(&sums.bias).view_as(&self.norm[1]),
        ]
    }

    /// The gradients of what belongs to the branches.
    fn of_branches(&self, channels: &[RowGradients]) -> Vec<Tensor> {
        let mut gradients = Vec::new();
        let mut push = |values: &mut dyn Iterator<Item = f64>, like: &Tensor| {
            let values: Vec<f32> = values.map(|value| value as f32).collect();
            gradients.push(Tensor::from_slice(&values).view_as(like));
        };
        if let Some(filter) = &self.filter {
            for (index, weight) in filter.weights.iter().enumerate() {
                let part = |part: usize| channels.iter().map(move |c| c.filter[index][part]);
                push(&mut part(0).chain(part(1)), weight);
            }
        }
        if let Some([weight, bias]) = &self.local {
            push(
                &mut channels.iter().flat_map(|c| c.local_taps.iter().copied()),
                weight,
            );
            push(&mut channels.iter().map(|c| c.local_offset), bias);
        }
        if let Some([weight, bias]) = &self.instant {
            push(&mut channels.iter().map(|c| c.instant[0]), weight);
            push(&mut channels.iter().map(|c| c.instant[1]), bias);
        }
        if let Some(scale) = &self.scale {
            push(&mut channels.iter().map(|c| c.scale), scale);
        }
        gradients
    }

    /// The values in place; `None` where a tensor cannot be read so.
    ///
    /// # Safety
    /// As [`host::values`].
    unsafe fn operands(&self) -> Option<Operands<'_>> {
        // SAFETY: the caller's promise.
        unsafe {
            Some(Operands {
                x: host::values(&self.x)?,
                mask: host::values(&self.mask)?,
                moments: &self.moments,
                factors: &self.factors,
                len: self.size[2],
                weights: Weights {
                    norm: all(&self.norm)?,
                    filter: match &self.filter {
                        Some(filter) => Some(filter.values(self.size[2])?),
                        None => None,
                    },
                    local: match &self.local {
                        Some(local) => Some(all(local)?),
                        None => None,
                    },
                    instant: match &self.instant {
                        Some(instant) => Some(all(instant)?),
                        None => None,
                    },
                    scale: match &self.scale {
                        Some(scale) => Some(host::values(scale)?),
                        None => None,
                    },
                    gate: self.gate,
                },
            })
        }
    }
}

impl MixingFilter {
    /// The filter at a length; `None` where its weights cannot be read in place.
    ///
    /// # Safety
    /// As [`host::values`].
    unsafe fn values(&self, len: usize) -> Option<Filter<'_>> {
        // SAFETY: the caller's promise.
        let [w1, b1, w2, b2] = unsafe { all(&self.weights) }?;
        let len_f32 = len as f32;
        Some(Filter {
            plan: fourier::plan(len),
            scales: match self.fft_norm {
                FftNorm::Ortho => [1.0 / len_f32.sqrt(); 2],
                FftNorm::Backward => [1.0, 1.0 / len_f32],
            },
            w1,
            b1,
            w2,
            b2,
            soft_shrink: self.soft_shrink,
        })
    }
}

/// The values of several tensors.
///
/// # Safety
/// As [`host::values`].
unsafe fn all<const N: usize>(tensors: &[Tensor; N]) -> Option<[&[f32]; N]> {
    let mut all = [&[] as &[f32]; N];
    for (values, tensor) in all.iter_mut().zip(tensors) {
        // SAFETY: the caller's promise.
        *values = unsafe { host::values(tensor) }?;
    }
    Some(all)
}
