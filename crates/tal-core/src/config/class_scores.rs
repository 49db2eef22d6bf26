//! Classes for class-agnostic detections, taken from scores of whole recordings.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::check::Check;

sections! {
    /// Scores of whole recordings that give class-agnostic detections their classes (ActivityNet).
    #[derive(Eq)]
    pub struct ClassScoresConfig {
        /// File with the class scores of every recording (JSON, `{"results": {ID: [score, …]}}` or `{ID: {name: score}}`). The
        /// score at position i belongs to the class with `label_id` i. Environment variables are filled in.
        pub file: PathBuf,
        /// Number of classes that each segment is given: the best ones of its recording.
        #[serde(default = "default_top_k")]
        pub top_k: usize,
        /// Combination of the scores of a class and of a segment.
        #[serde(default)]
        pub combine: ScoreCombination,
        /// Largest number of segments per recording, best first; null keeps all.
        #[serde(default = "default_max_segments")]
        pub max_segments: Option<usize>,
    }

    /// Combination of the score v of a class and the score s of a segment.
    #[derive(Default)]
    pub enum ScoreCombination {
        /// √(v · s) (ActionFormer, TriDet, CLTDR-GMG).
        #[default]
        ProductRoot,
        /// v · s (OpenTAD).
        Product,
    }
}

/// The rule by which detections get their classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassScoresRule {
    /// Number of classes that each segment is given: the best ones of its recording, or all if there are fewer.
    pub top_k: usize,
    /// Combination of the scores of a class and of a segment.
    pub combine: ScoreCombination,
    /// Largest number of segments per recording, best first; `None` keeps all.
    pub max_segments: Option<usize>,
}

fn default_top_k() -> usize {
    ClassScoresRule::default().top_k
}

fn default_max_segments() -> Option<usize> {
    ClassScoresRule::default().max_segments
}

impl Default for ClassScoresRule {
    /// The released code for ActivityNet: two classes, the root of the product, 200 segments.
    fn default() -> Self {
        Self {
            top_k: 2,
            combine: ScoreCombination::ProductRoot,
            max_segments: Some(200),
        }
    }
}

impl ClassScoresConfig {
    /// The rule, without the file.
    pub fn rule(&self) -> ClassScoresRule {
        ClassScoresRule {
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
