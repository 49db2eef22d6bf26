//! The Gated Multi-Granularity block and the encoder's switches.

mod common;

use common::{filter, gmg, thumos};
use tal_core::config::{
    Downsampling, EncoderConfig, FftNorm, FilterConfig, GateActivation, GlobalConfig, GmgConfig,
    InstantMixing, MixerConfig, PerLevel, PositionEncoding, ProjectionConfig,
};
use tal_core::nn::{duplicate_names, gradient_error, length_mask, named_variables};
use tal_encoder::{BlockConfig, Encoder, EncoderError, GlobalBranch, Gmg, TemporalMixer};
use tch::{Device, Kind, Tensor, nn::VarStore};

const DIM: usize = 16;

fn block(config: &GmgConfig, downsampling: Option<Downsampling>) -> (VarStore, Gmg) {
    let mut vs = VarStore::new(Device::Cpu);
    let place = BlockConfig {
        dim: DIM,
        level: usize::from(downsampling.is_some()),
        downsampling,
    };
    let block = Gmg::new(&vs.root(), config, place).unwrap();
    assert!(duplicate_names(&vs).is_empty());
    vs.double();
    tch::no_grad(|| {
        for mut tensor in vs.trainable_variables() {
            let _ = tensor.uniform_(-0.7, 0.7);
        }
    });
    (vs, block)
}

fn small() -> GmgConfig {
    GmgConfig {
        mlp_dim: 5,
        local_kernel_size: PerLevel::Same(3),
        ..gmg(&thumos()).clone()
    }
}

/// The paper's block.
fn paper() -> GmgConfig {
    GmgConfig {
        global: GlobalConfig::Fft(FilterConfig {
            kernel_size: 3,
            soft_shrink: 0.0,
            fft_norm: FftNorm::Backward,
        }),
        gate_activation: GateActivation::Relu,
        instant_mixing: InstantMixing::Dense,
        local_in_stem: true,
        drop_path: 0.0,
        ..small()
    }
}

fn without(instant: bool, local: bool, global: bool) -> GmgConfig {
    GmgConfig {
        instant,
        local,
        global: if global {
            GlobalConfig::Fft(filter())
        } else {
            GlobalConfig::None {}
        },
        ..small()
    }
}

fn random(len: i64) -> Tensor {
    Tensor::randn([2, DIM as i64, len], (Kind::Double, Device::Cpu))
}

#[test]
fn gradients_match_finite_differences() {
    tch::manual_seed(21);
    // Thousands of tiny evaluations: waking other threads costs more than they do.
    tch::set_num_threads(1);
    for (config, downsampling) in [
        (small(), Some(Downsampling::Max)),
        (small(), Some(Downsampling::Average)),
        (paper(), None),
        (paper(), Some(Downsampling::Max)),
        (without(false, true, true), None),
        (without(true, false, true), None),
        (without(true, true, false), None),
        (without(true, false, false), None),
        (without(false, true, false), None),
        (without(false, false, true), None),
        (
            GmgConfig {
                gate: false,
                ..small()
            },
            None,
        ),
        (
            GmgConfig {
                global: GlobalConfig::SelfAttention { num_heads: 4 },
                ..small()
            },
            Some(Downsampling::Max),
        ),
    ] {
        let (vs, block) = block(&config, downsampling);
        let x = random(5).set_requires_grad(true);
        let mask = length_mask(&[5, 3], 5, Device::Cpu);
        let mut inputs = vs.trainable_variables();
        inputs.push(x.shallow_clone());
        let error = gradient_error(&inputs, || block.forward_t(&x, &mask, false).0);
        assert!(error < 1e-6, "{config:?} {downsampling:?}: {error}");
    }
}

/// The block's output from its parts, with the gates written out: those of local and instant.
fn expected(
    block: &Gmg,
    x: &Tensor,
    mask: &Tensor,
    gates: impl Fn(Option<&Tensor>, Option<&Tensor>) -> [Option<Tensor>; 2],
    activation: impl Fn(&Tensor) -> Tensor,
) -> Tensor {
    let y = block.branches.norm.forward(x);
    let global = block.branches.global.as_ref().map(|b| b.forward(&y, mask));
    let times = |a: Tensor, gate: Option<Tensor>| match gate {
        Some(gate) => a * activation(&gate),
        None => a,
    };
    let [local_gate, _] = gates(global.as_ref(), None);
    let local = block
        .branches
        .local
        .as_ref()
        .map(|b| times(b.forward(&y), local_gate));
    let [_, instant_gate] = gates(global.as_ref(), local.as_ref());
    let instant = block
        .branches
        .instant
        .as_ref()
        .map(|b| times(b.forward(&y), instant_gate));
    let sum = [instant, local, global].into_iter().flatten();
    let x = x * mask + sum.fold(y, |sum, branch| sum + branch);
    let refined = block.mlp.forward(&block.group_norm.forward(&x));
    x + refined
}

fn assert_block(
    config: &GmgConfig,
    gates: impl Fn(Option<&Tensor>, Option<&Tensor>) -> [Option<Tensor>; 2],
) {
    let mask = length_mask(&[9, 5], 9, Device::Cpu);
    let x = random(9);
    let (_vs, block) = block(config, None);
    let (y, _) = block.forward_t(&x, &mask, true);
    let activation = |g: &Tensor| match config.gate_activation {
        GateActivation::Identity => g.shallow_clone(),
        GateActivation::Relu => g.clamp_min(0.0),
    };
    let expected = expected(&block, &x, &mask, gates, activation);
    let error = (&y - &expected).abs().max().double_value(&[]);
    assert!(error < 1e-12, "{config:?}: {error}");
}

fn copy(x: Option<&Tensor>) -> Option<Tensor> {
    x.map(Tensor::shallow_clone)
}

#[test]
fn a_missing_branch_takes_its_gate_with_it() {
    tch::manual_seed(25);
    // Local is gated by global, instant by local.
    let chain =
        |global: Option<&Tensor>, local: Option<&Tensor>| [copy(global), copy(local.or(global))];
    for instant in [false, true] {
        for local in [false, true] {
            for global in [false, true] {
                if instant || local || global {
                    assert_block(&without(instant, local, global), chain);
                }
            }
        }
    }
    assert_block(&paper(), chain);
    let attention = GmgConfig {
        global: GlobalConfig::SelfAttention { num_heads: 2 },
        ..small()
    };
    assert_block(&attention, chain);
    let plain_sum = GmgConfig {
        gate: false,
        ..small()
    };
    assert_block(&plain_sum, |_, _| [None, None]);
}

#[test]
fn switches_change_the_variables() {
    let shape = |config: &GmgConfig, name: &str| {
        let (vs, _block) = block(config, None);
        named_variables(&vs).get(name).map(Tensor::size)
    };
    assert_eq!(shape(&paper(), "filter.w1"), Some(vec![2, 16, 3]));
    assert_eq!(shape(&small(), "filter.w1"), Some(vec![2, 16, 1]));
    assert_eq!(shape(&paper(), "instant.weight"), Some(vec![16, 16, 1]));
    assert_eq!(shape(&small(), "instant.weight"), Some(vec![16, 1, 1]));
    assert_eq!(shape(&paper(), "local.weight"), Some(vec![16, 1, 3]));
    assert_eq!(shape(&without(true, false, true), "local.weight"), None);
    assert_eq!(shape(&without(true, true, false), "filter.w1"), None);
    let attention = GmgConfig {
        global: GlobalConfig::SelfAttention { num_heads: 2 },
        ..small()
    };
    assert_eq!(shape(&attention, "filter.w1"), None);
    let name = "attention.query.projection.weight";
    assert_eq!(shape(&attention, name), Some(vec![16, 16, 1]));
}

#[test]
fn gates_are_identity_or_relu() {
    tch::manual_seed(22);
    for gate_activation in [GateActivation::Identity, GateActivation::Relu] {
        let config = GmgConfig {
            gate_activation,
            ..small()
        };
        assert_block(&config, |global, local| [copy(global), copy(local)]);
    }
}

#[test]
fn padded_positions_are_not_zero_behind_the_block() {
    tch::manual_seed(26);
    let mask = length_mask(&[9, 5], 9, Device::Cpu);
    let (_vs, block) = block(&small(), None);
    let (y, out_mask) = block.forward_t(&random(9), &mask, true);
    assert!(out_mask.equal(&mask));
    assert!(y.get(1).narrow(1, 5, 4).abs().min().double_value(&[]) > 0.0);
    assert!(matches!(
        block.branches.global,
        Some(GlobalBranch::Filter(_))
    ));
}

#[test]
fn stem_blocks_have_kernel_one_and_no_drop_path() {
    let (vs, stem) = block(&small(), None);
    assert_eq!(stem.branches.local.unwrap().weight.size(), [16, 1, 1]);
    assert!(
        !named_variables(&vs)
            .keys()
            .any(|name| name.contains("drop_path"))
    );
    let (vs, branch) = block(&small(), Some(Downsampling::Average));
    assert_eq!(branch.branches.local.unwrap().weight.size(), [16, 1, 3]);
    for name in [
        "drop_path_mixer.scale",
        "drop_path_mlp.scale",
        "downsampling.weight",
        "downsampling.bias",
    ] {
        assert!(named_variables(&vs).contains_key(name), "{name}");
    }
    let without = GmgConfig {
        drop_path: 0.0,
        ..small()
    };
    let (vs, _branch) = block(&without, Some(Downsampling::Max));
    assert!(
        !named_variables(&vs)
            .keys()
            .any(|name| name.contains("drop_path"))
    );
}

#[test]
fn impossible_blocks_are_errors() {
    let vs = VarStore::new(Device::Cpu);
    let place = BlockConfig {
        dim: DIM,
        level: 2,
        downsampling: Some(Downsampling::Max),
    };
    let build = |config: &GmgConfig, place: BlockConfig| {
        Gmg::new(&vs.root(), config, place)
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    let short = GmgConfig {
        local_kernel_size: PerLevel::Each(vec![1, 3]),
        ..small()
    };
    assert_eq!(
        build(&short, place),
        "encoder.mixer.local_kernel_size is 2 numbers, must be one number, or one per level (3)"
    );
    let even = GmgConfig {
        local_kernel_size: PerLevel::Same(2),
        ..small()
    };
    assert!(build(&even, place).contains("local_kernel_size is 2, must be an odd number"));
    assert!(
        build(&without(false, false, false), place)
            .contains("encoder.mixer.global is none, must be fft or self_attention")
    );
    let heads = GmgConfig {
        global: GlobalConfig::SelfAttention { num_heads: 3 },
        ..small()
    };
    assert!(build(&heads, place).contains("num_heads is 3, must be a divisor of encoder.dim = 16"));
    let even = GmgConfig {
        global: GlobalConfig::Fft(FilterConfig {
            kernel_size: 2,
            ..filter()
        }),
        ..small()
    };
    assert!(build(&even, place).contains("global.kernel_size is 2, must be an odd number"));
    let narrow = BlockConfig { dim: 24, ..place };
    assert!(build(&small(), narrow).contains("encoder.dim is 24, must be a multiple of 16"));
    let error = Encoder::new(
        &vs.root(),
        &EncoderConfig {
            num_levels: 0,
            ..thumos()
        },
        8,
        8,
    );
    let error: EncoderError = error.err().unwrap();
    assert_eq!(error.errors[0].path, "encoder.num_levels");
    assert!(vs.is_empty(), "an error leaves no variables behind");
}

#[test]
fn the_papers_encoder_runs_and_learns() {
    tch::manual_seed(23);
    let config = EncoderConfig {
        dim: DIM,
        projection: ProjectionConfig {
            num_layers: 2,
            kernel_size: 3,
            norm: false,
        },
        position: PositionEncoding::Sinusoidal,
        num_levels: 3,
        downsampling: Downsampling::Average,
        mixer: MixerConfig::Gmg(GmgConfig {
            init_std: 0.1,
            ..paper()
        }),
        ..thumos()
    };
    let vs = VarStore::new(Device::Cpu);
    let encoder = Encoder::new(&vs.root(), &config, 4, 32).unwrap();
    let features = Tensor::randn([2, 4, 32], (Kind::Float, Device::Cpu));
    let pyramid = encoder.forward_t(&features, &[32, 21], true);
    let lens: Vec<_> = pyramid
        .levels
        .iter()
        .map(|level| level.features.size()[2])
        .collect();
    assert_eq!(lens, [32, 16, 8]);
    let real = pyramid.levels[2]
        .mask
        .sum_dim_intlist([1i64, 2].as_slice(), false, Kind::Int64);
    assert_eq!(Vec::<i64>::try_from(real).unwrap(), [8, 6]);
    let loss: Tensor = pyramid
        .levels
        .iter()
        .map(|level| level.features.square().mean(None))
        .sum();
    loss.backward();
    for (name, variable) in named_variables(&vs) {
        let gradient = variable.grad();
        assert!(gradient.defined(), "{name} has no gradient");
        let size = gradient.abs().max().double_value(&[]);
        assert!(size.is_finite() && size > 0.0, "{name}: {size}");
    }
}

#[test]
fn drop_path_is_random_in_training_only() {
    tch::manual_seed(24);
    let config = GmgConfig {
        drop_path: 0.5,
        ..small()
    };
    let (_vs, block) = block(&config, Some(Downsampling::Max));
    let x = Tensor::randn([64, DIM as i64, 8], (Kind::Double, Device::Cpu));
    let mask = length_mask(&[8; 64], 8, Device::Cpu);
    let run = |train| block.forward_t(&x, &mask, train).0;
    assert!(run(false).equal(&run(false)));
    let plain = x.max_pool1d(3, 2, 1, 1, false);
    let untouched = (run(true) - plain)
        .abs()
        .amax([1i64, 2].as_slice(), false)
        .eq(0.0)
        .sum(Kind::Int64)
        .int64_value(&[]);
    // Both branches are skipped for about a quarter of the samples.
    assert!((5..=30).contains(&untouched), "{untouched}");
}
