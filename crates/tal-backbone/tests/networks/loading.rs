//! Strict loading: names, shapes, classifiers, prefixes, weights of another network.

use sha2::{Digest, Sha256};
use tal_backbone::{Backbone, BackboneError, BackboneOptions, Network, StateDict, VitConfig};
use tal_core::weights::NamedTensors;
use tch::{Device, Kind, Tensor};

use crate::support::{description, hex, ones};

const NETWORK: Network = Network::EfficientNetLite0;

fn load(network: &Network, tensors: NamedTensors) -> Result<Backbone, BackboneError> {
    Backbone::load(
        network,
        StateDict::new("a.pth", tensors),
        &BackboneOptions::default(),
    )
}

fn message(network: &Network, tensors: NamedTensors) -> String {
    load(network, tensors).unwrap_err().to_string()
}

fn zeros(shape: &[i64]) -> Tensor {
    Tensor::zeros(shape, (Kind::Float, Device::Cpu))
}

fn renamed(tensors: NamedTensors, rename: impl Fn(String) -> String) -> NamedTensors {
    let tensors = tensors.into_iter();
    tensors
        .map(|(name, tensor)| (rename(name), tensor))
        .collect()
}

#[test]
fn names_and_shapes_are_the_released_ones() {
    let description = description();
    let tables = description["tables"].as_object().unwrap();
    assert_eq!(tables.len(), 10);
    for (name, expected) in tables {
        let network = Network::from_name(name).unwrap();
        let parameters = network.parameters().unwrap();
        let mut digest = Sha256::new();
        for parameter in &parameters {
            let shape: Vec<String> = parameter.shape.iter().map(i64::to_string).collect();
            digest.update(format!("{}\t{}\n", parameter.name, shape.join("x")));
        }
        assert_eq!(
            parameters.len() as u64,
            expected["parameters"].as_u64().unwrap(),
            "{name}"
        );
        assert_eq!(hex(digest), expected["sha256"].as_str().unwrap(), "{name}");
    }
}

#[test]
fn networks_have_names() {
    for network in Network::all() {
        assert_eq!(Network::from_name(network.name()).unwrap(), network);
        assert!(network.width() >= 384);
    }
    let error = Network::from_name("r2plus1d_19").unwrap_err().to_string();
    assert!(
        error.starts_with("there is no network `r2plus1d_19` (did you mean `r2plus1d_18`?); known are r2plus1d_18, "),
        "{error}"
    );
    let error = Network::from_name("q").unwrap_err().to_string();
    assert!(!error.contains("did you mean"), "{error}");
}

#[test]
fn missing_unknown_and_misshapen_parameters_are_named() {
    let mut tensors = ones(&NETWORK);
    let _ = tensors.remove("_blocks.3._bn1.bias").unwrap();
    tensors.insert("_conv_head.weight".to_owned(), zeros(&[1280, 320, 3, 3]));
    tensors.insert("_extra.weight".to_owned(), zeros(&[1]));
    let message = message(&NETWORK, tensors);
    assert!(
        message.starts_with("a.pth does not fit efficientnet_lite0: "),
        "{message}"
    );
    for line in [
        "1 missing, 1 unexpected, 1 mismatched",
        "missing: _blocks.3._bn1.bias",
        "unexpected: _extra.weight",
        "_conv_head.weight is Float [1280, 320, 1, 1], the weights are Float [1280, 320, 3, 3]",
    ] {
        assert!(message.contains(line), "{line}: {message}");
    }
}

#[test]
fn whole_numbers_are_no_weights() {
    let mut tensors = ones(&NETWORK);
    let bias = Tensor::zeros([32], (Kind::Int64, Device::Cpu));
    tensors.insert("_bn0.bias".to_owned(), bias);
    let message = message(&NETWORK, tensors);
    assert!(
        message.contains("_bn0.bias is Float [32], the weights are Int64 [32]"),
        "{message}"
    );
}

#[test]
fn classifiers_counters_and_prefixes_are_no_fault() {
    let mut tensors = ones(&NETWORK);
    tensors.insert("_fc.weight".to_owned(), zeros(&[7, 1280]));
    tensors.insert("_fc.bias".to_owned(), zeros(&[7]));
    let counter = Tensor::zeros([1; 0], (Kind::Int64, Device::Cpu));
    tensors.insert("_bn0.num_batches_tracked".to_owned(), counter);
    let twice = renamed(tensors, |name| format!("module.module.{name}"));
    let backbone = load(&NETWORK, twice).unwrap();
    assert_eq!(backbone.num_classes(), None);
    let error = backbone.logits(&zeros(&[1, 1280])).unwrap_err().to_string();
    assert_eq!(
        error,
        "efficientnet_lite0 was loaded without its classifier, so there are no class scores"
    );

    // A prefix that only some names have is none.
    let partly = renamed(ones(&NETWORK), |name| match name.starts_with("_bn0") {
        true => format!("module.{name}"),
        false => name,
    });
    assert!(message(&NETWORK, partly).contains("unexpected: module._bn0.bias"));
}

#[test]
fn a_kept_classifier_must_be_there() {
    let options = BackboneOptions {
        classifier: true,
        ..BackboneOptions::default()
    };
    let load = |tensors| Backbone::load(&NETWORK, StateDict::new("a.pth", tensors), &options);
    let error = load(ones(&NETWORK)).unwrap_err().to_string();
    assert_eq!(
        error,
        "a.pth has no classifier of efficientnet_lite0: _fc.weight is missing"
    );
    let mut tensors = ones(&NETWORK);
    tensors.insert("_fc.weight".to_owned(), zeros(&[7, 1000]));
    let error = load(tensors).unwrap_err().to_string();
    assert!(
        error.ends_with("_fc.weight is [7, 1000], must be [classes, 1280]"),
        "{error}"
    );
    let mut tensors = ones(&NETWORK);
    tensors.insert("_fc.weight".to_owned(), zeros(&[7, 1280]));
    tensors.insert("_fc.bias".to_owned(), zeros(&[8]));
    let error = load(tensors).unwrap_err().to_string();
    assert!(error.ends_with("_fc.bias must be [7]"), "{error}");
}

#[test]
fn weights_of_another_network_are_named() {
    for (wanted, found, features) in [
        (Network::R2Plus1d18, Network::R2Plus1d34, true),
        (Network::R2Plus1d34, Network::R2Plus1d18, false),
        (Network::I3dRgb, Network::I3dFlow, false),
        (
            Network::Vit(VitConfig::BASE),
            Network::Vit(VitConfig::SMALL),
            false,
        ),
        (NETWORK, Network::Vit(VitConfig::GIANT), false),
    ] {
        let tensors = renamed(ones(&found), |name| match features {
            true => format!("features.{name}"),
            false => name,
        });
        assert_eq!(
            message(&wanted, tensors),
            format!(
                "a.pth holds the weights of {}, not of {}",
                found.name(),
                wanted.name()
            )
        );
    }
}

#[test]
fn other_precisions_are_converted() {
    let tensors = ones(&NETWORK).into_iter();
    let halves = tensors.map(|(name, tensor)| (name, tensor.to_kind(Kind::Half)));
    let half = load(&NETWORK, halves.collect()).unwrap();
    let float = load(&NETWORK, ones(&NETWORK)).unwrap();
    let frames = Tensor::ones([1, 3, 32, 32], (Kind::Float, Device::Cpu)) * 0.01;
    assert_eq!(
        half.forward(&frames).unwrap(),
        float.forward(&frames).unwrap()
    );
}

#[test]
fn impossible_sizes_and_epsilons_are_refused() {
    let config = VitConfig {
        heads: 7,
        ..VitConfig::SMALL
    };
    let message = message(&Network::Vit(config), NamedTensors::new());
    assert_eq!(
        message,
        "vit: the width 384 must be even and a multiple of the 7 heads"
    );
    let config = VitConfig {
        size: 225,
        ..VitConfig::SMALL
    };
    let error = Network::Vit(config).parameters().unwrap_err().to_string();
    assert!(
        error.contains("must divide into patches of 2 frames of 16 pixels"),
        "{error}"
    );
    for eps in [0.0, -1e-3, f64::NAN, 1.0] {
        let options = BackboneOptions {
            eps: Some(eps),
            ..BackboneOptions::default()
        };
        let state = StateDict::new("a.pth", ones(&NETWORK));
        let error = Backbone::load(&NETWORK, state, &options)
            .unwrap_err()
            .to_string();
        assert!(error.contains("must be above 0 and below 1"), "{error}");
    }
}

#[test]
fn inputs_of_another_shape_are_refused() {
    let backbone = load(&NETWORK, ones(&NETWORK)).unwrap();
    let refuse =
        |backbone: &Backbone, input: Tensor| backbone.forward(&input).unwrap_err().to_string();
    assert_eq!(
        refuse(&backbone, zeros(&[1, 3, 4, 32, 32])),
        "efficientnet_lite0: the input is Float [1, 3, 4, 32, 32], must be Float [N, 3, H, W]"
    );
    let bytes = zeros(&[1, 3, 32, 32]).to_kind(Kind::Uint8);
    assert!(refuse(&backbone, bytes).contains("Uint8 [1, 3, 32, 32], must be Float"));
    assert!(refuse(&backbone, zeros(&[0, 3, 32, 32])).contains("[0, 3, 32, 32]"));

    let i3d = load(&Network::I3dRgb, ones(&Network::I3dRgb)).unwrap();
    assert!(
        refuse(&i3d, zeros(&[1, 3, 8, 224, 224]))
            .ends_with("with T of at least 9, H and W of at least 193")
    );
    let least = i3d.forward(&zeros(&[1, 3, 9, 193, 193])).unwrap();
    assert_eq!(least.size(), [1, 1024]);
    let copied = Network::I3dRgbVideoFeatures;
    let copied = load(&copied, ones(&copied)).unwrap();
    assert!(refuse(&copied, zeros(&[1, 3, 9, 224, 224])).contains("T of at least 10"));
    let least = copied.forward(&zeros(&[1, 3, 10, 194, 194])).unwrap();
    assert_eq!(least.size(), [1, 1024]);

    let config = VitConfig {
        width: 8,
        depth: 1,
        heads: 2,
        hidden: 8,
        size: 32,
        ..VitConfig::SMALL
    };
    let vit = load(&Network::Vit(config), ones(&Network::Vit(config))).unwrap();
    assert!(refuse(&vit, zeros(&[1, 3, 16, 48, 32])).ends_with("must be Float [N, 3, 16, 32, 32]"));
}

#[test]
fn gradients_are_off() {
    let backbone = load(&NETWORK, ones(&NETWORK)).unwrap();
    let frames = zeros(&[1, 3, 32, 32]).set_requires_grad(true);
    assert!(!backbone.forward(&frames).unwrap().requires_grad());
}

#[test]
fn a_network_may_move_to_another_thread() {
    let backbone = load(&NETWORK, ones(&NETWORK)).unwrap();
    let features = std::thread::spawn(move || backbone.forward(&zeros(&[1, 3, 32, 32])));
    assert_eq!(features.join().unwrap().unwrap().size(), [1, 1280]);
}
