//! Presets against the defaults of the types.

use std::path::Path;

use tal_core::config::{BackTalConfig, Config, DatasetConfig, FeaturesConfig, Preset};

const DATASET: &str = "
dataset:
  annotations: /a.json
  features: { dir: /f, format: { type: npy } }
  num_classes: 3
  input_dim: 8
  feat_stride: 4
  num_frames: 16
  max_seq_len: 64
";

fn load(preset: &str) -> Config {
    let text = format!("preset: {preset}{DATASET}");
    tal_config::from_yaml(&text, "test", Path::new("/"), &[]).unwrap()
}

#[test]
fn the_released_preset_is_the_default_of_the_types() {
    let expected = Config {
        dataset: DatasetConfig {
            annotations: "/a.json".into(),
            features: FeaturesConfig {
                dir: "/f".into(),
                ..FeaturesConfig::default()
            },
            num_classes: 3,
            input_dim: 8,
            feat_stride: Some(4.0),
            num_frames: 16.0,
            max_seq_len: 64,
            ..DatasetConfig::default()
        },
        ..Config::default()
    };
    assert_eq!(load("released"), expected);
    assert_eq!(expected.validate(), Ok(()));
}

#[test]
fn the_preset_of_backtal_is_the_default_of_its_section() {
    let config = load("backtal_thumos14");
    assert_eq!(config.preset, Preset::BackTalThumos14);
    assert_eq!(config.backtal, Some(BackTalConfig::default()));
}

#[test]
fn a_data_set_that_is_not_filled_in_is_refused() {
    let errors = Config::default().validate().unwrap_err();
    let fields: Vec<&str> = errors.iter().map(|error| error.path.as_str()).collect();
    let expected = [
        "dataset.annotations",
        "dataset.features.dir",
        "dataset.num_classes",
        "dataset.input_dim",
        "dataset.feat_stride",
        "dataset.max_seq_len",
    ];
    assert_eq!(fields, expected);
}
