//! BackTAL: a localizer from labels of whole recordings and background clicks.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Check;

/// BackTAL: a localizer that learns from the classes of whole recordings and from frames that an annotator clicked as
/// background. Where this section is set, `encoder`, `decoder`, `loss` and `inference` (but for `external_scores`, `precision`
/// and `batch_size`) are not used, and neither are `dataset.max_seq_len` and `dataset.truncation`. It has values of its own in
/// the presets `backtal_thumos14` (those in the table), `backtal_activitynet12` and `backtal_hacs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackTalConfig {
    /// Snippets T that the features of every recording are resampled to.
    pub num_snippets: usize,
    /// Background clicks: a file, or a folder of archives in the released layout; `${NAME}` and relative paths as in
    /// `dataset.annotations`. Null learns from the labels of recordings alone.
    pub clicks: Option<PathBuf>,
    /// Channels of the affinity convolutions.
    pub dim: usize,
    /// Channels of the hidden layers of foreground filter and embedding.
    pub hidden_dim: usize,
    /// Channels of the embedding.
    pub embedding_dim: usize,
    /// Which similarity an input of the affinity convolution is multiplied by.
    pub affinity: AffinityLayout,
    /// Probability with which values before the classifier are dropped in training.
    pub dropout: f64,
    /// Share ρ of the snippets, the highest first, whose mean is a recording's score for a class.
    pub topk_ratio: f64,
    /// Weights and margins of the losses.
    pub loss: BackTalLossConfig,
    /// From class activation sequences to detections, which begin and end at frames of the recording (see `dataset.fps`).
    pub proposals: ProposalConfig,
}

/// Which similarity an input of the affinity convolution is multiplied by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AffinityLayout {
    /// Every tap by the similarity of its snippet and the middle one, as the paper means it.
    PerTap,
    /// The authors' public code: the first third of the input's channels, whatever the tap, by the similarity with the
    /// snippet before, the last third by that with the snippet after, the others by 1. Needed for its checkpoints.
    Released,
}

/// Weights and margins of the losses. The cross-entropies of the two recording scores have weight 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackTalLossConfig {
    /// Weight of the L1 norm of the foreground weights.
    pub norm_weight: f64,
    /// Weight of the cross-entropy at clicked snippets.
    pub click_weight: f64,
    /// Weight of the score separation.
    pub separation_weight: f64,
    /// Share of the snippets, the highest first, whose mean is the foreground score of the score separation.
    pub separation_topk_ratio: f64,
    /// Weight of the affinity loss of the embedding.
    pub embedding_weight: f64,
    /// Two snippets of one kind should be at least this similar.
    pub similar_min: f64,
    /// An action and a background snippet should be at most this similar.
    pub different_max: f64,
}

/// From class activation sequences to detections.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposalConfig {
    /// Classes whose recording score is at least this are looked for.
    pub class_threshold: f32,
    /// Thresholds on the curve of a class, which lies between 0 and 1.
    pub curve_thresholds: ThresholdRange,
    /// Thresholds on the norm of the first layer's features, between 0 and 1; null makes no such proposals.
    pub norm_thresholds: Option<ThresholdRange>,
    /// λ: what is compared with a proposal on either side is this times as long.
    pub outer_ratio: f64,
    /// γ: weight of the recording score in the score of a proposal.
    pub recording_weight: f32,
    /// Share of its length that a proposal loses at either end.
    pub shrink: f64,
    /// Score of a proposal that covers the whole recording; null makes none.
    pub whole_recording_score: Option<f32>,
    /// A proposal is dropped where its tIoU with a better one of its class is at least this.
    pub iou_threshold: f64,
    /// Suppression adds 1 (second) to lengths and intersections, as the authors' public code does.
    pub add_one: bool,
}

/// `first`, `first + step`, … up to `last`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThresholdRange {
    /// The least one.
    pub first: f64,
    /// The greatest one.
    pub last: f64,
    /// Distance of two neighbours.
    pub step: f64,
}

impl ThresholdRange {
    /// The thresholds, ascending.
    pub fn values(&self) -> Vec<f32> {
        // What rounding makes of `last` must not cost the last one.
        let count = ((self.last - self.first) / self.step + 1e-6).floor() as usize + 1;
        (0..count)
            .map(|index| (self.first + index as f64 * self.step) as f32)
            .collect()
    }

    fn check(&self, check: &mut Check<'_>) {
        check.within("first", self.first, 0.0..=1.0);
        check.within("last", self.last, 0.0..=1.0);
        let distance = "at least `first`";
        check.require(self.last >= self.first, "last", self.last, distance);
        check.within("step", self.step, 0.001..=1.0);
    }
}

impl BackTalConfig {
    pub(super) fn check(&self, check: &mut Check<'_>) {
        check.at_least("num_snippets", self.num_snippets, 2);
        check.at_least("dim", self.dim, 1);
        check.at_least("hidden_dim", self.hidden_dim, 1);
        check.at_least("embedding_dim", self.embedding_dim, 1);
        check.require(
            (0.0..1.0).contains(&self.dropout),
            "dropout",
            self.dropout,
            "at least 0 and below 1",
        );
        check.within("topk_ratio", self.topk_ratio, 0.0..=1.0);
        check.section("loss", |check| {
            let loss = &self.loss;
            check.not_negative("norm_weight", loss.norm_weight);
            check.not_negative("click_weight", loss.click_weight);
            check.not_negative("separation_weight", loss.separation_weight);
            let ratio = loss.separation_topk_ratio;
            check.within("separation_topk_ratio", ratio, 0.0..=1.0);
            check.not_negative("embedding_weight", loss.embedding_weight);
            check.within("similar_min", loss.similar_min, -1.0..=1.0);
            check.within("different_max", loss.different_max, -1.0..=1.0);
        });
        check.section("proposals", |check| self.proposals.check(check));
    }
}

impl ProposalConfig {
    fn check(&self, check: &mut Check<'_>) {
        check.within("class_threshold", self.class_threshold, 0.0..=1.0);
        check.section("curve_thresholds", |check| {
            self.curve_thresholds.check(check);
        });
        if let Some(thresholds) = &self.norm_thresholds {
            check.section("norm_thresholds", |check| thresholds.check(check));
        }
        check.not_negative("outer_ratio", self.outer_ratio);
        check.not_negative("recording_weight", self.recording_weight);
        check.require(
            (0.0..0.5).contains(&self.shrink),
            "shrink",
            self.shrink,
            "at least 0 and below 0.5",
        );
        if let Some(score) = self.whole_recording_score {
            check.not_negative("whole_recording_score", score);
        }
        check.within("iou_threshold", self.iou_threshold, 0.0..=1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_reach_the_last_one() {
        let range = |first, last, step| ThresholdRange { first, last, step }.values();
        let curve = range(0.0, 0.225, 0.025);
        assert_eq!(curve.len(), 10);
        assert_eq!((curve[0], curve[9]), (0.0, 0.225));
        assert_eq!(range(0.3, 0.75, 0.075).len(), 7);
        assert_eq!(range(0.5, 0.5, 0.1), [0.5]);
        assert_eq!(range(0.0, 0.24, 0.025).len(), 10);
    }
}
