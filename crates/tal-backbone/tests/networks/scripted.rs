//! TorchScript modules.

use std::path::PathBuf;

use tal_backbone::{Backbone, InputLayout, Network, StateDict};
use tch::{CModule, Device, Kind, Tensor};
use tempfile::TempDir;

use crate::support::ones;

fn random(shape: &[i64]) -> Tensor {
    Tensor::rand(shape, (Kind::Float, Device::Cpu))
}

/// A module in a file, traced from a function.
fn saved(shape: &[i64], function: impl Fn(&Tensor) -> Tensor) -> (TempDir, PathBuf) {
    let inputs = [random(shape)];
    let mut traced = |inputs: &[Tensor]| vec![function(&inputs[0])];
    let module = CModule::create_by_tracing("Net", "forward", &inputs, &mut traced).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.pt");
    module.save(&path).unwrap();
    (folder, path)
}

#[test]
fn a_module_gives_the_numbers_of_the_network_that_it_was_traced_from() {
    let network = Network::R2Plus1d18;
    let scaled = ones(&network)
        .into_iter()
        .map(|(name, tensor)| (name, tensor * 0.01));
    let state = StateDict::new("ones", scaled.collect());
    let native = Backbone::load(&network, state, &Default::default()).unwrap();
    let shape = [1, 3, 4, 32, 32];
    let (_folder, path) = saved(&shape, |clips| native.forward(clips).unwrap());
    let scripted = Backbone::scripted(&path, InputLayout::Clip, &shape[1..], Device::Cpu).unwrap();
    assert_eq!(scripted.name(), "scripted");
    assert_eq!((scripted.channels(), scripted.width()), (3, 512));
    for batch in 1..3 {
        let clips = random(&[batch, 3, 4, 32, 32]);
        let features = scripted.forward(&clips).unwrap();
        assert_eq!(features.size(), [batch, 512]);
        assert_eq!(features, native.forward(&clips).unwrap());
    }
}

#[test]
fn sizes_of_one_behind_the_channels_are_dropped() {
    let (_folder, path) = saved(&[1, 5, 8, 8], |x| {
        x.mean_dim([2, 3].as_slice(), true, Kind::Float)
    });
    let backbone = Backbone::scripted(&path, InputLayout::Frame, &[5, 8, 8], Device::Cpu).unwrap();
    let frames = random(&[3, 5, 8, 8]);
    let features = backbone.forward(&frames).unwrap();
    assert_eq!(
        features,
        frames.mean_dim([2, 3].as_slice(), false, Kind::Float)
    );
    let error = backbone
        .forward(&random(&[3, 4, 8, 8]))
        .unwrap_err()
        .to_string();
    assert!(error.contains("must be Float [N, 5, H, W]"), "{error}");
}

#[test]
fn a_module_may_take_clips_frame_by_frame() {
    let means = |x: &Tensor| x.mean_dim([1, 3, 4].as_slice(), false, Kind::Float);
    let (_folder, path) = saved(&[1, 4, 3, 8, 8], means);
    let layout = InputLayout::TimeFirst;
    let backbone = Backbone::scripted(&path, layout, &[4, 3, 8, 8], Device::Cpu).unwrap();
    assert_eq!((backbone.channels(), backbone.width()), (3, 3));
    let clips = random(&[2, 6, 3, 8, 8]);
    assert_eq!(backbone.forward(&clips).unwrap(), means(&clips));
    let error = backbone.forward(&clips.transpose(1, 2)).unwrap_err();
    assert!(
        error.to_string().ends_with("must be Float [N, T, 3, H, W]"),
        "{error}"
    );
}

#[test]
fn modules_without_features_are_refused() {
    let open = |path: &PathBuf| {
        let backbone = Backbone::scripted(path, InputLayout::Frame, &[3, 8, 8], Device::Cpu);
        backbone.unwrap_err().to_string()
    };
    let (_folder, path) = saved(&[1, 3, 8, 8], |x| x * 2);
    let message = open(&path);
    assert!(
        message.ends_with("the module gave Float [1, 3, 8, 8], must give Float [1, C]"),
        "{message}"
    );
    let (_folder, path) = saved(&[1, 3, 8, 8], |x| x.flatten(1, -1).argmax(1, true));
    assert!(open(&path).contains("the module gave Int64 [1, 1]"));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.pt");
    std::fs::write(&path, "no module").unwrap();
    assert!(open(&path).contains("text.pt: cannot load it as TorchScript: "));
    assert!(open(&folder.path().join("none.pt")).contains("none.pt: cannot load it"));
}

#[test]
fn a_module_that_fails_says_so() {
    let (_folder, path) = saved(&[1, 3, 8, 8], |x| x.reshape([1, 192]));
    let backbone = Backbone::scripted(&path, InputLayout::Frame, &[3, 8, 8], Device::Cpu).unwrap();
    assert_eq!(backbone.width(), 192);
    let error = backbone
        .forward(&random(&[2, 3, 8, 8]))
        .unwrap_err()
        .to_string();
    assert!(error.contains("net.pt: cannot run it: "), "{error}");
}
