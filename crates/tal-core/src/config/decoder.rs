//! The decoder with cross-level task decoupling and refinement.

use super::check::Check;

sections! {
    /// Cross-level fusion, heads and refinement: a pyramid in, logits and offsets out.
    pub struct DecoderConfig {
        /// Distances that each level is responsible for, measured from a point to the farther end of an action; both bounds
        /// are inclusive, in grid units.
        pub regression_range: Vec<[f32; 2]> = vec![[0.0, 4.0], [4.0, 8.0], [8.0, 16.0], [16.0, 32.0], [32.0, 64.0], [64.0, 1e4]],
        /// Feature of the classification head, fused from a level and its neighbours (DCM).
        pub dcm: CrossLevelConfig = fused_with(Neighbors::Coarser),
        /// Feature of the regression head, fused from a level and its neighbours (DRM).
        pub drm: CrossLevelConfig = fused_with(Neighbors::Finer),
        /// Feature of the refinement head, fused from a level and both neighbours (CLFF).
        pub clff: ClffConfig = ClffConfig::default(),
        /// Shape of the towers, the same for all heads.
        pub head: HeadConfig = HeadConfig::default(),
        /// Boundaries as expectations over bins. Null regresses the two distances themselves, the same for all classes
        /// (ActionFormer, TemporalMaxer); there are no start and end heads then.
        pub trident: Option<TridentConfig> = Some(TridentConfig::default()),
        /// Refinement of scores and boundaries.
        pub refinement: RefinementConfig = RefinementConfig::default(),
    }

    /// Fusion of a level with its neighbours for one task.
    pub struct CrossLevelConfig {
        /// Neighbours that are fused into a level; with `none` the head reads the level itself.
        pub neighbors: Neighbors,
        /// The way a neighbour enters the level. Not used if `neighbors` is `none`.
        pub fusion: Fusion,
        /// Levels that are fused: `all` that have one of the neighbours (released), or only those with a finer and a coarser
        /// level (paper). Other levels pass unchanged.
        pub levels: FusedLevels,
    }

    /// Neighbouring levels that are fused into a level.
    pub enum Neighbors {
        /// No neighbour.
        None,
        /// The next coarser level, doubled in length by a transposed convolution.
        Coarser,
        /// The next finer level, halved in length by a convolution.
        Finer,
        /// Both neighbours, or the only one of an outermost level.
        Both,
    }

    /// The way a neighbour, brought to the level's length, enters the level.
    pub enum Fusion {
        /// Added, weighted per channel by a gate that is computed from the mean over time of both.
        Attention,
        /// Added.
        Addition,
        /// Stacked along the channels with the level, then a 1×1 convolution. A missing neighbour is zero.
        Concatenation,
    }

    /// Fusion of a level with both neighbours for the refinement.
    pub struct ClffConfig {
        /// Levels that are fused: `all`, each with the neighbours that it has (released), or only those with both (paper).
        pub levels: FusedLevels = FusedLevels::All,
        /// Halves the finer level with a depth-wise convolution (paper) instead of a full one (released).
        pub depthwise: bool = false,
    }

    /// Levels that are fused.
    pub enum FusedLevels {
        /// All levels that have one of the neighbours.
        All,
        /// Only levels with a finer and a coarser neighbour.
        Intermediate,
    }

    /// The towers: convolution, channel layer norm and ReLU, repeated, then one convolution.
    pub struct HeadConfig {
        /// Width H.
        pub dim: usize = 512,
        /// Number of convolutions of a head, including the last one.
        pub num_layers: usize = 3,
        /// Kernel of the classification, regression and refinement heads (odd).
        pub kernel_size: usize = 3,
        /// Kernel of the start and end heads (odd). Not used without `trident`.
        pub boundary_kernel_size: usize = 3,
        /// Adds channel layer norms to the towers, whose convolutions then have no bias.
        pub norm: bool = true,
        /// Initial probability of a class, set by the bias of the classification, start and end heads.
        pub cls_prior_prob: f64 = 0.01,
    }

    /// Trident regression: the distance to a boundary is the expectation over bins of neighbouring boundary logits.
    pub struct TridentConfig {
        /// Bins K in addition to the zero bin; distances reach K strides.
        pub num_bins: usize = 16,
        /// Input of the start and end heads: `neck` without gradient (released) or the `regression` feature (paper); `none` has
        /// no such heads, so that every point answers with a distribution of its own, the same for all classes.
        pub boundary_input: BoundaryInput = BoundaryInput::Neck,
    }

    /// Input of the start and end heads.
    pub enum BoundaryInput {
        /// The neck's feature; no gradient flows back through it.
        Neck,
        /// The fused regression feature.
        Regression,
        /// No start and end heads.
        None,
    }

    /// Refinement of scores and boundaries.
    pub struct RefinementConfig {
        /// Refines class scores.
        pub classification: bool = true,
        /// Refines boundaries: the offsets are added to the distances of the regression head, with or without `trident`.
        pub regression: bool = true,
        /// Formula of a refined score: `logit_product` (released) or `probability_root`, the root of the product of two
        /// probabilities (paper).
        pub score: RefinedScore = RefinedScore::LogitProduct,
        /// Predicts a boundary offset per class (released) instead of one for all classes (paper).
        pub per_class_offsets: bool = true,
        /// Unit of a boundary offset: `grid` units (released) or the level's `stride` (paper).
        pub offset_unit: OffsetUnit = OffsetUnit::Grid,
        /// Kernel of the two offset convolutions (odd).
        pub offset_kernel_size: usize = 7,
        /// Uses separate towers for scores and offsets (paper) instead of one for both (released).
        pub separate_towers: bool = false,
        /// Keeps the per-level scales that released checkpoints contain and nothing uses.
        pub unused_scales: bool = true,
    }

    /// Formula of a refined score, from the head's logit a and the refinement's logit q.
    pub enum RefinedScore {
        /// σ(a · q)
        LogitProduct,
        /// √(σ(a) · σ(q))
        ProbabilityRoot,
    }

    /// Unit of a boundary offset.
    pub enum OffsetUnit {
        /// Features of level 0.
        Grid,
        /// The level's stride.
        Stride,
    }
}

fn fused_with(neighbors: Neighbors) -> CrossLevelConfig {
    CrossLevelConfig {
        neighbors,
        fusion: Fusion::Attention,
        levels: FusedLevels::All,
    }
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

/// Refuses a fusion that no level takes part in: its weights would never be trained.
fn check_levels(name: &str, levels: FusedLevels, num_levels: usize, check: &mut Check<'_>) {
    let (least, value, instead) = match levels {
        FusedLevels::All => (2, "all", "unused, as no level has a neighbour"),
        FusedLevels::Intermediate => (3, "intermediate", "all, as no level has two neighbours"),
    };
    check.require(
        num_levels >= least,
        &format!("{name}.levels"),
        value,
        format!("{instead} if encoder.num_levels is {num_levels}"),
    );
}
