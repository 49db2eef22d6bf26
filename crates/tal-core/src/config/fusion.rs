//! Classes for class-agnostic detections, out of scores of whole recordings.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Check;

/// A classifier of whole recordings that gives class-agnostic detections their classes (ActivityNet).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExternalScoresConfig {
    /// File with the class scores of every recording (JSON, `{"results": {ID: [score, …]}}` or `{ID: {name: score}}`);
    /// the score at position i belongs to the class with `label_id` i. Environment variables are filled in.
    pub file: PathBuf,
    /// Each segment is given this many classes, the best ones of its recording.
    #[serde(default = "default_top_k")]
    pub top_k: usize,
    /// How the score of a class and that of a segment become one.
    #[serde(default)]
    pub combine: ScoreCombination,
    /// Only this many segments of a recording, the best ones; null: all.
    #[serde(default = "default_max_segments")]
    pub max_segments: Option<usize>,
}

/// How detections get their classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FusionConfig {
    /// Each segment is given this many classes, the best ones of its recording (or all, where there are fewer).
    pub top_k: usize,
    /// How the two scores become one.
    pub combine: ScoreCombination,
    /// Only this many segments of a recording, the best ones; null: all.
    pub max_segments: Option<usize>,
}

/// How the score v of a class and the score s of a segment become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScoreCombination {
    /// √(v · s) (ActionFormer, TriDet, CLTDR-GMG).
    #[default]
    ProductRoot,
    /// v · s (OpenTAD).
    Product,
}

fn default_top_k() -> usize {
    FusionConfig::default().top_k
}

fn default_max_segments() -> Option<usize> {
    FusionConfig::default().max_segments
}

impl Default for FusionConfig {
    /// The released code for ActivityNet: two classes, the root of the product, 200 segments.
    fn default() -> Self {
        Self {
            top_k: 2,
            combine: ScoreCombination::ProductRoot,
            max_segments: Some(200),
        }
    }
}

impl ExternalScoresConfig {
    /// The part that does not say where the scores are.
    pub fn fusion(&self) -> FusionConfig {
        FusionConfig {
            top_k: self.top_k,
            combine: self.combine,
            max_segments: self.max_segments,
        }
    }

    pub(super) fn check(&self, check: &mut Check<'_>) {
        check.filled("file", &self.file.to_string_lossy());
        check.at_least("top_k", self.top_k, 1);
        if let Some(max_segments) = self.max_segments {
            check.at_least("max_segments", max_segments, 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

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
        let config = Config::from_yaml(&text, "test", Path::new("/base"), &[]);
        config.map_err(|error| error.to_string())
    }

    #[test]
    fn only_the_file_is_needed_and_found_beside_the_configuration() {
        assert_eq!(load("").unwrap().inference.external_scores, None);
        let config = load("inference: { external_scores: { file: scores.json } }").unwrap();
        let scores = config.inference.external_scores.clone().unwrap();
        assert_eq!(scores.file, Path::new("/base/scores.json"));
        assert_eq!(scores.fusion(), FusionConfig::default());
        let again = Config::from_yaml(&config.to_yaml(), "again", Path::new("/else"), &[]);
        assert_eq!(again.unwrap(), config);
        let all = "inference:
  external_scores: { file: /s.json, top_k: 1, combine: product, max_segments: null }";
        let fusion = load(all)
            .unwrap()
            .inference
            .external_scores
            .unwrap()
            .fusion();
        assert_eq!(
            fusion,
            FusionConfig {
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
}
