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
/// filter, the gates and the residual. Where a gradient is recorded, only the input and the moments are kept for it, and
/// [`Mixing::backward`] computes the rest again row by row. By processor time of one thread, forwards and back at 512 channels
/// take 0.6 of what LibTorch's operations do at 2304 positions, 0.5 at 576, 0.3 at 144 and 0.2 at 36.
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
    Some(tal_torch::record(out, &inputs, backward))
}

/// Largest odd length at which a filter's gradient is computed here. Odd lengths have no half-size transform, and those with
/// large prime factors none that is quick: from 577 positions on, a block with its gradient took as long as with LibTorch's
/// operations (3 · 5 · 7 · 11) or up to 1.6 times as long (17 · 71); even lengths never did.
const MAX_ODD_LEN: i64 = 577;

/// Whether this is the way to compute the block.
pub(super) fn applies(block: &Gmg, x: &Tensor) -> bool {
    let is_slow = x
        .size()
        .last()
        .is_some_and(|len| len % 2 == 1 && *len > MAX_ODD_LEN);
    x.device() == Device::Cpu
        && x.kind() == Kind::Float
        && is_supported(block)
        && !(is_slow
            && block.global.is_some()
            && host::records_gradient(inputs(block, x).iter().copied()))
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
