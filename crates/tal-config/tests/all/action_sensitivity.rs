//! The section of action sensitivity learning.

use std::path::Path;

use tal_core::config::Config;

const ALL: &str = "{class_level: {classification: true, localization: true, combine: mean, distance: length, \
                   min_sigma: 0.1}, instance_level: {classification: true, localization: true, kernel_size: 3, \
                   weight: 1, detach_features: false, detach_quality: true}, normalize: batch, contrastive: \
                   {weight: 0.2, width: 0.2, temperature: 0.07, level: 0, background: all}}";

fn read(sensitivity: &str, more: &[&str]) -> Result<Config, String> {
    const FILE: &str = "
dataset:
  annotations: a.json
  features: { dir: f, format: { type: npy } }
  num_classes: 2
  input_dim: 8
  feat_stride: 1
  num_frames: 1
  max_seq_len: 64
";
    let mut overrides = vec![format!("loss.action_sensitivity={sensitivity}")];
    overrides.extend(more.iter().map(|text| (*text).to_owned()));
    tal_config::from_yaml(FILE, "test", Path::new("/"), &overrides).map_err(|e| e.to_string())
}

#[test]
fn it_is_off_unless_asked_for() {
    assert_eq!(read("null", &[]).unwrap().loss.action_sensitivity, None);
    let config = read(ALL, &[]).unwrap().loss.action_sensitivity.unwrap();
    assert!(config.class_level.unwrap().localization);
}

#[test]
fn what_would_do_nothing_or_fail_is_refused() {
    for (key, value, parts) in [
        ("class_level.classification", "false", None),
        ("class_level.min_sigma", "1", Some("above 0 and below 1")),
        ("class_level.combine", "max", Some("max")),
        ("instance_level.kernel_size", "2", Some("an odd number")),
        ("instance_level.weight", "-1", Some("at least 0")),
        ("contrastive.level", "6", Some("below 6")),
        ("contrastive.temperature", "0", Some("above 0")),
        ("contrastive.width", "0", Some("above 0")),
        ("contrastive.weight", "0", Some("above 0")),
    ] {
        let key = format!("loss.action_sensitivity.{key}");
        let set = format!("{key}={value}");
        match (read(ALL, &[&set]), parts) {
            (Ok(_), None) => {}
            (Err(error), Some(part)) => {
                assert!(error.contains(&key) && error.contains(part), "{error}");
            }
            (outcome, _) => panic!("{set}: {outcome:?}"),
        }
    }
    let none = "{class_level: null, instance_level: null, normalize: batch, contrastive: null}";
    let error = read(none, &[]).unwrap_err();
    assert!(
        error.contains("class_level is null, must be set"),
        "{error}"
    );
    for part in ["class_level", "instance_level"] {
        let sets = ["classification", "localization"]
            .map(|key| format!("loss.action_sensitivity.{part}.{key}=false"));
        let error = read(ALL, &[&sets[0], &sets[1]]).unwrap_err();
        assert!(error.contains("null leaves this part out"), "{error}");
    }
}
