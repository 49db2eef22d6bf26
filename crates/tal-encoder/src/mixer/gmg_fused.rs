//! Branches of a Gated Multi-Granularity block in one pass over the channels.

use tal_core::nn::{Conv1d, host};
use tch::{Device, Kind, Tensor};

use super::gmg_branches::{Branches, GlobalBranch};
use super::gmg_mixing::{Mixing, weights};

/// x · mask + drop(Inst + Loc + G + y) on the CPU in float32; `None` if it must be computed with LibTorch's operations.
///
/// Those are some thirty, each of which reads and writes a tensor of the input's size. Here the moments of the norm take one
/// pass over the input. A second pass takes every channel's row, which fits into the processor's cache, through the norm, the
/// filter, the gates and the residual. If a gradient is recorded, only the input and the moments are kept for it, and the
/// backward pass computes the rest again row by row. By processor time of one thread, forwards and back at 512 channels take
/// 0.6 of the time of LibTorch's operations at 2304 positions, 0.5 at 576, 0.3 at 144 and 0.2 at 36.
///
/// # Shapes
/// (B, C, T), mask (B, 1, T) → (B, C, T).
pub(super) fn forward(
    branches: &Branches,
    x: &Tensor,
    mask: &Tensor,
    train: bool,
) -> Option<Tensor> {
    if !applies(branches, x) {
        return None;
    }
    let x = x.contiguous();
    let mut mixing = Mixing::new(branches, &x, mask)?;
    // Random numbers are drawn last: if LibTorch's operations take over, they must draw the same ones.
    let drop_path = branches.drop_path.0.as_ref();
    let options = (Kind::Float, Device::Cpu);
    if let Some(factors) = drop_path.and_then(|d| d.factors(x.size()[0], options, train)) {
        mixing.skip(host::copy(&factors));
    }
    // SAFETY: nothing writes to a tensor during this call but to the one that it builds.
    let out = unsafe { mixing.forward() };
    let inputs = inputs(branches, &x);
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

/// Whether the branches are computed here.
pub(super) fn applies(branches: &Branches, x: &Tensor) -> bool {
    let is_slow = x
        .size()
        .last()
        .is_some_and(|len| len % 2 == 1 && *len > MAX_ODD_LEN);
    x.device() == Device::Cpu
        && x.kind() == Kind::Float
        && is_supported(branches)
        && !(is_slow
            && branches.global.is_some()
            && host::records_gradient(inputs(branches, x).iter().copied()))
}

/// Whether all branches work channel by channel.
fn is_supported(branches: &Branches) -> bool {
    let global = match &branches.global {
        None => true,
        Some(GlobalBranch::Filter(filter)) => filter.w1.size()[1..] == [filter.b1.size()[1], 1],
        Some(GlobalBranch::Attention(_)) => false,
    };
    let is_depthwise = |conv: &Conv1d| conv.weight.size()[1] == 1;
    global && branches.instant.as_ref().is_none_or(is_depthwise)
}

/// The input and the weights.
fn inputs<'a>(branches: &'a Branches, x: &'a Tensor) -> Vec<&'a Tensor> {
    [x].into_iter().chain(weights(branches)).collect()
}
