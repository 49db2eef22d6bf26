//! Import of the released checkpoint.

use crate::support::{Golden, fixture};
use tal_core::ClassMap;
use tal_core::config::{Config, Weights};
use tal_engine::Checkpoint;
use tal_engine::import::{import_released, released_name_map};
use tch::Device;

fn import(config: &Config, kind: Weights) -> Result<Checkpoint, tal_engine::EngineError> {
    let path = fixture("tiny_checkpoint.pth.tar");
    import_released(&path, config, &ClassMap::default(), kind)
}

#[test]
fn both_kinds_of_weights_are_read() {
    let golden = Golden::read("tiny");
    let averaged = import(&golden.config, Weights::Ema).unwrap().section("ema");
    let trained = import(&golden.config, Weights::Raw)
        .unwrap()
        .section("model");
    assert_eq!(averaged.len(), 212);
    for (name, value) in &averaged {
        let difference = (&trained[name] - value - 0.25)
            .abs()
            .max()
            .double_value(&[]);
        assert!(difference < 1e-6, "{name}");
    }
    // The step that the golden file made from these weights moves no value by more than the rate and the decay.
    let stepped = released_name_map()
        .rename(golden.section("stepped"))
        .unwrap();
    for (name, value) in stepped {
        let moved = (&averaged[&name] - value).abs().max().double_value(&[]);
        assert!(moved < 2e-3, "{name} {moved}");
    }
}

#[test]
fn an_imported_checkpoint_is_one_of_ours() {
    let golden = Golden::read("tiny");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tiny.safetensors");
    import(&golden.config, Weights::Ema)
        .unwrap()
        .write(&path)
        .unwrap();
    let detector = tal_engine::Detector::load(&path, None, Device::Cpu).unwrap();
    assert_eq!(detector.num_parameters(), 85_804);
    let manifest = Checkpoint::read(&path).unwrap().manifest;
    assert!(manifest.origin.unwrap().starts_with("state_dict_ema of"));
}

#[test]
fn missing_unexpected_and_mismatched_names_are_listed() {
    let golden = Golden::read("tiny");
    let mut config = golden.config;
    config.decoder.trident.as_mut().unwrap().num_bins = 9;
    let error = import(&config, Weights::Ema).unwrap_err().to_string();
    assert!(
        error.contains("decoder.regression.output.weight"),
        "{error}"
    );
    assert!(error.contains("tiny_checkpoint.pth.tar"), "{error}");
    config.decoder.trident.as_mut().unwrap().num_bins = 8;
    config.encoder.num_stem_blocks = 3;
    let error = import(&config, Weights::Ema).unwrap_err().to_string();
    assert!(
        error.contains("missing") && error.contains("encoder.stem.2."),
        "{error}"
    );
    config.encoder.num_stem_blocks = 1;
    let error = import(&config, Weights::Ema).unwrap_err().to_string();
    assert!(
        error.contains("unexpected") && error.contains("encoder.stem.1."),
        "{error}"
    );
}
