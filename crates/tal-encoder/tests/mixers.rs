//! The blocks of the methods compared with.

use tal_core::config::{
    AttentionConfig, Downsampling, MaxPoolingConfig, MixerConfig, PerLevel, SgpConfig,
};
use tal_core::nn::{duplicate_names, gradient_error, length_mask, named_variables};
use tal_encoder::{BlockConfig, TemporalMixer, build_mixer};
use tch::{Device, Kind, Tensor, nn::VarStore};

const DIM: usize = 16;

fn attention(window: Option<usize>, relative_position: bool) -> MixerConfig {
    MixerConfig::Attention(AttentionConfig {
        num_heads: 2,
        window,
        relative_position,
        kernel_size: 3,
        mlp_dim: Some(5),
        drop_path: 0.1,
    })
}

fn sgp() -> MixerConfig {
    MixerConfig::Sgp(SgpConfig {
        mlp_dim: 5,
        kernel_size: PerLevel::Same(3),
        k: 1.5,
        init_std: 0.2,
        drop_path: 0.1,
    })
}

fn pooling() -> MixerConfig {
    MixerConfig::MaxPooling(MaxPoolingConfig::default())
}

fn build(
    config: &MixerConfig,
    downsampling: Option<Downsampling>,
) -> (VarStore, Box<dyn TemporalMixer>) {
    let mut vs = VarStore::new(Device::Cpu);
    let place = BlockConfig {
        dim: DIM,
        level: usize::from(downsampling.is_some()),
        downsampling,
    };
    let block = build_mixer(&vs.root(), config, place).unwrap();
    assert!(duplicate_names(&vs).is_empty());
    vs.double();
    (vs, block)
}

fn randomise(vs: &VarStore) {
    tch::no_grad(|| {
        for (_, mut tensor) in named_variables(vs) {
            let _ = tensor.uniform_(-0.7, 0.7);
        }
    });
}

fn random(len: i64) -> Tensor {
    Tensor::randn([2, DIM as i64, len], (Kind::Double, Device::Cpu))
}

#[test]
fn gradients_match_finite_differences() {
    tch::manual_seed(41);
    // Thousands of tiny evaluations: waking other threads costs more than they do.
    tch::set_num_threads(1);
    let max = Some(Downsampling::Max);
    for (config, downsampling, len) in [
        (attention(None, false), None, 5),
        (attention(None, false), max, 5),
        (attention(Some(3), true), None, 17),
        (attention(Some(5), true), max, 9),
        (attention(Some(3), false), Some(Downsampling::Average), 6),
        (sgp(), None, 5),
        (sgp(), max, 6),
        (sgp(), Some(Downsampling::Average), 5),
        (pooling(), max, 7),
    ] {
        let (vs, block) = build(&config, downsampling);
        randomise(&vs);
        let x = random(len).set_requires_grad(true);
        let valid = [len as usize, len as usize / 2 + 1];
        let mask = length_mask(&valid, len as usize, Device::Cpu);
        let mut inputs = vs.trainable_variables();
        inputs.push(x.shallow_clone());
        let error = gradient_error(&inputs, || block.forward_t(&x, &mask, false).0);
        assert!(error < 1e-6, "{config:?} {downsampling:?}: {error}");
    }
}

#[test]
fn attention_and_pooling_do_not_see_padding_and_leave_zeros_there() {
    tch::manual_seed(42);
    for config in [
        attention(None, false),
        attention(Some(5), true),
        attention(Some(3), false),
        pooling(),
    ] {
        let (vs, block) = build(&config, Some(Downsampling::Max));
        randomise(&vs);
        // Zero where padded, as behind every block of these kinds.
        let short_mask = length_mask(&[11, 8], 12, Device::Cpu);
        let short = random(12).abs() * &short_mask;
        let long = short.constant_pad_nd([0, 28]);
        let long_mask = length_mask(&[11, 8], 40, Device::Cpu);
        let (y, mask) = block.forward_t(&short, &short_mask, false);
        let (padded, _) = block.forward_t(&long, &long_mask, false);
        let error = (padded.narrow(2, 0, 6) - &y).abs().max();
        assert!(error.double_value(&[]) < 1e-12, "{config:?}: {error:?}");
        let left = (&y * mask.logical_not()).abs().max();
        assert_eq!(left.double_value(&[]), 0.0, "{config:?}");
        assert_eq!(padded.narrow(2, 6, 14).abs().max().double_value(&[]), 0.0);
    }
}

#[test]
fn a_window_limits_what_a_position_sees() {
    tch::manual_seed(43);
    let influenced = |config: &MixerConfig, changed: i64| -> Vec<bool> {
        let (vs, block) = build(config, None);
        randomise(&vs);
        let mask = length_mask(&[40, 40], 40, Device::Cpu);
        let x = random(40);
        let other = x.copy();
        let mut position = other.narrow(2, changed, 1);
        position += Tensor::randn([DIM as i64, 1], (Kind::Double, Device::Cpu));
        let difference =
            block.forward_t(&x, &mask, false).0 - block.forward_t(&other, &mask, false).0;
        let difference = difference.abs().amax([0i64, 1].as_slice(), false);
        Vec::<bool>::try_from(difference.gt(1e-14)).unwrap()
    };
    // Window 5: two steps, and one more by the convolution of kernel 3 (of the key, or of the query).
    let near = influenced(&attention(Some(5), true), 20);
    let expected: Vec<bool> = (0..40).map(|t: i64| (t - 20).abs() <= 3).collect();
    assert_eq!(near, expected);
    assert!(
        influenced(&attention(None, false), 20)
            .into_iter()
            .all(|all| all)
    );
}

#[test]
fn released_initial_values() {
    tch::manual_seed(44);
    let (vs, _block) = build(&attention(Some(9), true), None);
    for (name, tensor) in named_variables(&vs) {
        let largest = tensor.abs().max().double_value(&[]);
        if name.ends_with("bias") && !name.ends_with("relative_bias") {
            assert_eq!(largest, 0.0, "{name}");
        } else if name.ends_with("scale") {
            assert!((largest - 1e-4).abs() < 1e-9, "{name}: {largest}");
        } else {
            assert!(largest > 0.0, "{name}");
        }
    }
    let names = named_variables(&vs);
    assert!(!names.contains_key("attention.query.conv.bias"));
    assert_eq!(names["attention.relative_bias"].size(), [1, 1, 2, 9]);
    let (vs, _block) = build(&sgp(), Some(Downsampling::Max));
    let names = named_variables(&vs);
    assert_eq!(names["wide.weight"].size(), [16, 1, 7]);
    for name in ["instant", "instant_gate", "local", "wide", "local_gate"] {
        let std = names[&format!("{name}.weight")].std(true).double_value(&[]);
        assert!((0.1..0.35).contains(&std), "{name}: {std}");
        let bias = names[&format!("{name}.bias")].abs().max();
        assert_eq!(bias.double_value(&[]), 0.0);
    }
    let (vs, _block) = build(&pooling(), Some(Downsampling::Max));
    assert!(vs.is_empty());
}

#[test]
fn impossible_blocks_are_errors_and_leave_no_variables() {
    let vs = VarStore::new(Device::Cpu);
    let error = |config: &MixerConfig, downsampling| {
        let place = BlockConfig {
            dim: DIM,
            level: 1,
            downsampling,
        };
        build_mixer(&vs.root(), config, place)
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    let max = Some(Downsampling::Max);
    assert!(
        error(&attention(Some(4), false), max)
            .contains("window is 4, must be an odd number of at least 3")
    );
    assert!(error(&attention(None, true), max).contains("must be false if window is null"));
    assert!(error(&pooling(), None).contains("num_stem_blocks is 1, must be 0"));
    assert!(
        error(&pooling(), Some(Downsampling::Average))
            .contains("downsampling is average, must be max")
    );
    let MixerConfig::Sgp(sgp) = sgp() else {
        unreachable!()
    };
    let short = SgpConfig {
        kernel_size: PerLevel::Each(vec![1]),
        ..sgp.clone()
    };
    assert!(
        error(&MixerConfig::Sgp(short), max)
            .contains("kernel_size is 1 numbers, must be one number, or one per level (2)")
    );
    let negative = SgpConfig { k: -1.0, ..sgp };
    assert!(error(&MixerConfig::Sgp(negative), max).contains("k is -1"));
    assert!(vs.is_empty());
}
