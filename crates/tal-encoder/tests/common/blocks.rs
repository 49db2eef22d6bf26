//! Gated Multi-Granularity blocks that can be fused, and the same formulas with LibTorch's operations.
#![allow(dead_code, reason = "not every test is about fused blocks")]

use tal_core::config::{
    Downsampling, FftNorm, FilterConfig, GateActivation, GlobalConfig, GmgConfig, PerLevel,
};
use tal_core::nn::length_mask;
use tal_encoder::{BlockConfig, Gmg};
use tch::{Device, Kind, Tensor, nn::VarStore};

use super::{gmg, thumos};

pub(crate) const DIM: usize = 32;

/// A block with random weights, and no MLP where only the mixing is looked at.
pub(crate) fn block(
    config: &GmgConfig,
    downsampling: Option<Downsampling>,
    has_mlp: bool,
) -> (VarStore, Gmg) {
    let vs = VarStore::new(Device::Cpu);
    let place = BlockConfig {
        dim: DIM,
        level: usize::from(downsampling.is_some()),
        downsampling,
    };
    let block = Gmg::new(&vs.root(), config, place).unwrap();
    tch::no_grad(|| {
        for mut tensor in vs.trainable_variables() {
            let _ = tensor.uniform_(-0.7, 0.7);
        }
        if !has_mlp {
            let contract = &block.mlp.contract;
            for tensor in [&contract.weight, contract.bias.as_ref().unwrap()] {
                let _ = tensor.shallow_clone().zero_();
            }
        }
    });
    (vs, block)
}

/// The released block with a small MLP, and a local kernel in stem blocks, too.
pub(crate) fn small(global: GlobalConfig) -> GmgConfig {
    GmgConfig {
        mlp_dim: 5,
        local_in_stem: true,
        global,
        ..gmg(&thumos()).clone()
    }
}

/// Everything that the one pass can do.
pub(crate) fn supported() -> Vec<GmgConfig> {
    let fft = |soft_shrink, fft_norm| {
        GlobalConfig::Fft(FilterConfig {
            kernel_size: 1,
            soft_shrink,
            fft_norm,
        })
    };
    let globals = [
        fft(0.001, FftNorm::Ortho),
        fft(0.3, FftNorm::Ortho),
        fft(0.0, FftNorm::Backward),
        fft(0.001, FftNorm::Backward),
        GlobalConfig::None {},
    ];
    let gates = [
        (true, GateActivation::Identity),
        (true, GateActivation::Relu),
        (false, GateActivation::Relu),
    ];
    let mut configs = Vec::new();
    for global in globals {
        for (gate, gate_activation) in gates {
            for (instant, local, kernel_size) in [
                (true, true, 1),
                (true, true, 5),
                (true, false, 1),
                (false, true, 1),
                (false, true, 15),
                (false, false, 1),
            ] {
                if instant || local || !matches!(global, GlobalConfig::None {}) {
                    configs.push(GmgConfig {
                        instant,
                        local,
                        gate,
                        gate_activation,
                        local_kernel_size: PerLevel::Same(kernel_size),
                        ..small(global.clone())
                    });
                }
            }
        }
    }
    configs
}

/// A batch of 1 to 3 recordings with values of about 4, mean 1, of which the first is full.
pub(crate) fn input(number: usize, len: usize) -> (Tensor, Tensor) {
    let lens = [len, len.div_ceil(2), len / 3];
    let lens = &lens[..number % 3 + 1];
    let size = [lens.len() as i64, DIM as i64, len as i64];
    let x = Tensor::randn(size, (Kind::Float, Device::Cpu)) * 4.0 + 1.0;
    (x, length_mask(lens, len, Device::Cpu))
}

/// The block's formula with LibTorch's operations alone: equation 4 of arXiv 2412.09202 and the MLP behind it.
pub(crate) fn on_libtorch(
    block: &Gmg,
    config: &GmgConfig,
    x: &Tensor,
    mask: &Tensor,
    train: bool,
) -> Tensor {
    let (x, mask) = match &block.downsampling {
        Some(downsampling) => downsampling.forward(x, mask),
        None => (x.shallow_clone(), mask.shallow_clone()),
    };
    let centred = &x - x.mean_dim([1i64].as_slice(), true, None);
    let variance = centred.square().mean_dim([1i64].as_slice(), true, None);
    let y = centred / (variance + 1e-5).sqrt() * &block.branches.norm.weight
        + &block.branches.norm.bias;
    let gated = |branch: Tensor, gate: Option<&Tensor>| match gate {
        Some(gate) if config.gate => match config.gate_activation {
            GateActivation::Identity => branch * gate,
            GateActivation::Relu => branch * gate.relu(),
        },
        _ => branch,
    };
    let mut branches: Vec<Tensor> = Vec::new();
    branches.extend(block.branches.global.as_ref().map(|g| g.forward(&y, &mask)));
    for conv in [&block.branches.local, &block.branches.instant]
        .into_iter()
        .flatten()
    {
        branches.push(gated(conv.forward(&y), branches.last()));
    }
    let sum = branches.iter().fold(y, |sum, branch| sum + branch);
    let x = &x * &mask + block.branches.drop_path.forward_t(sum, train);
    let refined = block.mlp.forward(&block.group_norm.forward(&x));
    x + block.drop_path_mlp.forward_t(refined, train)
}
