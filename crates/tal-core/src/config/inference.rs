//! From logits to detections, and how detections are scored.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Check;
use super::fusion::ExternalScoresConfig;
use super::precision::Precision;

/// Selection of candidates and what happens to them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InferenceConfig {
    /// A (class, point) pair becomes a candidate where its probability is greater than this.
    pub pre_nms_thresh: f32,
    /// At most this many candidates per level of the pyramid, the most probable first.
    pub pre_nms_topk: usize,
    /// Candidates must be longer than this, in grid units.
    pub duration_thresh: f32,
    /// How overlapping candidates are thinned out.
    pub suppression: SuppressionConfig,
    /// Scores of whole recordings that give class-agnostic detections their classes; null: detections keep the classes of
    /// the network.
    #[serde(default)]
    pub external_scores: Option<ExternalScoresConfig>,
    /// How exactly convolutions multiply.
    #[serde(default)]
    pub precision: Precision,
    /// Recordings that an evaluation lets the network look at together, where their padded lengths are equal; results agree
    /// to rounding. More than 1 pays on CUDA, not on the CPU. `tal predict` takes one recording at a time.
    #[serde(default = "one")]
    pub batch_size: usize,
}

fn one() -> usize {
    1
}

/// How overlapping candidates are thinned out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuppressionConfig {
    /// The rule that lowers or drops the scores of overlapping candidates.
    pub method: SuppressionMethod,
    /// Width σ of the Gaussian rule: a score is multiplied by exp(−tIoU²/σ). Other methods do not use it.
    pub sigma: f32,
    /// tIoU from which the hard and the linear rule act. The Gaussian rule does not use it.
    pub iou_threshold: f32,
    /// Candidates whose score falls below this are dropped.
    pub min_score: f32,
    /// Each class by itself (true), or all classes together (false).
    pub per_class: bool,
    /// At most this many detections per recording.
    pub max_detections: usize,
    /// At most this many detections per class (only with `per_class`); null means `max_detections`.
    pub max_per_class: Option<usize>,
    /// Moves the ends of what is left to the weighted mean of the candidates that overlap it. Null switches it off; it
    /// acts only on all classes together (`per_class: false`).
    pub voting: Option<VotingConfig>,
}

/// The rule of suppression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuppressionMethod {
    /// Scores decay by exp(−tIoU²/σ) (Soft-NMS).
    Gaussian,
    /// Scores decay by 1 − tIoU from `iou_threshold` on (Soft-NMS).
    Linear,
    /// What overlaps by `iou_threshold` or more is dropped (NMS).
    Hard,
    /// Nothing is suppressed and nothing is capped.
    None,
}

/// Voting: the ends of a detection become a weighted mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VotingConfig {
    /// Candidates vote where their tIoU with the detection is at least this.
    pub iou_threshold: f32,
    /// What a vote weighs.
    pub weight: VotingWeight,
}

/// What a vote weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VotingWeight {
    /// The candidate's score (TriDet, CLTDR-GMG).
    Score,
    /// The candidate's score times its tIoU with the detection (ActionFormer, TemporalMaxer).
    ScoreIou,
}

/// How detections are compared with the ground truth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvaluationConfig {
    /// tIoU thresholds; the reported average is the mean over them.
    pub tiou_thresholds: Vec<f64>,
    /// Whose rules decide the details.
    pub dialect: EvaluationDialect,
    /// Name of a class whose annotations mark where it is unclear what happens (THUMOS14: `Ambiguous`). It has no average
    /// precision; a false positive that overlaps one of its annotations does not count. Null: it is a class like others.
    #[serde(default)]
    pub ambiguous_class: Option<String>,
    /// Ids of recordings that do not count, such as videos that can no longer be had.
    #[serde(default)]
    pub blocked: Vec<String>,
}

/// Whose rules decide the details of mAP; published numbers depend on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EvaluationDialect {
    /// The official ActivityNet evaluator, also BackTAL: every annotation counts, a predicted class that the ground truth
    /// lacks is an error, subset names are compared exactly.
    ActivityNet,
    /// ActionFormer, TemporalMaxer: duplicate annotations (same label, both ends within 1 ms) and those shorter than 1 ms are
    /// dropped; the id of a predicted class that the ground truth lacks may collide with another class.
    ActionFormer,
    /// TriDet and the released CLTDR-GMG: duplicate annotations (same label, both ends within 1 ms) and empty ones are
    /// dropped; the id of a predicted class that the ground truth lacks may collide with another class.
    TriDet,
    /// OpenTAD: the same removal, classes that the ground truth lacks are ignored, the union is at least 1e-8 s, subset names
    /// are compared exactly.
    OpenTad,
    /// Our recommendation: the rules of OpenTAD, subset names without regard to case, ties broken by the order of the input.
    Clean,
}

impl EvaluationDialect {
    /// All dialects, our recommendation last.
    pub const ALL: [Self; 5] = [
        Self::ActivityNet,
        Self::ActionFormer,
        Self::TriDet,
        Self::OpenTad,
        Self::Clean,
    ];

    /// The name as it stands in configurations and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::ActivityNet => "activitynet",
            Self::ActionFormer => "actionformer",
            Self::TriDet => "tridet",
            Self::OpenTad => "opentad",
            Self::Clean => "clean",
        }
    }

    /// Whether a detection of a class without any annotation ends the evaluation with an error.
    pub fn refuses_unknown_classes(self) -> bool {
        self == Self::ActivityNet
    }

    /// Whether the subset `found` in a file is the `wanted` one: the ActivityNet evaluator and OpenTAD compare exactly, the
    /// others without regard to case.
    pub fn matches_subset(self, wanted: &str, found: &str) -> bool {
        match self {
            Self::ActivityNet | Self::OpenTad => wanted == found,
            Self::ActionFormer | Self::TriDet | Self::Clean => {
                wanted.to_lowercase() == found.to_lowercase()
            }
        }
    }
}

impl std::fmt::Display for EvaluationDialect {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

impl std::str::FromStr for EvaluationDialect {
    type Err = UnknownDialect;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|dialect| dialect.name() == name)
            .ok_or_else(|| UnknownDialect {
                name: name.to_owned(),
            })
    }
}

/// A name that no dialect has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown dialect {name:?}, must be one of activitynet, actionformer, tridet, opentad and clean"
)]
pub struct UnknownDialect {
    /// The name.
    pub name: String,
}

impl InferenceConfig {
    pub(super) fn check(&self, check: &mut Check<'_>) {
        check.within("pre_nms_thresh", self.pre_nms_thresh, 0.0..=1.0);
        check.at_least("pre_nms_topk", self.pre_nms_topk, 1);
        check.not_negative("duration_thresh", self.duration_thresh);
        check.section("suppression", |check| self.suppression.check(check));
        if let Some(scores) = &self.external_scores {
            check.section("external_scores", |check| scores.check(check));
        }
        check.at_least("batch_size", self.batch_size, 1);
    }
}

impl SuppressionConfig {
    fn check(&self, check: &mut Check<'_>) {
        check.positive("sigma", self.sigma);
        check.within("iou_threshold", self.iou_threshold, 0.0..=1.0);
        check.within("min_score", self.min_score, 0.0..=1.0);
        check.at_least("max_detections", self.max_detections, 1);
        if let Some(max_per_class) = self.max_per_class {
            check.at_least("max_per_class", max_per_class, 1);
        }
        if let Some(voting) = &self.voting {
            check.section("voting", |check| {
                check.within("iou_threshold", voting.iou_threshold, 0.0..=1.0);
            });
        }
    }
}

impl EvaluationConfig {
    pub(super) fn check(&self, check: &mut Check<'_>) {
        check.not_empty("tiou_thresholds", self.tiou_thresholds.len());
        for (index, threshold) in self.tiou_thresholds.iter().enumerate() {
            check.within(&format!("tiou_thresholds[{index}]"), *threshold, 0.0..=1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dialects_are_written_by_their_names() {
        for dialect in EvaluationDialect::ALL {
            assert_eq!(dialect.to_string().parse(), Ok(dialect));
            let json = serde_json::to_value(dialect).unwrap();
            assert_eq!(json, dialect.name());
        }
        let error = "TriDet".parse::<EvaluationDialect>().unwrap_err();
        assert!(error.to_string().contains("one of activitynet, "));
        assert!(
            EvaluationDialect::ALL
                .iter()
                .all(|d| error.to_string().contains(d.name()))
        );
    }

    #[test]
    fn two_dialects_compare_subsets_exactly() {
        for dialect in EvaluationDialect::ALL {
            assert!(dialect.matches_subset("Test", "Test"));
            assert!(!dialect.matches_subset("test", "testing"));
            let exact = matches!(
                dialect,
                EvaluationDialect::ActivityNet | EvaluationDialect::OpenTad
            );
            assert_eq!(dialect.matches_subset("test", "Test"), !exact);
        }
    }
}
