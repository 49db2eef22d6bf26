//! The branches of a Gated Multi-Granularity block in one pass over the channels.

use tal_core::nn::{Conv1d, host};
use tch::{Device, Kind, Tensor};

use super::gmg::{GlobalBranch, Gmg};
use super::gmg_mixing::Mixing;
use crate::filter::GlobalFilter;

/// x · mask + drop(Inst + Loc + G + y) of the block's input behind its halving, on the CPU in float32; `None` where it has to
/// be computed with LibTorch's operations.
///
/// Those are some thirty, each of which reads and writes a tensor of the input's size. Here the moments of the norm take one
/// pass over the input; a second one takes every channel's row, which fits into the processor's cache, through the norm, the
/// filter, the gates and the residual. By processor time of one thread that is 3 to 12 times faster at 512 channels and 2304
/// to 72 positions, and still 1.7 times at a length that has a large prime factor: it won wherever it was measured, so there
/// is no length from which on it is chosen.
///
/// Where a gradient is recorded, only the input and the moments are kept for the backward pass, which computes the rest again
/// row by row: [`Mixing::backward`].
///
/// # Shapes
/// (B, C, T), mask (B, 1, T) → (B, C, T).
pub(super) fn forward(block: &Gmg, x: &Tensor, mask: &Tensor, train: bool) -> Option<Tensor> {
    if !applies(block, x) {
        return None;
    }
    let x = x.contiguous();
    let mut mixing = Mixing::new(block, &x, mask)?;
    // Random, so the last before the output: where LibTorch's operations take over, they must draw the same numbers.
    let drop_path = block.drop_path_mixer.0.as_ref();
    let options = (Kind::Float, Device::Cpu);
    if let Some(factors) = drop_path.and_then(|d| d.factors(x.size()[0], options, train)) {
        mixing.skip(host::copy(&factors));
    }
    // SAFETY: nothing writes to a tensor during this call but to the one that it builds.
    let out = unsafe { mixing.forward() };
    let inputs = inputs(block, &x);
    if !host::records_gradient(inputs.iter().copied()) {
        return Some(out);
    }
    let backward = move |gradient: &Tensor, is_needed: &[bool]| {
        // SAFETY: within a backward pass nothing writes to the weights or to the input of a layer.
        unsafe { mixing.backward(gradient, is_needed) }
    };
    Some(tal_autograd::record(out, &inputs, backward))
}

/// Whether this is the way to compute the block.
pub(super) fn applies(block: &Gmg, x: &Tensor) -> bool {
    x.device() == Device::Cpu && x.kind() == Kind::Float && is_supported(block)
}

/// Whether all branches work channel by channel.
fn is_supported(block: &Gmg) -> bool {
    let global = match &block.global {
        None => true,
        Some(GlobalBranch::Filter(filter)) => filter.w1.size()[1..] == [filter.b1.size()[1], 1],
        Some(GlobalBranch::Attention(_)) => false,
    };
    let is_depthwise = |conv: &Conv1d| conv.weight.size()[1] == 1;
    global && block.instant.as_ref().is_none_or(is_depthwise)
}

/// The input and the weights: x, γ and β of the norm, then what there is of the filter's w₁, b₁, w₂, b₂, the kernel and offset
/// of the local and of the instant branch, and the residual's scale.
fn inputs<'a>(block: &'a Gmg, x: &'a Tensor) -> Vec<&'a Tensor> {
    let mut inputs = vec![x, &block.norm.weight, &block.norm.bias];
    if let Some(GlobalBranch::Filter(filter)) = &block.global {
        let GlobalFilter { w1, b1, w2, b2, .. } = filter;
        inputs.extend([w1, b1, w2, b2]);
    }
    for conv in [&block.local, &block.instant].into_iter().flatten() {
        inputs.push(&conv.weight);
        inputs.extend(&conv.bias);
    }
    inputs.extend(block.drop_path_mixer.0.as_ref().map(|path| &path.scale));
    inputs
}
