//! Operands of a Gated Multi-Granularity block's branches for the loops of `tal_kernels`.

use tal_core::config::{FftNorm, GateActivation};
use tal_core::nn::{ChannelLayerNorm, Conv1d, host};
use tal_kernels::{ChannelMoments, Filter, FilterWeights, Gate, GmgBranches, GmgWeights};
use tch::{Kind, Tensor};

use super::gmg_branches::{Branches, GlobalBranch};

/// Reason why operands can be read.
const READ_BEFORE: &str = "the constructor has read them";

/// Input and weights of the branches, detached from any graph, with the moments of its norm.
#[derive(Debug)]
pub(super) struct Mixing {
    /// Batch, channels, length.
    size: [usize; 3],
    x: Tensor,
    /// float32, (B, 1, T).
    mask: Tensor,
    moments: ChannelMoments,
    /// Factors of the drop path, by sample.
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

impl Mixing {
    /// The operands at a contiguous input, with no sample skipped; `None` if a tensor cannot be read in place.
    pub(super) fn new(branches: &Branches, x: &Tensor, mask: &Tensor) -> Option<Self> {
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
        let filter = match &branches.global {
            Some(GlobalBranch::Filter(filter)) => Some(MixingFilter {
                weights: [&filter.w1, &filter.b1, &filter.w2, &filter.b2].map(Tensor::detach),
                soft_shrink: filter.soft_shrink as f32,
                fft_norm: filter.fft_norm,
            }),
            _ => None,
        };
        let scale = branches.drop_path.0.as_ref();
        let mut mixing = Mixing {
            size,
            x: x.detach(),
            mask: mask.to_kind(Kind::Float).contiguous(),
            moments: ChannelMoments {
                mean: Vec::new(),
                inverse_std: Vec::new(),
            },
            factors: vec![1.0; size[0]],
            norm: [branches.norm.weight.detach(), branches.norm.bias.detach()],
            filter,
            local: pair(&branches.local)?,
            instant: pair(&branches.instant)?,
            scale: scale.map(|path| path.scale.detach()),
            gate: branches.gate,
        };
        // SAFETY: the slices do not outlive this block, in which nothing writes.
        mixing.moments = unsafe {
            let x = mixing.operands()?.x;
            ChannelMoments::new(host::THREADS, x, size[1], size[2], ChannelLayerNorm::EPS)
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
    /// Nothing may write to the input and the weights meanwhile.
    pub(super) unsafe fn forward(&self) -> Tensor {
        // SAFETY: the caller's promise.
        let operands = unsafe { self.operands() }.expect(READ_BEFORE);
        host::build(&self.size, |out| operands.forward(host::THREADS, out))
    }

    /// The gradients of x, γ and β of the norm, and the branches' weights in the order of [`Mixing::weights`]; `None` for those
    /// that are not needed.
    ///
    /// # Safety
    /// Nothing may write to the input and the weights meanwhile.
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
        let mut found = None;
        let x = host::build(&self.size, |out| {
            let (x, gradients) = operands.backward(host::THREADS, gradient, out);
            found = Some(gradients);
            x
        });
        let found = found.expect("an input without values has no backward pass");
        let lists = [found.norm.weight, found.norm.bias].into_iter();
        let weights = lists
            .chain(found.branches)
            .zip(self.weights())
            .map(|(values, like)| Tensor::from_slice(&values).view_as(like));
        let gradients = [x].into_iter().chain(weights).zip(is_needed);
        gradients
            .map(|(gradient, is_needed)| is_needed.then_some(gradient))
            .collect()
    }

    /// γ and β of the norm, w₁, b₁, w₂ and b₂ of the filter, kernel and offset of the local and of the instant branch, and the
    /// residual's scale, without those that are missing.
    fn weights(&self) -> impl Iterator<Item = &Tensor> {
        let filter = self.filter.iter().flat_map(|filter| &filter.weights);
        let branches = [&self.local, &self.instant].into_iter().flatten().flatten();
        self.norm
            .iter()
            .chain(filter)
            .chain(branches)
            .chain(&self.scale)
    }

    /// The values in place; `None` if a tensor cannot be read so.
    ///
    /// # Safety
    /// As [`host::values`].
    unsafe fn operands(&self) -> Option<GmgBranches<'_>> {
        // SAFETY: the caller's promise.
        unsafe {
            Some(GmgBranches {
                x: host::values(&self.x)?,
                mask: host::values(&self.mask)?,
                moments: &self.moments,
                factors: &self.factors,
                len: self.size[2],
                weights: GmgWeights {
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
                    gate: self.gate.map(|gate| match gate {
                        GateActivation::Identity => Gate::Identity,
                        GateActivation::Relu => Gate::Relu,
                    }),
                },
            })
        }
    }
}

impl MixingFilter {
    /// The filter at a length; `None` if its weights cannot be read in place.
    ///
    /// # Safety
    /// As [`host::values`].
    unsafe fn values(&self, len: usize) -> Option<Filter<'_>> {
        // SAFETY: the caller's promise.
        let [w1, b1, w2, b2] = unsafe { all(&self.weights) }?;
        let weights = FilterWeights {
            w1,
            b1,
            w2,
            b2,
            soft_shrink: self.soft_shrink,
            is_ortho: self.fft_norm == FftNorm::Ortho,
        };
        Some(Filter::new(weights, len))
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
