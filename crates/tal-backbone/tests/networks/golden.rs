//! Every stage, the features and the class scores against recordings of the public code.

use std::collections::BTreeMap;

use tal_backbone::{Backbone, BackboneOptions, Network, VitConfig};
use tal_core::weights::NamedTensors;
use tch::Tensor;

use crate::support::{Golden, alone, fixture, largest_difference, relative_difference};

const BOUND: f64 = 1e-4;
const EFFICIENTNET_BOUND: f64 = 5e-4;

const KEEP: BackboneOptions = BackboneOptions {
    device: tch::Device::Cpu,
    eps: None,
    classifier: true,
};

fn load(golden: &Golden, tensors: NamedTensors) -> Backbone {
    Backbone::load(&golden.network, golden.state(tensors), &KEEP).unwrap()
}

#[test]
fn r2plus1d_18() {
    let _alone = alone();
    let golden = Golden::new("r2plus1d_18", Network::R2Plus1d18);
    let heads: [(&str, &[i64]); 2] = [("fc.weight", &[400, 512]), ("fc.bias", &[400])];
    let tensors = golden.weights(&[], &heads, str::to_owned);
    golden.compare_all(&load(&golden, tensors), "", "logits", BOUND);
}

#[test]
fn r2plus1d_34_of_tsp() {
    let _alone = alone();
    let golden = Golden::new("r2plus1d_34_tsp", Network::R2Plus1d34);
    let heads: [(&str, &[i64]); 4] = [
        ("fc1.weight", &[200, 512]),
        ("fc1.bias", &[200]),
        ("fc2.weight", &[2, 1024]),
        ("fc2.bias", &[2]),
    ];
    let rename = |name: &str| match name.starts_with("fc") {
        true => name.to_owned(),
        false => format!("features.{name}"),
    };
    let tensors = golden.weights(&[], &heads, rename);
    golden.compare_all(&load(&golden, tensors), "features.", "logits_fc1", BOUND);
}

const I3D_HEADS: [(&str, &[i64]); 2] = [
    ("logits.conv3d.weight", &[400, 1024, 1, 1, 1]),
    ("logits.conv3d.bias", &[400]),
];

#[test]
fn i3d_rgb_in_both_layouts() {
    let _alone = alone();
    let golden = Golden::new("i3d_rgb", Network::I3dRgb);
    let tensors = golden.weights(&I3D_HEADS, &[], str::to_owned);
    let names = std::fs::read_to_string(fixture("i3d_names.tsv")).unwrap();
    let names: BTreeMap<&str, &str> = names
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .collect();
    let renamed: NamedTensors = tensors
        .iter()
        .map(|(name, tensor)| (names[name.as_str()].to_owned(), tensor.shallow_clone()))
        .collect();
    let copy = |tensors: &NamedTensors| -> NamedTensors {
        let copies = tensors.iter();
        copies
            .map(|(name, tensor)| (name.clone(), tensor.shallow_clone()))
            .collect()
    };
    let plain = load(&golden, tensors);
    let branches = load(&golden, copy(&renamed));
    golden.compare_all(&plain, "", "logits", BOUND);

    let clips = golden.clips();
    let features = branches.forward(&clips).unwrap();
    assert_eq!(features, plain.forward(&clips).unwrap());
    assert_eq!(
        branches.logits(&features).unwrap(),
        plain.logits(&features).unwrap()
    );
    for number in 0..2 {
        let name = format!("clip{number}.feature_hassony2");
        golden.compare_with(
            &name,
            &features.get(number),
            deviation(&golden, &name),
            BOUND,
        );
    }

    // The copy in video_features: another epsilon everywhere, another padding of odd lengths.
    let state = golden.state(renamed);
    let copied = Backbone::load(&Network::I3dRgbVideoFeatures, state, &KEEP).unwrap();
    let features = copied.forward(&clips).unwrap();
    for number in 0..2 {
        let name = format!("clip{number}.feature_video_features");
        golden.compare_with(
            &name,
            &features.get(number),
            deviation(&golden, &name),
            BOUND,
        );
    }
    let odd = golden.clip_of("odd", [3, 18, 224, 224], 0);
    for (name, backbone) in [
        ("odd18.piergiaj", &plain),
        ("odd18.hassony2", &branches),
        ("odd18.video_features", &copied),
    ] {
        let mut steps = None;
        let _ = backbone
            .forward_stages(&odd, &mut |stage, tensor| {
                if stage == "steps" {
                    steps = Some(tensor.copy());
                }
            })
            .unwrap();
        let steps = steps.unwrap().get(0);
        assert_eq!(steps.size(), [1024, 2, 1, 1]);
        golden.compare_with(name, &steps, deviation(&golden, name), BOUND);
    }
}

fn deviation(golden: &Golden, name: &str) -> f64 {
    let values = golden.output(name);
    Tensor::from_slice(&values).std(false).double_value(&[])
}

#[test]
fn i3d_flow() {
    let _alone = alone();
    let golden = Golden::new("i3d_flow", Network::I3dFlow);
    let tensors = golden.weights(&I3D_HEADS, &[], str::to_owned);
    golden.compare_all(&load(&golden, tensors), "", "logits", BOUND);
}

fn vit(name: &'static str, config: VitConfig) {
    let golden = Golden::new(name, Network::Vit(config));
    let width = config.width;
    let heads: [(&str, &[i64]); 2] = [("head.weight", &[710, width]), ("head.bias", &[710])];
    let tensors = golden.weights(&[], &heads, str::to_owned);
    let backbone = load(&golden, tensors);
    golden.compare_all(&backbone, "", "logits", BOUND);
    let mut positions = None;
    let clips = golden.clips();
    let _ = backbone
        .forward_stages(&clips, &mut |stage, tensor| {
            if stage == "pos_embed" {
                positions = Some(tensor.copy());
            }
        })
        .unwrap();
    golden.compare_with("pos_embed", &positions.unwrap(), 1.0, 1e-6);
}

#[test]
fn vit_small() {
    let _alone = alone();
    vit("vit_small", VitConfig::SMALL);
}

#[test]
fn vit_of_48_channels() {
    let config = VitConfig {
        width: 48,
        depth: 2,
        heads: 3,
        hidden: 192,
        size: 64,
        ..VitConfig::SMALL
    };
    vit("vit_tiny48", config);
}

/// The traits of the giant network: patches of 14, an MLP that is 48/11 as wide.
#[test]
fn vit_of_88_channels() {
    let config = VitConfig {
        width: 88,
        depth: 2,
        heads: 4,
        hidden: 384,
        size: 56,
        ..VitConfig::GIANT
    };
    vit("vit_tiny88_p14", config);
}

#[test]
fn efficientnet_lite0() {
    let golden = Golden::new("efficientnet_lite0", Network::EfficientNetLite0);
    let heads: [(&str, &[i64]); 2] = [("_fc.weight", &[1000, 1280]), ("_fc.bias", &[1000])];
    let tensors = golden.weights(&[], &heads, str::to_owned);
    golden.compare_all(&load(&golden, tensors), "", "logits", EFFICIENTNET_BOUND);
}

/// The bounds notice a wrong epsilon and a mirrored clip.
#[test]
fn the_bounds_have_teeth() {
    let golden = Golden::new("efficientnet_lite0", Network::EfficientNetLite0);
    let heads: [(&str, &[i64]); 2] = [("_fc.weight", &[1000, 1280]), ("_fc.bias", &[1000])];
    let tensors = golden.weights(&[], &heads, str::to_owned);
    let options = BackboneOptions {
        eps: Some(1e-5),
        ..KEEP
    };
    let backbone = Backbone::load(&golden.network, golden.state(tensors), &options).unwrap();
    let clips = golden.clips().squeeze_dim(2);
    let values = |tensor: &Tensor| Vec::<f32>::try_from(tensor.get(0)).unwrap();
    let expected = golden.output("clip0.feature");
    let wrong = values(&backbone.forward(&clips).unwrap());
    let relative = relative_difference(&wrong, &expected);
    assert!((0.017..0.018).contains(&relative), "{relative}");
    let mirrored = values(&backbone.forward(&clips.flip([3])).unwrap());
    assert!(largest_difference(&mirrored, &expected) > 0.1);
}
