//! Checks of the sections `decoder` and `loss`.

use std::path::Path;

use tal_config::ConfigError;
use tal_core::config::Config;

const FILE: &str = "
dataset:
  annotations: a.json
  features: { dir: features, format: { type: npy } }
  num_classes: 3
  input_dim: 8
  feat_stride: 4
  num_frames: 16
  max_seq_len: 64
";

fn load(overrides: &[&str]) -> Result<Config, ConfigError> {
    let overrides: Vec<_> = overrides.iter().map(|text| text.to_string()).collect();
    tal_config::from_yaml(FILE, "test.yaml", Path::new("/base"), &overrides)
}

fn message(overrides: &[&str]) -> String {
    load(overrides).unwrap_err().to_string()
}

#[test]
fn fusions_need_neighbors() {
    let two = [
        "encoder.num_levels=2",
        "decoder.regression_range=[[0,4],[4,9]]",
    ];
    assert!(load(&two).is_ok());
    let text = message(&[&two[..], &["decoder.drm.levels=intermediate"]].concat());
    assert!(
        text.ends_with(
            "decoder.drm.levels is intermediate, must be all, as no level has two neighbours if encoder.num_levels is 2"
        ),
        "{text}"
    );
    let one = ["encoder.num_levels=1", "decoder.regression_range=[[0,9]]"];
    let text = message(&one);
    for part in ["dcm", "drm", "clff"] {
        assert!(
            text.contains(&format!("decoder.{part}.levels is all")),
            "{text}"
        );
    }
    let without = [
        "decoder.dcm.neighbors=none",
        "decoder.drm.neighbors=none",
        "decoder.refinement.classification=false",
        "decoder.refinement.regression=false",
        "loss.refined.weight=0",
    ];
    assert!(load(&[&one[..], &without].concat()).is_ok());
}

#[test]
fn terms_of_the_loss_fit_the_refinement() {
    let none = [
        "decoder.refinement.classification=false",
        "decoder.refinement.regression=false",
    ];
    let text = message(&none);
    assert!(
        text.contains(
            "loss.refined.weight is 0.7, must be 0 if decoder.refinement refines nothing"
        ),
        "{text}"
    );
    let nothing = ["loss.refined.weight=0", "loss.unrefined.weight=0"];
    let text = message(&[&none[..], &nothing].concat());
    assert!(
        text.contains("loss.unrefined.weight is 0, must be above 0"),
        "{text}"
    );
    assert!(load(&[&none[..], &nothing[..1]].concat()).is_ok());
    let text = message(&["loss.refined.weight=0"]);
    assert!(
        text.contains("refines something, which nothing else trains"),
        "{text}"
    );
    let half = [
        "decoder.refinement.regression=false",
        "loss.unrefined.weight=0",
    ];
    assert!(load(&half).is_ok());
}

#[test]
fn an_overlap_as_target_needs_the_varifocal_loss() {
    assert!(load(&["loss.refined.target=iou"]).is_ok());
    let text = message(&["loss.unrefined.target=iou"]);
    assert!(
        text.contains("loss.unrefined.target is iou, must be one_hot if classification is focal"),
        "{text}"
    );
}

#[test]
fn costs_are_checked() {
    let cost = |values: &str| message(&[&format!("loss.assignment.cost={{{values}}}")]);
    let text =
        cost("classification_weight: 0, regression_weight: 0, keep_percent: 0, confuse_weight: -1");
    for field in [
        "classification_weight is 0, must be above 0",
        "keep_percent is 0, must be above 0 and at most 1",
        "confuse_weight is -1",
    ] {
        assert!(
            text.contains(&format!("loss.assignment.cost.{field}")),
            "{text}"
        );
    }
}

#[test]
fn the_paper_is_laid_over_the_released_preset() {
    let paper = tal_config::from_yaml(
        &format!("preset: paper\n{FILE}"),
        "test.yaml",
        Path::new("/base"),
        &["decoder.trident.num_bins=8".to_owned()],
    )
    .unwrap();
    let released = load(&["decoder.trident.num_bins=8"]).unwrap();
    assert_eq!(paper.decoder.head, released.decoder.head);
    assert_ne!(paper.decoder.clff, released.decoder.clff);
    assert_eq!(paper.loss.unrefined.weight, 0.0);
    assert_eq!(paper.train, released.train);
}
