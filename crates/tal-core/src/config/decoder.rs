//! The decoder with cross-layer task decoupling and refinement.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Check;
use super::encoder::EncoderConfig;

/// Cross-layer fusion, heads and refinement: a pyramid in, logits and offsets out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecoderConfig {
    /// Per level the distances (from a point to the further end of an action, both bounds inclusive, grid units) that the
    /// level is responsible for.
    pub regression_range: Vec<[f32; 2]>,
    /// Feature of the classification head, made from a level and the coarser one (DCM).
    pub dcm: CrossLevelConfig,
    /// Feature of the regression head, made from a level and the finer one (DRM).
    pub drm: CrossLevelConfig,
    /// The towers that all heads share the shape of.
    pub head: HeadConfig,
    /// How boundaries are regressed.
    pub trident: TridentConfig,
    /// Refinement of scores and boundaries from three neighbouring levels (CLFF).
    pub refinement: RefinementConfig,
}

/// How a task's feature is fused from neighbouring levels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CrossLevelConfig {
    /// Fuse at all; without, the head reads the level itself.
    pub enabled: bool,
    /// Which levels are fused: `all` that have the neighbour (released) or only those with both neighbours (paper).
    pub levels: FusedLevels,
}

/// Which levels are fused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FusedLevels {
    /// All levels that have the neighbour.
    All,
    /// Only levels with a finer and a coarser neighbour.
    Intermediate,
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
    /// Kernel of the start and end heads (odd).
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
    /// Refine boundaries.
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

impl DecoderConfig {
    pub(super) fn check(&self, encoder: &EncoderConfig, check: &mut Check<'_>) {
        check.require(
            self.regression_range.len() == encoder.num_levels,
            "regression_range",
            format!("{} ranges", self.regression_range.len()),
            format!("one range per level ({})", encoder.num_levels),
        );
        for (level, [low, high]) in self.regression_range.iter().enumerate() {
            check.require(
                *low >= 0.0 && low < high,
                &format!("regression_range[{level}]"),
                format!("[{low}, {high}]"),
                "two distances in ascending order, the first at least 0",
            );
        }
        check.section("head", |check| {
            check.at_least("dim", self.head.dim, 1);
            check.at_least("num_layers", self.head.num_layers, 1);
            check.odd("kernel_size", self.head.kernel_size);
            check.odd("boundary_kernel_size", self.head.boundary_kernel_size);
            check.open_unit("cls_prior_prob", self.head.cls_prior_prob);
        });
        check.section("trident", |check| {
            check.at_least("num_bins", self.trident.num_bins, 1);
        });
        check.section("refinement", |check| {
            check.odd("offset_kernel_size", self.refinement.offset_kernel_size);
        });
    }
}
