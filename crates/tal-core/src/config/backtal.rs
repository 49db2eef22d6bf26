//! BackTAL: a localizer that learns from labels of whole recordings and background clicks.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::check::Check;

/// BackTAL: a localizer that learns from the classes of whole recordings and from frames that an annotator clicked as
/// background. If this section is set, `encoder`, `decoder`, `loss`, `dataset.max_seq_len`, `dataset.truncation` and
/// `inference` (except `external_scores`, `precision` and `batch_size`) are not used. The presets `backtal_thumos14` (its
/// values are in the table), `backtal_activitynet12` and `backtal_hacs` set it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// Similarity that each input of the affinity convolution is multiplied by.
    pub affinity: AffinityLayout,
    /// Probability that training drops a value before the classifier.
    pub dropout: f64,
    /// Share ρ of the snippets, best first, whose mean is a recording's score for a class.
    pub topk_ratio: f64,
    /// Weights and margins of the losses.
    pub loss: BackTalLossConfig,
    /// From class activation sequences to detections, which start and end at frames of the recording (see `dataset.fps`).
    pub proposals: ProposalConfig,
}

impl Default for BackTalConfig {
    /// The preset `backtal_thumos14`.
    fn default() -> Self {
        Self {
            num_snippets: 750,
            clicks: None,
            dim: 2048,
            hidden_dim: 512,
            embedding_dim: 32,
            affinity: AffinityLayout::PerTap,
            dropout: 0.7,
            topk_ratio: 0.125,
            loss: BackTalLossConfig::default(),
            proposals: ProposalConfig::default(),
        }
    }
}

/// Similarity that each input of the affinity convolution is multiplied by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AffinityLayout {
    /// Each tap by the similarity between its snippet and the middle one, as in the paper.
    PerTap,
    /// The authors' public code, needed for its checkpoints: at every tap, the first third of the input's channels by the
    /// similarity with the previous snippet, the last third by that with the next snippet, the others by 1.
    Released,
}

/// Weights and margins of the losses. The cross-entropies of the two recording scores have weight 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BackTalLossConfig {
    /// Weight of the L1 norm of the foreground weights.
    pub norm_weight: f64,
    /// Weight of the cross-entropy at clicked snippets.
    pub click_weight: f64,
    /// Weight of the score separation.
    pub separation_weight: f64,
    /// Share of the snippets, best first, whose mean is the foreground score of the score separation.
    pub separation_topk_ratio: f64,
    /// Weight of the affinity loss of the embedding.
    pub embedding_weight: f64,
    /// Smallest similarity that two snippets of one kind should have.
    pub similar_min: f64,
    /// Largest similarity that an action snippet and a background snippet should have.
    pub different_max: f64,
}

impl Default for BackTalLossConfig {
    fn default() -> Self {
        Self {
            norm_weight: 0.0001,
            click_weight: 1.0,
            separation_weight: 1.0,
            separation_topk_ratio: 0.125,
            embedding_weight: 0.8,
            similar_min: 0.5,
            different_max: 0.1,
        }
    }
}

/// From class activation sequences to detections.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProposalConfig {
    /// Smallest recording score of a class that is looked for.
    pub class_threshold: f32,
    /// Thresholds on the curve of a class, which lies between 0 and 1.
    pub curve_thresholds: ThresholdRange,
    /// Thresholds on the norm of the first layer's features, between 0 and 1; null makes no such proposals.
    pub norm_thresholds: Option<ThresholdRange>,
    /// Length λ of the stretch on either side that a proposal is compared with, relative to the proposal's length.
    pub outer_ratio: f64,
    /// Weight γ of the recording score in the score of a proposal.
    pub recording_weight: f32,
    /// Share of its length that a proposal loses at either end.
    pub shrink: f64,
    /// Score of a proposal that covers the whole recording; null makes none.
    pub whole_recording_score: Option<f32>,
    /// tIoU with a better proposal of the same class from which on a proposal is dropped.
    pub iou_threshold: f64,
    /// Adds 1 (second) to lengths and intersections in suppression, as the authors' public code does.
    pub add_one: bool,
}

impl Default for ProposalConfig {
    fn default() -> Self {
        let range = |first, last, step| ThresholdRange { first, last, step };
        Self {
            class_threshold: 0.25,
            curve_thresholds: range(0.0, 0.225, 0.025),
            norm_thresholds: Some(range(0.3, 0.75, 0.075)),
            outer_ratio: 0.25,
            recording_weight: 0.2,
            shrink: 0.0,
            whole_recording_score: None,
            iou_threshold: 0.55,
            add_one: true,
        }
    }
}

/// Evenly spaced thresholds: `first`, `first + step`, … up to `last`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ThresholdRange {
    /// Smallest threshold.
    pub first: f64,
    /// Upper bound of the thresholds.
    pub last: f64,
    /// Distance between neighbouring thresholds.
    pub step: f64,
}

impl ThresholdRange {
    /// The thresholds, ascending.
    pub fn values(&self) -> Vec<f32> {
        // Rounding must not cost the last threshold.
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
        check.below_one("dropout", self.dropout);
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
