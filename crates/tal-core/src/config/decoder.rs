//! The decoder with cross-layer task decoupling and refinement.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Check;

/// Cross-layer fusion, heads and refinement: a pyramid in, logits and offsets out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecoderConfig {
    /// Per level the distances (from a point to the further end of an action, both bounds inclusive, grid units) that the
    /// level is responsible for.
    pub regression_range: Vec<[f32; 2]>,
    /// Feature of the classification head, made from a level and its neighbours (DCM).
    pub dcm: CrossLevelConfig,
    /// Feature of the regression head, made from a level and its neighbours (DRM).
    pub drm: CrossLevelConfig,
    /// Feature of the refinement head, made from a level and both neighbours (CLFF).
    pub clff: ClffConfig,
    /// The towers that all heads share the shape of.
    pub head: HeadConfig,
    /// Boundaries as expectations over bins. Null regresses the two distances themselves, the same for all classes
    /// (ActionFormer, TemporalMaxer); there are no start and end heads then.
    pub trident: Option<TridentConfig>,
    /// Refinement of scores and boundaries.
    pub refinement: RefinementConfig,
}

/// How a task's feature is fused from neighbouring levels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CrossLevelConfig {
    /// Which neighbours are fused into a level; with `none` the head reads the level itself.
    pub neighbors: Neighbors,
    /// How a neighbour enters. Not used where `neighbors` is `none`.
    pub fusion: Fusion,
    /// Which levels are fused: `all` that have one of the neighbours (released) or only those with a finer and a coarser
    /// level (paper). Others pass on unchanged.
    pub levels: FusedLevels,
}

/// Which neighbouring levels are fused into a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Neighbors {
    /// None.
    None,
    /// The next coarser level, doubled in length by a transposed convolution.
    Coarser,
    /// The next finer level, halved in length by a convolution.
    Finer,
    /// Both, as far as a level has them.
    Both,
}

impl Neighbors {
    /// Whether the coarser level is one of them.
    pub fn has_coarser(self) -> bool {
        matches!(self, Neighbors::Coarser | Neighbors::Both)
    }

    /// Whether the finer level is one of them.
    pub fn has_finer(self) -> bool {
        matches!(self, Neighbors::Finer | Neighbors::Both)
    }
}

/// How a neighbour, brought to the level's length, enters the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fusion {
    /// Added, weighted per channel by a gate from the mean over time of both.
    Attention,
    /// Added.
    Addition,
    /// Stacked along the channels with the level, then a 1×1 convolution. A neighbour that a level lacks is zero.
    Concatenation,
}

/// How the refinement's feature is fused from neighbouring levels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClffConfig {
    /// Which levels are fused: `all`, each with the neighbours that it has (released), or only those with both (paper).
    pub levels: FusedLevels,
    /// Halve the finer level with a depth-wise convolution (paper) instead of a full one (released).
    pub depthwise: bool,
}

/// Which levels are fused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FusedLevels {
    /// All levels that have one of the neighbours.
    All,
    /// Only levels with a finer and a coarser neighbour.
    Intermediate,
}

impl FusedLevels {
    /// Levels that a pyramid needs for this to fuse anything.
    fn least_num_levels(self) -> usize {
        match self {
            FusedLevels::All => 2,
            FusedLevels::Intermediate => 3,
        }
    }
}

/// The towers: convolution, channel layer norm and ReLU, repeated, then one convolution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeadConfig {
    /// Width H.
    pub dim: usize,
    /// Convolutions of a head, the last one included.
    pub num_layers: usize,
    /// Kernel of the classification, regression and refinement heads (odd).
    pub kernel_size: usize,
    /// Kernel of the start and end heads (odd). Not used without `trident`.
    pub boundary_kernel_size: usize,
    /// Channel layer norms in the towers; their convolutions then have no bias.
    pub norm: bool,
    /// Probability that a class starts with (bias of the classification, start and end heads).
    pub cls_prior_prob: f64,
}

/// Trident regression: the distance to a boundary is the expectation over bins of neighbouring boundary logits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TridentConfig {
    /// Bins K besides the zero bin; distances reach K strides.
    pub num_bins: usize,
    /// What the start and end heads read: `neck` without gradient (released) or the `regression` feature (paper).
    pub boundary_input: BoundaryInput,
}

/// What the start and end heads read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BoundaryInput {
    /// The neck's feature, gradient stopped.
    Neck,
    /// The fused regression feature.
    Regression,
}

/// Refinement of scores and boundaries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefinementConfig {
    /// Refine class scores.
    pub classification: bool,
    /// Refine boundaries. The offsets are added to the distances of either regression head.
    pub regression: bool,
    /// How a refined score is made: `logit_product` (released) or `probability_root`, the root of the product of two
    /// probabilities (paper).
    pub score: RefinedScore,
    /// One boundary offset per class (released) or one for all classes (paper).
    pub per_class_offsets: bool,
    /// Unit of a boundary offset: `grid` units (released) or the level's `stride` (paper).
    pub offset_unit: OffsetUnit,
    /// Kernel of the two offset convolutions (odd).
    pub offset_kernel_size: usize,
    /// One tower for scores and another for offsets (paper) instead of one for both (released).
    pub separate_towers: bool,
    /// Carry the per-level scales that released checkpoints contain and nothing uses.
    pub unused_scales: bool,
}

/// How a refined score is made from the head's logit a and the refinement's logit q.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefinedScore {
    /// σ(a · q)
    LogitProduct,
    /// √(σ(a) · σ(q))
    ProbabilityRoot,
}

/// Unit of a boundary offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OffsetUnit {
    /// Features of level 0.
    Grid,
    /// The level's stride.
    Stride,
}

impl RefinementConfig {
    /// Whether anything is refined.
    pub fn is_active(&self) -> bool {
        self.classification || self.regression
    }
}

impl DecoderConfig {
    pub(super) fn check(&self, num_levels: usize, check: &mut Check<'_>) {
        check.require(
            self.regression_range.len() == num_levels,
            "regression_range",
            format!("{} ranges", self.regression_range.len()),
            format!("one range per level ({num_levels})"),
        );
        for (level, [low, high]) in self.regression_range.iter().enumerate() {
            check.require(
                *low >= 0.0 && low < high,
                &format!("regression_range[{level}]"),
                format!("[{low}, {high}]"),
                "two distances in ascending order, the first at least 0",
            );
        }
        for (name, config) in [("dcm", &self.dcm), ("drm", &self.drm)] {
            if config.neighbors != Neighbors::None {
                check_levels(name, config.levels, num_levels, check);
            }
        }
        if self.refinement.is_active() {
            check_levels("clff", self.clff.levels, num_levels, check);
        }
        check.section("head", |check| {
            check.at_least("dim", self.head.dim, 1);
            check.at_least("num_layers", self.head.num_layers, 1);
            check.odd("kernel_size", self.head.kernel_size);
            check.odd("boundary_kernel_size", self.head.boundary_kernel_size);
            check.open_unit("cls_prior_prob", self.head.cls_prior_prob);
        });
        if let Some(trident) = &self.trident {
            check.section("trident", |check| {
                check.at_least("num_bins", trident.num_bins, 1);
            });
        }
        check.section("refinement", |check| {
            check.odd("offset_kernel_size", self.refinement.offset_kernel_size);
        });
    }
}

/// A fusion that no level takes part in would have weights that are never trained.
fn check_levels(name: &str, levels: FusedLevels, num_levels: usize, check: &mut Check<'_>) {
    let least = levels.least_num_levels();
    let (value, instead) = match levels {
        FusedLevels::All => ("all", "unused, as no level has a neighbour"),
        FusedLevels::Intermediate => ("intermediate", "all, as no level has two neighbours"),
    };
    check.require(
        num_levels >= least,
        &format!("{name}.levels"),
        value,
        format!("{instead} where encoder.num_levels is {num_levels}"),
    );
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, ConfigError};
    use std::path::Path;

    const FILE: &str = "
dataset:
  annotations: a.json
  features: { dir: features, format: { type: npy } }
  num_classes: 3
  input_dim: 8
  feat_stride: 4
  num_frames: 16
  max_seq_len: 64
";

    fn load(overrides: &[&str]) -> Result<Config, ConfigError> {
        let overrides: Vec<_> = overrides.iter().map(|text| text.to_string()).collect();
        Config::from_yaml(FILE, "test.yaml", Path::new("/base"), &overrides)
    }

    fn message(overrides: &[&str]) -> String {
        load(overrides).unwrap_err().to_string()
    }

    #[test]
    fn fusions_need_neighbors() {
        let two = [
            "encoder.num_levels=2",
            "decoder.regression_range=[[0,4],[4,9]]",
        ];
        assert!(load(&two).is_ok());
        let text = message(&[&two[..], &["decoder.drm.levels=intermediate"]].concat());
        assert!(
            text.ends_with(
                "decoder.drm.levels is intermediate, must be all, as no level has two neighbours where encoder.num_levels is 2"
            ),
            "{text}"
        );
        let one = ["encoder.num_levels=1", "decoder.regression_range=[[0,9]]"];
        let text = message(&one);
        for part in ["dcm", "drm", "clff"] {
            assert!(
                text.contains(&format!("decoder.{part}.levels is all")),
                "{text}"
            );
        }
        let without = [
            "decoder.dcm.neighbors=none",
            "decoder.drm.neighbors=none",
            "decoder.refinement.classification=false",
            "decoder.refinement.regression=false",
            "loss.refined.weight=0",
        ];
        assert!(load(&[&one[..], &without].concat()).is_ok());
    }

    #[test]
    fn terms_of_the_loss_fit_the_refinement() {
        let none = [
            "decoder.refinement.classification=false",
            "decoder.refinement.regression=false",
        ];
        let text = message(&none);
        assert!(
            text.contains(
                "loss.refined.weight is 0.7, must be 0 where decoder.refinement refines nothing"
            ),
            "{text}"
        );
        let nothing = ["loss.refined.weight=0", "loss.unrefined.weight=0"];
        let text = message(&[&none[..], &nothing].concat());
        assert!(
            text.contains("loss.unrefined.weight is 0, must be above 0"),
            "{text}"
        );
        assert!(load(&[&none[..], &nothing[..1]].concat()).is_ok());
        let text = message(&["loss.refined.weight=0"]);
        assert!(
            text.contains("refines something, which nothing else trains"),
            "{text}"
        );
        let half = [
            "decoder.refinement.regression=false",
            "loss.unrefined.weight=0",
        ];
        assert!(load(&half).is_ok());
    }

    #[test]
    fn an_overlap_as_target_needs_the_varifocal_loss() {
        assert!(load(&["loss.refined.target=iou"]).is_ok());
        let text = message(&["loss.unrefined.target=iou"]);
        assert!(
            text.contains(
                "loss.unrefined.target is iou, must be one_hot where classification is focal"
            ),
            "{text}"
        );
    }

    #[test]
    fn costs_are_checked() {
        let cost = |values: &str| message(&[&format!("loss.assignment.cost={{{values}}}")]);
        let text = cost(
            "classification_weight: 0, regression_weight: 0, keep_percent: 0, confuse_weight: -1",
        );
        for field in [
            "classification_weight is 0, must be above 0",
            "keep_percent is 0, must be above 0 and at most 1",
            "confuse_weight is -1",
        ] {
            assert!(
                text.contains(&format!("loss.assignment.cost.{field}")),
                "{text}"
            );
        }
    }

    #[test]
    fn the_paper_is_laid_over_the_released_preset() {
        let paper = Config::from_yaml(
            &format!("preset: paper\n{FILE}"),
            "test.yaml",
            Path::new("/base"),
            &["decoder.trident.num_bins=8".to_owned()],
        )
        .unwrap();
        let released = load(&["decoder.trident.num_bins=8"]).unwrap();
        assert_eq!(paper.decoder.head, released.decoder.head);
        assert_ne!(paper.decoder.clff, released.decoder.clff);
        assert_eq!(paper.loss.unrefined.weight, 0.0);
        assert_eq!(paper.train, released.train);
    }
}
