//! Outputs of the released implementation.

mod common;

use std::collections::BTreeMap;

use common::{Released, fixture};
use tal_core::nn::{FeaturePyramid, duplicate_names, length_mask, named_variables};
use tal_core::weights::{NamedTensors, load_strict, read_safetensors};
use tal_encoder::{Encoder, Neck, released_key_map};
use tch::{Device, Kind, Tensor, nn::VarStore};

const TOLERANCE: f64 = 1e-4;

/// Everything that the encoder computes for one recording, without the batch dimension, under the fixture's names.
fn outputs(encoder: &Encoder, neck: &Neck, features: &Tensor, padded_len: usize) -> NamedTensors {
    let len = features.size()[1];
    let mask = length_mask(&[len as usize], padded_len, Device::Cpu);
    let features = features
        .constant_pad_nd([0, padded_len as i64 - len])
        .unsqueeze(0);

    let mut outputs = BTreeMap::new();
    let mut x = features.shallow_clone();
    for (j, layer) in encoder.projection.layers.iter().enumerate() {
        outputs.insert(format!("embd{j}"), layer.conv.forward(&x, &mask));
        x = layer.forward(&x, &mask);
    }
    if let Some(position) = &encoder.position {
        x = position.forward(&x, &mask);
    }
    for (j, block) in encoder.stem.iter().enumerate() {
        x = block.forward_t(&x, &mask, false).0;
        outputs.insert(format!("stem{j}"), x.shallow_clone());
    }
    let pyramid = encoder.forward_t(&features, &[len as usize], false);
    let mut insert = |name: &str, pyramid: &FeaturePyramid| {
        for (l, level) in pyramid.levels.iter().enumerate() {
            outputs.insert(format!("{name}.level{l}"), level.features.shallow_clone());
            let mask = level.mask.squeeze_dim(1);
            outputs.insert(format!("mask.level{l}"), mask);
        }
    };
    insert("encoder", &pyramid);
    insert("pyramid", &neck.forward(&pyramid));
    let unbatched = outputs.into_iter();
    unbatched
        .map(|(name, t)| (name, t.squeeze_dim(0)))
        .collect()
}

/// Compares every stored output; returns how many there were.
fn compare(name: &str) -> usize {
    let (tensors, metadata) = read_safetensors(&fixture(name)).unwrap();
    let released = Released::parse(&metadata["config"]);
    let vs = VarStore::new(Device::Cpu);
    let (root, config) = (vs.root(), &released.encoder);
    let encoder = Encoder::new(
        &(&root / "encoder"),
        config,
        released.input_dim,
        released.max_seq_len,
    )
    .unwrap();
    let neck = Neck::new(
        &(&root / "neck"),
        &config.neck,
        config.dim,
        config.num_levels,
    );
    assert!(duplicate_names(&vs).is_empty());

    let weights = tensors.iter().filter_map(|(name, tensor)| {
        let name = name.strip_prefix("weight.")?;
        Some((name.to_owned(), tensor.shallow_clone()))
    });
    let weights = released_key_map().rename(weights.collect()).unwrap();
    load_strict(named_variables(&vs), &weights).unwrap();

    let _guard = tch::no_grad_guard();
    let mut num_compared = 0;
    for recording in 0.. {
        let Some(features) = tensors.get(&format!("input.{recording}.feats")) else {
            break;
        };
        let len = features.size()[1] as usize;
        let padded_len = config.padded_len(len, released.max_seq_len);
        let outputs = outputs(&encoder, &neck, features, padded_len);
        let prefix = format!("eval.{recording}.");
        let mut largest: f64 = 0.0;
        for (key, expected) in &tensors {
            let Some(key) = key.strip_prefix(&prefix) else {
                continue;
            };
            let ours = &outputs[key];
            assert_eq!(ours.size(), expected.size(), "{name} {recording} {key}");
            let difference = (ours.to_kind(Kind::Float) - expected).abs().max();
            let difference = difference.double_value(&[]);
            assert!(
                difference <= TOLERANCE,
                "{name}, recording {recording}, {key}: {difference}"
            );
            largest = largest.max(difference);
            num_compared += 1;
        }
        println!("{name}, recording {recording}: largest difference {largest:e}");
    }
    num_compared
}

#[test]
fn six_levels() {
    assert_eq!(compare("tiny.safetensors"), 2 * (4 + 3 * 6));
}

#[test]
fn seven_levels_with_local_kernels() {
    assert_eq!(compare("wide.safetensors"), 2 + 3 * 7 + 3 * 7 - 1);
}

#[test]
fn positions_and_a_recording_longer_than_usual() {
    assert_eq!(compare("hacs_like.safetensors"), 4 + 3 * 7);
}

#[test]
fn tridet() {
    assert_eq!(compare("tridet.safetensors"), 2 + 3 * 6);
}

#[test]
fn actionformer_in_windows() {
    assert_eq!(compare("actionformer.safetensors"), 2 + 3 * 6);
}

#[test]
fn actionformer_over_all_positions() {
    assert_eq!(compare("actionformer_global.safetensors"), 2 + 3 * 6);
}

#[test]
fn temporal_maxer() {
    assert_eq!(compare("temporalmaxer.safetensors"), 3 * 6);
}
