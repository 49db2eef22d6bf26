//! The Gated Multi-Granularity block and the encoder's switches.

mod common;

use common::{gmg, thumos};
use tal_core::config::{
    Downsampling, EncoderConfig, FftNorm, GateActivation, GmgConfig, MixerConfig, PerLevel,
    PositionEncoding, ProjectionConfig,
};
use tal_core::nn::{duplicate_names, gradient_error, length_mask, named_variables};
use tal_encoder::{BlockConfig, Encoder, EncoderError, Gmg, TemporalMixer};
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

fn random(len: i64) -> Tensor {
    Tensor::randn([2, DIM as i64, len], (Kind::Double, Device::Cpu))
}

#[test]
fn gradients_match_finite_differences() {
    tch::manual_seed(21);
    // Thousands of tiny evaluations: waking other threads costs more than they do.
    tch::set_num_threads(1);
    let paper = GmgConfig {
        gate_activation: GateActivation::Relu,
        soft_shrink: 0.0,
        fft_norm: FftNorm::Backward,
        ..small()
    };
    for (config, downsampling) in [
        (small(), Some(Downsampling::Max)),
        (small(), Some(Downsampling::Average)),
        (paper, None),
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

/// The block's sum from its parts, with the gates written out.
fn expected(block: &Gmg, x: &Tensor, mask: &Tensor, gate: impl Fn(Tensor) -> Tensor) -> Tensor {
    let y = block.norm.forward(x);
    let global = block.filter.forward(&y);
    let local = block.local.forward(&y) * gate(global.shallow_clone());
    let instant = block.instant.forward(&y) * gate(local.shallow_clone());
    let x = x * mask + (y + global + local + instant);
    let refined = block.mlp.forward(&block.group_norm.forward(&x));
    x + refined
}

#[test]
fn gates_are_identity_or_relu() {
    tch::manual_seed(22);
    let mask = length_mask(&[9, 5], 9, Device::Cpu);
    let x = random(9);
    for activation in [GateActivation::Identity, GateActivation::Relu] {
        let config = GmgConfig {
            gate_activation: activation,
            ..small()
        };
        let (_vs, block) = block(&config, None);
        let (y, out_mask) = block.forward_t(&x, &mask, true);
        let expected = expected(&block, &x, &mask, |g| match activation {
            GateActivation::Identity => g,
            GateActivation::Relu => g.clamp_min(0.0),
        });
        assert!((&y - &expected).abs().max().double_value(&[]) < 1e-12);
        assert!(out_mask.equal(&mask));
        // Padded positions of the second sample are not zero.
        assert!(y.get(1).narrow(1, 5, 4).abs().min().double_value(&[]) > 0.0);
    }
}

#[test]
fn stem_blocks_have_kernel_one_and_no_drop_path() {
    let (vs, stem) = block(&small(), None);
    assert_eq!(stem.local.weight.size(), [16, 1, 1]);
    assert!(
        !named_variables(&vs)
            .keys()
            .any(|name| name.contains("drop_path"))
    );
    let (vs, branch) = block(&small(), Some(Downsampling::Average));
    assert_eq!(branch.local.weight.size(), [16, 1, 3]);
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
        "the encoder's mixer.local_kernel_size says nothing about level 2"
    );
    let even = GmgConfig {
        local_kernel_size: PerLevel::Same(2),
        ..small()
    };
    assert!(build(&even, place).contains("is 2, it must be odd"));
    let narrow = BlockConfig { dim: 24, ..place };
    assert!(build(&small(), narrow).contains("is 24, it must be a multiple of 16"));
    let error = Encoder::new(
        &vs.root(),
        &EncoderConfig {
            num_levels: 0,
            ..thumos()
        },
        8,
        8,
    );
    assert!(matches!(error, Err(EncoderError::Size { .. })));
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
            gate_activation: GateActivation::Relu,
            soft_shrink: 0.0,
            fft_norm: FftNorm::Backward,
            init_std: 0.1,
            drop_path: 0.0,
            ..small()
        }),
        ..thumos()
    };
    let vs = VarStore::new(Device::Cpu);
    let encoder = Encoder::new(&vs.root(), &config, 4, 32).unwrap();
    let features = Tensor::randn([2, 4, 32], (Kind::Float, Device::Cpu));
    let mask = length_mask(&[32, 21], 32, Device::Cpu);
    let pyramid = encoder.forward_t(&features, &mask, true);
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
