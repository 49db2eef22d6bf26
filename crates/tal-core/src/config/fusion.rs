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
