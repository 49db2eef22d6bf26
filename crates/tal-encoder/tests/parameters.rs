//! Names, shapes and counts of the released THUMOS14 model.

mod common;

use std::collections::BTreeMap;

use common::{fixture, thumos};
use tal_core::config::{AttentionConfig, EncoderConfig, MixerConfig};
use tal_core::nn::{named_variables, num_parameters};
use tal_encoder::{Encoder, Neck, released_key_map};
use tch::{Device, nn::VarStore};

#[test]
fn parameters_of_the_released_thumos_model() {
    let vs = VarStore::new(Device::Cpu);
    let config = thumos();
    let encoder = Encoder::new(&(vs.root() / "encoder"), &config, 2048, 2304).unwrap();
    assert_eq!(num_parameters(&vs), 9_510_656);
    let _neck = Neck::new(
        &(vs.root() / "neck"),
        &config.neck,
        config.dim,
        config.num_levels,
    );
    assert_eq!(num_parameters(&vs), 9_510_656 + 6_144);
    assert_eq!((encoder.stem.len(), encoder.branch.len()), (2, 5));

    let map = released_key_map();
    let table = std::fs::read_to_string(fixture("thumos_i3d_parameters.tsv")).unwrap();
    let released: BTreeMap<String, String> = table
        .lines()
        .skip(1)
        .map(|line| {
            let (name, rest) = line.split_once('\t').unwrap();
            let (shape, _) = rest.split_once('\t').unwrap();
            let name = map
                .map(name)
                .unwrap_or_else(|| panic!("no rule for {name}"));
            (name, shape.to_owned())
        })
        .collect();
    let ours: BTreeMap<String, String> = named_variables(&vs)
        .into_iter()
        .map(|(name, tensor)| {
            let shape: Vec<_> = tensor.size().iter().map(i64::to_string).collect();
            (name, shape.join("x"))
        })
        .collect();
    assert_eq!(ours, released);
}

/// ActionFormer's encoder has more than twice the parameters, most of them in an MLP of width 2048 instead of 768. The figure
/// of the paper's comparison is projection, two stem and five branch blocks without relative positions and without the neck.
#[test]
fn parameters_of_the_actionformer_encoder() {
    let config = |window, relative_position| EncoderConfig {
        mixer: MixerConfig::Attention(AttentionConfig {
            num_heads: 4,
            window,
            relative_position,
            kernel_size: 3,
            mlp_dim: None,
            drop_path: 0.1,
        }),
        ..thumos()
    };
    let count = |config: &EncoderConfig| {
        let vs = VarStore::new(Device::Cpu);
        let _encoder = Encoder::new(&vs.root(), config, 2048, 2304).unwrap();
        num_parameters(&vs)
    };
    assert_eq!(count(&config(None, false)), 26_061_824);
    assert_eq!(count(&config(Some(19), false)), 26_061_824);
    // 7 blocks, 4 heads, 19 distances.
    assert_eq!(count(&config(Some(19), true)), 26_061_824 + 7 * 4 * 19);
}

#[test]
fn released_initial_values() {
    let vs = VarStore::new(Device::Cpu);
    let config = thumos();
    let _encoder = Encoder::new(&(vs.root() / "encoder"), &config, 64, 2304).unwrap();
    let _neck = Neck::new(&(vs.root() / "neck"), &config.neck, config.dim, 6);
    for (name, tensor) in named_variables(&vs) {
        let tensor = tensor.detach();
        let (low, high) = (
            tensor.min().double_value(&[]),
            tensor.max().double_value(&[]),
        );
        let last = name.rsplit('.').next().unwrap();
        if last == "scale" {
            assert!((low - 1e-4).abs() < 1e-10 && low == high, "{name}");
        } else if name.contains("norm") && last == "weight" {
            assert_eq!((low, high), (1.0, 1.0), "{name}");
        } else if name.contains(".filter.") {
            let std = tensor.std(true).double_value(&[]);
            assert!((0.017..0.023).contains(&std), "{name}: {std}");
        } else if last == "bias" || name.contains("instant") || name.contains("local") {
            assert_eq!((low, high), (0.0, 0.0), "{name}");
        } else {
            let size = tensor.size();
            let bound = 1.0 / ((size[1] * size[2]) as f64).sqrt();
            // The bound itself is drawn as float32, which may lie a little further out.
            let most = bound * (1.0 + 1e-6);
            assert!(high <= most && high > 0.95 * bound, "{name}: {high}");
            assert!(low >= -most && low < -0.95 * bound, "{name}: {low}");
        }
    }
}
