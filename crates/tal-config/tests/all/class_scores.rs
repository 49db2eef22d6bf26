//! The section `inference.external_scores`.

use std::path::Path;

use tal_core::config::{ClassScoresRule, Config, ScoreCombination};

const DATASET: &str = "
dataset:
  annotations: a.json
  features: { dir: features, format: { type: npy } }
  num_classes: 1
  input_dim: 8
  feat_stride: 4
  num_frames: 16
  max_seq_len: 64
";

fn load(inference: &str) -> Result<Config, String> {
    let text = format!("{DATASET}{inference}");
    let config = tal_config::from_yaml(&text, "test", Path::new("/base"), &[]);
    config.map_err(|error| error.to_string())
}

#[test]
fn only_the_file_is_needed_and_found_beside_the_configuration() {
    assert_eq!(load("").unwrap().inference.external_scores, None);
    let config = load("inference: { external_scores: { file: scores.json } }").unwrap();
    let scores = config.inference.external_scores.clone().unwrap();
    assert_eq!(scores.file, Path::new("/base/scores.json"));
    assert_eq!(scores.rule(), ClassScoresRule::default());
    let again = tal_config::from_yaml(
        &tal_config::to_yaml(&config),
        "again",
        Path::new("/else"),
        &[],
    );
    assert_eq!(again.unwrap(), config);
    let all = "inference:
  external_scores: { file: /s.json, top_k: 1, combine: product, max_segments: null }";
    let rule = load(all).unwrap().inference.external_scores.unwrap().rule();
    assert_eq!(
        rule,
        ClassScoresRule {
            top_k: 1,
            combine: ScoreCombination::Product,
            max_segments: None
        }
    );
}

#[test]
fn counts_of_zero_and_typos_are_named() {
    for (key, expected) in [
        ("top_k: 0", "inference.external_scores.top_k"),
        ("max_segments: 0", "inference.external_scores.max_segments"),
        ("combine: root", "product_root"),
        ("topk: 2", "top_k"),
    ] {
        let text = format!("inference: {{ external_scores: {{ file: s.json, {key} }} }}");
        let error = load(&text).unwrap_err();
        assert!(error.contains(expected), "{key}: {error}");
    }
}
