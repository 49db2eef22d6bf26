//! From logits to detections, and the evaluation of detections.

use serde::{Deserialize, Serialize};

use super::check::Check;
use super::class_scores::ClassScoresConfig;
use super::precision::Precision;

sections! {
    /// Selection and suppression of candidates.
    #[serde(default)]
    pub struct InferenceConfig {
        /// Probability above which a pair of class and point becomes a candidate.
        pub pre_nms_thresh: f32 = 0.001,
        /// Largest number of candidates per level of the pyramid, most probable first.
        pub pre_nms_topk: usize = 2000,
        /// Length that a candidate must exceed, in grid units.
        pub duration_thresh: f32 = 0.05,
        /// Factors by which a recording is stretched in time (above 1: slower), as by `dataset.augmentation.scale`. The
        /// detections at all factors are fused as `tal ensemble` does; `[1]` looks at the recording as it is.
        pub scales: Vec<f64> = vec![1.0],
        /// Smallest tIoU of detections at several factors that count as the same.
        pub fusion_iou: f64 = 0.5,
        /// Suppression of overlapping candidates.
        pub suppression: SuppressionConfig = SuppressionConfig::default(),
        /// Scores of whole recordings that give class-agnostic detections their classes; null: detections keep the classes
        /// of the network.
        pub external_scores: Option<ClassScoresConfig> = None,
        /// Precision of the network's products.
        pub precision: Precision = Precision::Float32,
        /// Number of recordings of equal padded length that an evaluation runs through the network together; results agree
        /// up to rounding. More than 1 pays on CUDA, not on the CPU. `tal predict` takes one recording at a time.
        pub batch_size: usize = 1,
    }

    /// Suppression of overlapping candidates.
    pub struct SuppressionConfig {
        /// The rule that lowers or drops the scores of overlapping candidates.
        pub method: SuppressionMethod = SuppressionMethod::Gaussian,
        /// Width σ of the Gaussian rule, which multiplies a score by exp(−tIoU²/σ). Not used by other methods.
        pub sigma: f32 = 0.5,
        /// tIoU from which on the hard and the linear rule act. Not used by the Gaussian rule.
        pub iou_threshold: f32 = 0.1,
        /// Score below which candidates are dropped.
        pub min_score: f32 = 0.001,
        /// Suppresses each class by itself (true), or all classes together (false).
        pub per_class: bool = true,
        /// Largest number of detections per recording.
        pub max_detections: usize = 2000,
        /// Largest number of detections per class (only with `per_class`); null: `max_detections`.
        pub max_per_class: Option<usize> = None,
        /// Moves the ends of each remaining detection to the weighted mean of the candidates that overlap it; null switches
        /// it off. Acts only on all classes together (`per_class: false`).
        pub voting: Option<VotingConfig> = None,
    }

    /// The rule of suppression.
    pub enum SuppressionMethod {
        /// Scores decay by exp(−tIoU²/σ) (Soft-NMS).
        Gaussian,
        /// Scores decay by 1 − tIoU if tIoU reaches `iou_threshold` (Soft-NMS).
        Linear,
        /// Candidates whose tIoU reaches `iou_threshold` are dropped (NMS).
        Hard,
        /// Nothing is suppressed and nothing is capped.
        None,
    }

    /// Voting: the ends of a detection become a weighted mean.
    #[derive(Copy)]
    pub struct VotingConfig {
        /// Smallest tIoU with the detection of a candidate that votes.
        pub iou_threshold: f32,
        /// Weight of a vote.
        pub weight: VotingWeight,
    }

    /// Weight of a vote.
    pub enum VotingWeight {
        /// The candidate's score (TriDet, CLTDR-GMG).
        Score,
        /// The candidate's score times its tIoU with the detection (ActionFormer, TemporalMaxer).
        ScoreIou,
    }

    /// Comparison of detections with the ground truth.
    #[serde(default)]
    pub struct EvaluationConfig {
        /// tIoU thresholds; the reported average is the mean over them.
        pub tiou_thresholds: Vec<f64> = vec![0.3, 0.4, 0.5, 0.6, 0.7],
        /// The rules that decide the details.
        pub dialect: EvaluationDialect = EvaluationDialect::TriDet,
        /// Name of a class whose annotations mark unclear stretches (THUMOS14: `Ambiguous`). It has no average precision,
        /// and a false positive that overlaps one of its annotations does not count. Null: no class is special.
        pub ambiguous_class: Option<String> = None,
        /// Ids of recordings that are left out, such as videos that are no longer available.
        pub blocked: Vec<String> = Vec::new(),
    }
}

/// The rules that decide the details of mAP; published numbers depend on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum EvaluationDialect {
    /// The official ActivityNet evaluator, also used by BackTAL: every annotation counts, a predicted class that the ground
    /// truth lacks is an error, subset names are compared exactly.
    ActivityNet,
    /// ActionFormer, TemporalMaxer: duplicate annotations (same label, both ends within 1 ms) and those shorter than 1 ms are
    /// dropped; the id of a predicted class that the ground truth lacks may collide with another class.
    ActionFormer,
    /// TriDet and the released CLTDR-GMG: duplicate annotations (same label, both ends within 1 ms) and empty ones are
    /// dropped; the id of a predicted class that the ground truth lacks may collide with another class.
    TriDet,
    /// OpenTAD: drops the same annotations as `tridet`, ignores classes that the ground truth lacks, bounds the union below
    /// by 1e-8 s, and compares subset names exactly.
    OpenTad,
    /// Our recommendation: the rules of OpenTAD, but subset names without regard to case and ties broken by the order of the
    /// input.
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

    /// The name, as configurations and results spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ActivityNet => "activitynet",
            Self::ActionFormer => "actionformer",
            Self::TriDet => "tridet",
            Self::OpenTad => "opentad",
            Self::Clean => "clean",
        }
    }

    /// Whether a detection of a class without annotations is an error.
    pub fn refuses_unknown_classes(self) -> bool {
        self == Self::ActivityNet
    }

    /// Whether the subset `found` in a file is the `wanted` one. The ActivityNet evaluator and OpenTAD compare exactly, the
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
            .ok_or_else(|| UnknownDialect(name.to_owned()))
    }
}

/// A name that no dialect has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown dialect {0:?}, must be one of activitynet, actionformer, tridet, opentad and clean"
)]
pub struct UnknownDialect(pub String);

impl InferenceConfig {
    /// Whether recordings are also looked at in another tempo.
    pub fn has_scales(&self) -> bool {
        self.scales != [1.0]
    }

    pub(super) fn check(&self, check: &mut Check<'_>) {
        check.within("pre_nms_thresh", self.pre_nms_thresh, 0.0..=1.0);
        check.at_least("pre_nms_topk", self.pre_nms_topk, 1);
        check.not_negative("duration_thresh", self.duration_thresh);
        check.not_empty("scales", self.scales.len());
        for (index, scale) in self.scales.iter().enumerate() {
            check.within(&format!("scales[{index}]"), *scale, 0.1..=10.0);
        }
        check.require(
            self.fusion_iou > 0.0 && self.fusion_iou <= 1.0,
            "fusion_iou",
            self.fusion_iou,
            "above 0 and at most 1",
        );
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
