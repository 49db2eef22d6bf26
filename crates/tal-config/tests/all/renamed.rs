//! Former names of keys.

use std::path::Path;

use tal_config::Layers;
use tal_core::config::LossConfig;

const FORMER: &str = "
dataset:
  annotations: a.json
  features: { dir: f, format: { type: npy } }
  num_classes: 2
  input_dim: 8
  feat_stride: 1
  num_frames: 1
  max_seq_len: 64
loss:
  sensitivity:
    class_level: null
    instance_level: null
    normalize: batch
    contrastive: { weight: 0.2, width: 0.2, temperature: 0.07, level: 0, background: all }
";

fn layers(text: &str) -> Layers {
    Layers::from_yaml(text, "main.yaml", Path::new("/")).unwrap()
}

#[test]
fn former_names_work_in_every_layer() {
    let overlay = "loss: { sensitivity: { contrastive: { level: 1 } } }";
    let found = layers(FORMER)
        .overlay_yaml(overlay, "over.yaml", Path::new("/"))
        .unwrap()
        .set("loss.sensitivity.contrastive.weight=0.5")
        .unwrap()
        .resolve()
        .unwrap();
    let current = layers(&FORMER.replace("sensitivity", "action_sensitivity"))
        .set("loss.action_sensitivity.contrastive.level=1")
        .unwrap()
        .set("loss.action_sensitivity.contrastive.weight=0.5")
        .unwrap();
    assert_eq!(found.config, current.resolve().unwrap().config);
    let origin = |key: &str| {
        let key = format!("loss.action_sensitivity.{key}");
        found.provenance.origin(&key).to_string()
    };
    assert_eq!(origin("normalize"), "main.yaml:14");
    assert_eq!(origin("contrastive.level"), "over.yaml:1");
    assert_eq!(origin("contrastive.weight"), "--set");
}

#[test]
fn a_key_under_both_names_is_refused() {
    let both = format!("{FORMER}  action_sensitivity: null\n");
    let error = Layers::from_yaml(&both, "main.yaml", Path::new("/")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "main.yaml: loss.action_sensitivity: is set twice, also under its former name loss.sensitivity"
    );
}

#[test]
fn former_names_are_not_suggested() {
    let set = layers(FORMER).set("loss.sensitivty=null").unwrap();
    assert_eq!(
        set.resolve().unwrap_err().to_string(),
        "--set loss.sensitivty=null: unknown key loss.sensitivty; did you mean action_sensitivity?"
    );
}

#[test]
fn stored_configurations_keep_loading() {
    let current = serde_json::to_string(&LossConfig::default()).unwrap();
    let former = current.replace("action_sensitivity", "sensitivity");
    assert_ne!(former, current);
    let found: LossConfig = serde_json::from_str(&former).unwrap();
    assert_eq!(found, LossConfig::default());
}
