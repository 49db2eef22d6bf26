//! Operands of a Gated Multi-Granularity block's branches for the loops of `tal_kernels`.

use tal_core::config::{FftNorm, GateActivation};
use tal_core::nn::{ChannelLayerNorm, Conv1d, host};
use tal_kernels::{ChannelMoments, Filter, FilterWeights, Gate, GmgBranches, GmgWeights};
use tch::{Kind, Tensor};

use super::gmg_branches::{Branches, GlobalBranch};
use crate::filter::GlobalFilter;

/// Reason why operands can be read.
const READ_BEFORE: &str = "the constructor has read them";

/// Input and weights of the branches, detached from any graph, with the moments of the norm.
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
    /// In the order of [`weights`].
    weights: Vec<Tensor>,
    /// λ, and whether both transforms are scaled alike.
    filter: Option<(f32, bool)>,
    has_local: bool,
    has_instant: bool,
    has_scale: bool,
    gate: Option<Gate>,
}

/// The weights of the branches: γ and β of the norm, w₁, b₁, w₂ and b₂ of the filter, kernel and offset of the local and of the
/// instant branch, and the residual's scale, without those that are missing.
pub(super) fn weights(branches: &Branches) -> Vec<&Tensor> {
    let mut weights = vec![&branches.norm.weight, &branches.norm.bias];
    if let Some(GlobalBranch::Filter(filter)) = &branches.global {
        let GlobalFilter { w1, b1, w2, b2, .. } = filter;
        weights.extend([w1, b1, w2, b2]);
    }
    for conv in [&branches.local, &branches.instant].into_iter().flatten() {
        weights.push(&conv.weight);
        weights.extend(&conv.bias);
    }
    weights.extend(branches.drop_path.0.as_ref().map(|path| &path.scale));
    weights
}

impl Mixing {
    /// The operands at a contiguous input, with no sample skipped; `None` if a tensor cannot be read in place.
    pub(super) fn new(branches: &Branches, x: &Tensor, mask: &Tensor) -> Option<Self> {
        let &[batch, num_channels, len] = x.size().as_slice() else {
            return None;
        };
        let has_bias = |conv: &Option<Conv1d>| conv.as_ref().is_none_or(|c| c.bias.is_some());
        let fits = mask.size() == [batch, 1, len] && x.numel() > 0;
        if !fits || !has_bias(&branches.local) || !has_bias(&branches.instant) {
            return None;
        }
        let size = [batch, num_channels, len].map(|size| usize::try_from(size).unwrap_or(0));
        let mut mixing = Mixing {
            size,
            x: x.detach(),
            mask: mask.to_kind(Kind::Float).contiguous(),
            moments: ChannelMoments {
                mean: Vec::new(),
                inverse_std: Vec::new(),
            },
            factors: vec![1.0; size[0]],
            weights: weights(branches).into_iter().map(Tensor::detach).collect(),
            filter: match &branches.global {
                Some(GlobalBranch::Filter(filter)) => {
                    Some((filter.soft_shrink as f32, filter.fft_norm == FftNorm::Ortho))
                }
                _ => None,
            },
            has_local: branches.local.is_some(),
            has_instant: branches.instant.is_some(),
            has_scale: branches.drop_path.0.is_some(),
            gate: branches.gate.map(|gate| match gate {
                GateActivation::Identity => Gate::Identity,
                GateActivation::Relu => Gate::Relu,
            }),
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

    /// The gradients of x and the [`weights`]; `None` for those that are not needed.
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
        let weights = lists.chain(found.branches).zip(&self.weights);
        let weights = weights.map(|(values, like)| Tensor::from_slice(&values).view_as(like));
        let gradients = [x].into_iter().chain(weights).zip(is_needed);
        gradients
            .map(|(gradient, is_needed)| is_needed.then_some(gradient))
            .collect()
    }

    /// The values in place; `None` if a tensor cannot be read so.
    ///
    /// # Safety
    /// As [`host::values`].
    unsafe fn operands(&self) -> Option<GmgBranches<'_>> {
        // SAFETY: the caller's promise.
        let read = |tensor| unsafe { host::values(tensor) };
        let mut lists = self.weights.iter().map(read);
        let mut next = || lists.next().flatten();
        let norm = [next()?, next()?];
        let filter = match self.filter {
            Some((soft_shrink, is_ortho)) => {
                let weights = FilterWeights {
                    w1: next()?,
                    b1: next()?,
                    w2: next()?,
                    b2: next()?,
                    soft_shrink,
                    is_ortho,
                };
                Some(Filter::new(weights, self.size[2]))
            }
            None => None,
        };
        let mut pair = |has: bool| match has {
            true => Some(Some([next()?, next()?])),
            false => Some(None),
        };
        Some(GmgBranches {
            x: read(&self.x)?,
            mask: read(&self.mask)?,
            moments: &self.moments,
            factors: &self.factors,
            len: self.size[2],
            weights: GmgWeights {
                norm,
                filter,
                local: pair(self.has_local)?,
                instant: pair(self.has_instant)?,
                scale: match self.has_scale {
                    true => Some(next()?),
                    false => None,
                },
                gate: self.gate,
            },
        })
    }
}
