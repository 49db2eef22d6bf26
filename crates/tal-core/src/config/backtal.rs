//! BackTAL: a localizer that learns from labels of whole recordings and background clicks.

use std::path::PathBuf;

use super::check::Check;

sections! {
    /// BackTAL: a localizer that learns from the classes of whole recordings and from frames that an annotator clicked as
    /// background. If this section is set, `encoder`, `decoder`, `loss`, `dataset.max_seq_len`, `dataset.truncation` and
    /// `inference` (except `external_scores`, `precision` and `batch_size`) are not used. The presets `backtal_thumos14`
    /// (its values are in the table), `backtal_activitynet12` and `backtal_hacs` set it.
    pub struct BackTalConfig {
        /// Snippets T that the features of every recording are resampled to.
        pub num_snippets: usize = 750,
        /// Background clicks: a file, or a folder of archives in the released layout; `${NAME}` and relative paths as in
        /// `dataset.annotations`. Null learns from the labels of recordings alone.
        pub clicks: Option<PathBuf> = None,
        /// Channels of the affinity convolutions.
        pub dim: usize = 2048,
        /// Channels of the hidden layers of foreground filter and embedding.
        pub hidden_dim: usize = 512,
        /// Channels of the embedding.
        pub embedding_dim: usize = 32,
        /// Similarity that each input of the affinity convolution is multiplied by.
        pub affinity: AffinityLayout = AffinityLayout::PerTap,
        /// Probability that training drops a value before the classifier.
        pub dropout: f64 = 0.7,
        /// Share ρ of the snippets, best first, whose mean is a recording's score for a class.
        pub topk_ratio: f64 = 0.125,
        /// Weights and margins of the losses.
        pub loss: BackTalLossConfig = BackTalLossConfig::default(),
        /// From class activation sequences to detections, which start and end at frames of the recording (see
        /// `dataset.fps`).
        pub proposals: ProposalConfig = ProposalConfig::default(),
    }

    /// Similarity that each input of the affinity convolution is multiplied by.
    pub enum AffinityLayout {
        /// Each tap by the similarity between its snippet and the middle one, as in the paper.
        PerTap,
        /// The authors' public code, needed for its checkpoints: at every tap, the first third of the input's channels by the
        /// similarity with the previous snippet, the last third by that with the next snippet, the others by 1.
        Released,
    }

    /// Weights and margins of the losses. The cross-entropies of the two recording scores have weight 1.
    pub struct BackTalLossConfig {
        /// Weight of the L1 norm of the foreground weights.
        pub norm_weight: f64 = 0.0001,
        /// Weight of the cross-entropy at clicked snippets.
        pub click_weight: f64 = 1.0,
        /// Weight of the score separation.
        pub separation_weight: f64 = 1.0,
        /// Share of the snippets, best first, whose mean is the foreground score of the score separation.
        pub separation_topk_ratio: f64 = 0.125,
        /// Weight of the affinity loss of the embedding.
        pub embedding_weight: f64 = 0.8,
        /// Smallest similarity that two snippets of one kind should have.
        pub similar_min: f64 = 0.5,
        /// Largest similarity that an action snippet and a background snippet should have.
        pub different_max: f64 = 0.1,
    }

    /// From class activation sequences to detections.
    pub struct ProposalConfig {
        /// Smallest recording score of a class that is looked for.
        pub class_threshold: f32 = 0.25,
        /// Thresholds on the curve of a class, which lies between 0 and 1.
        pub curve_thresholds: ThresholdRange = thresholds(0.0, 0.225, 0.025),
        /// Thresholds on the norm of the first layer's features, between 0 and 1; null makes no such proposals.
        pub norm_thresholds: Option<ThresholdRange> = Some(thresholds(0.3, 0.75, 0.075)),
        /// Length λ of the stretch on either side that a proposal is compared with, relative to the proposal's length.
        pub outer_ratio: f64 = 0.25,
        /// Weight γ of the recording score in the score of a proposal.
        pub recording_weight: f32 = 0.2,
        /// Share of its length that a proposal loses at either end.
        pub shrink: f64 = 0.0,
        /// Score of a proposal that covers the whole recording; null makes none.
        pub whole_recording_score: Option<f32> = None,
        /// tIoU with a better proposal of the same class from which on a proposal is dropped.
        pub iou_threshold: f64 = 0.55,
        /// Adds 1 (second) to lengths and intersections in suppression, as the authors' public code does.
        pub add_one: bool = true,
    }

    /// Evenly spaced thresholds: `first`, `first + step`, … up to `last`.
    #[derive(Copy)]
    pub struct ThresholdRange {
        /// Smallest threshold.
        pub first: f64,
        /// Upper bound of the thresholds.
        pub last: f64,
        /// Distance between neighbouring thresholds.
        pub step: f64,
    }
}

fn thresholds(first: f64, last: f64, step: f64) -> ThresholdRange {
    ThresholdRange { first, last, step }
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
