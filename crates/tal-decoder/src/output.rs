//! What the heads answer.

use tal_core::PointGrid;
use tal_core::config::{OffsetUnit, RefinedScore};
use tal_core::nn::PackedLayout;
use tch::{Kind, Tensor};

use crate::lazy_map::LazyMap;

/// How the refinement's outputs are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefinementRule {
    /// How a refined score is made.
    pub score: RefinedScore,
    /// Unit of a boundary offset.
    pub offset_unit: OffsetUnit,
}

/// Where the boundaries are before refinement; on one level, or on all levels packed, with maps per class of type M.
#[derive(Debug)]
pub enum BoundaryOutput<M = Tensor> {
    /// (B, 2, T_l) distances in strides, of at least zero and the same for every class; the left side first.
    Distances(Tensor),
    /// Expectations over bins.
    Trident(TridentOutput<M>),
}

/// What trident regression reads.
///
/// # Shapes
/// As in [`LevelOutput`].
#[derive(Debug)]
pub struct TridentOutput<M = Tensor> {
    /// (B, 2(N + 1), T_l) what every bin adds, of at least zero; the left side first.
    pub offset_bins: Tensor,
    /// (B, K, T_l) logits of starts.
    pub start_logits: M,
    /// (B, K, T_l) logits of ends.
    pub end_logits: M,
}

/// What the heads answer on one level.
///
/// # Shapes
/// B batch, K classes, N bins besides the zero bin, T_l points of the level. All values at padded points are zero.
#[derive(Debug)]
pub struct LevelOutput {
    /// Boolean (B, 1, T_l): which points are no padding; they stand before the others.
    pub mask: Tensor,
    /// (B, K, T_l) class logits before refinement.
    pub cls_logits: Tensor,
    /// Where the boundaries are before refinement.
    pub boundaries: BoundaryOutput,
    /// (B, K, T_l) class logits of the refinement; none where class scores are not refined.
    pub refine_cls: Option<Tensor>,
    /// (B, K or 1, T_l) offset of the start, in the unit of [`RefinementRule::offset_unit`]; none where boundaries are
    /// not refined.
    pub refine_start: Option<Tensor>,
    /// (B, K or 1, T_l) offset of the end.
    pub refine_end: Option<Tensor>,
}

/// What the heads answer on all levels, packed into one tensor per answer.
///
/// # Shapes
/// As in [`LevelOutput`] with the S positions of the layout in place of T_l. All values at padded positions and between
/// levels are zero.
#[derive(Debug)]
pub struct DecoderOutput {
    /// Where the levels stand.
    pub layout: PackedLayout,
    /// Boolean (B, 1, S): which positions are valid points.
    pub mask: Tensor,
    /// (B, K, S) class logits before refinement.
    pub cls_logits: Tensor,
    /// Where the boundaries are before refinement.
    pub boundaries: BoundaryOutput<LazyMap>,
    /// (B, K, S) class logits of the refinement; none where class scores are not refined.
    pub refine_cls: Option<Tensor>,
    /// (B, K or 1, S) offset of the start; none where boundaries are not refined.
    pub refine_start: Option<LazyMap>,
    /// (B, K or 1, S) offset of the end.
    pub refine_end: Option<LazyMap>,
    /// How the refinement's outputs are read.
    pub refinement: RefinementRule,
}

impl<M> BoundaryOutput<M> {
    /// The same with every answer changed.
    pub(crate) fn map<N>(
        &self,
        tensor: impl Fn(&Tensor) -> Tensor,
        map: impl Fn(&M) -> N,
    ) -> BoundaryOutput<N> {
        match self {
            BoundaryOutput::Distances(distances) => BoundaryOutput::Distances(tensor(distances)),
            BoundaryOutput::Trident(trident) => BoundaryOutput::Trident(TridentOutput {
                offset_bins: tensor(&trident.offset_bins),
                start_logits: map(&trident.start_logits),
                end_logits: map(&trident.end_logits),
            }),
        }
    }
}

impl DecoderOutput {
    /// Packs what heads answered level by level, level 0 first.
    ///
    /// # Panics
    /// Where there is no level, or the levels do not have the same answers.
    pub fn from_levels(levels: &[LevelOutput], refinement: RefinementRule) -> DecoderOutput {
        let first = levels.first().expect("a decoder has levels");
        let places = levels.iter().map(|level| {
            let counts = level
                .mask
                .sum_dim_intlist([1i64, 2].as_slice(), false, Kind::Int64);
            let lens = (0..counts.size()[0]).map(|sample| counts.int64_value(&[sample]) as usize);
            (level.mask.size()[2] as usize, lens.collect())
        });
        let layout = PackedLayout::from_lens(places, 0);
        let pack = |answer: &dyn Fn(&LevelOutput) -> Tensor| {
            let answers: Vec<Tensor> = levels.iter().map(answer).collect();
            layout.pack(&answers)
        };
        let optional = |answer: fn(&LevelOutput) -> &Option<Tensor>| {
            answer(first).as_ref().map(|_| {
                pack(&|level| {
                    let answer = answer(level).as_ref();
                    answer
                        .expect("all levels have the same answers")
                        .shallow_clone()
                })
            })
        };
        let trident =
            |level: &LevelOutput, answer: fn(&TridentOutput) -> &Tensor| match &level.boundaries {
                BoundaryOutput::Trident(trident) => answer(trident).shallow_clone(),
                BoundaryOutput::Distances(_) => panic!("all levels have the same answers"),
            };
        DecoderOutput {
            mask: layout.mask(first.cls_logits.device()),
            cls_logits: pack(&|level| level.cls_logits.shallow_clone()),
            boundaries: match &first.boundaries {
                BoundaryOutput::Distances(_) => {
                    BoundaryOutput::Distances(pack(&|level| match &level.boundaries {
                        BoundaryOutput::Distances(distances) => distances.shallow_clone(),
                        BoundaryOutput::Trident(_) => panic!("all levels have the same answers"),
                    }))
                }
                BoundaryOutput::Trident(_) => BoundaryOutput::Trident(TridentOutput {
                    offset_bins: pack(&|level| trident(level, |t| &t.offset_bins)),
                    start_logits: pack(&|level| trident(level, |t| &t.start_logits)).into(),
                    end_logits: pack(&|level| trident(level, |t| &t.end_logits)).into(),
                }),
            },
            refine_cls: optional(|level| &level.refine_cls),
            refine_start: optional(|level| &level.refine_start).map(LazyMap::from),
            refine_end: optional(|level| &level.refine_end).map(LazyMap::from),
            layout,
            refinement,
        }
    }

    /// The answers of every level at all its points, level 0 first.
    pub fn levels(&self) -> Vec<LevelOutput> {
        let boundaries = self.boundaries.map(Tensor::shallow_clone, LazyMap::whole);
        let refine_start = self.refine_start.as_ref().map(LazyMap::whole);
        let refine_end = self.refine_end.as_ref().map(LazyMap::whole);
        (0..self.layout.num_levels())
            .map(|l| {
                let unpack = |packed: &Tensor| self.layout.unpack(packed, l);
                LevelOutput {
                    mask: unpack(&self.mask),
                    cls_logits: unpack(&self.cls_logits),
                    boundaries: boundaries.map(unpack, unpack),
                    refine_cls: self.refine_cls.as_ref().map(unpack),
                    refine_start: refine_start.as_ref().map(unpack),
                    refine_end: refine_end.as_ref().map(unpack),
                }
            })
            .collect()
    }

    /// Number B of samples.
    pub fn batch_size(&self) -> i64 {
        self.cls_logits.size()[0]
    }

    /// Number K of classes.
    pub fn num_classes(&self) -> i64 {
        self.cls_logits.size()[1]
    }

    /// Logits of the final class scores: [`refined_logits`] where class scores are refined, else `cls_logits`.
    ///
    /// # Shapes
    /// (B, K, S)
    pub fn final_logits(&self) -> Tensor {
        match &self.refine_cls {
            Some(refine) => refined_logits(&self.cls_logits, refine, self.refinement.score),
            None => self.cls_logits.shallow_clone(),
        }
    }

    /// Whether the boundaries of a point are the same for every class, before refinement or after it.
    pub(crate) fn is_class_agnostic(&self, refined: bool) -> bool {
        let per_class_offset = |map: &Option<LazyMap>| {
            refined && map.as_ref().is_some_and(|map| map.num_channels() > 1)
        };
        matches!(self.boundaries, BoundaryOutput::Distances(_))
            && !per_class_offset(&self.refine_start)
            && !per_class_offset(&self.refine_end)
    }

    /// Checks that `grid` is the one of this output.
    ///
    /// # Panics
    /// Where levels or their lengths differ.
    pub(crate) fn assert_grid(&self, grid: &PointGrid) {
        let output: Vec<usize> = self.layout.levels.iter().map(|l| l.full_len).collect();
        let points: Vec<usize> = grid.levels().iter().map(|l| l.len).collect();
        assert_eq!(
            output, points,
            "the decoder's levels and the point grid have different lengths"
        );
    }
}

/// Logits of refined class scores from the head's logits a and the refinement's logits q.
///
/// Released: `a · q`, so that the score is σ(a · q). Paper, equation 10: the logit of `√(σ(a) · σ(q))`, computed from
/// log-probabilities as `ln p − ln(1 − p)` with `ln p = ½(ln σ(a) + ln σ(q))`.
///
/// # Shapes
/// All of one shape.
pub fn refined_logits(cls: &Tensor, refine: &Tensor, score: RefinedScore) -> Tensor {
    match score {
        RefinedScore::LogitProduct => cls * refine,
        RefinedScore::ProbabilityRoot => {
            // Where both probabilities round to 1, the logit ends at about 69 instead of infinity.
            let log_p = ((cls.log_sigmoid() + refine.log_sigmoid()) * 0.5).clamp_max(-1e-30);
            let log_rest = log_p.expm1().neg().log();
            log_p - log_rest
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use tch::Kind;

    #[test]
    fn the_root_has_the_probability_of_the_paper() {
        let a = Tensor::from_slice(&[-4.6f64, 0.0, 3.0, 1.0]);
        let q = Tensor::from_slice(&[0.0f64, 0.0, -2.0, 1.0]);
        let p = refined_logits(&a, &q, RefinedScore::ProbabilityRoot).sigmoid();
        let expected = (a.sigmoid() * q.sigmoid()).sqrt();
        assert_relative_eq!(
            (p - expected).abs().max().double_value(&[]),
            0.0,
            epsilon = 1e-14
        );
    }

    #[test]
    fn the_root_is_finite_with_its_gradient_for_any_logits() {
        let a = Tensor::from_slice(&[-90f32, 90.0, 200.0, -200.0, 0.0]).set_requires_grad(true);
        let q = Tensor::from_slice(&[-90f32, 90.0, 200.0, 200.0, 30.0]);
        let logits = refined_logits(&a, &q, RefinedScore::ProbabilityRoot);
        let grad = Tensor::run_backward(&[logits.sum(Kind::Float)], &[&a], false, false).remove(0);
        assert!(bool::try_from(logits.isfinite().all()).unwrap());
        assert!(bool::try_from(grad.isfinite().all()).unwrap());
        assert_relative_eq!(logits.double_value(&[0]), -90.0, epsilon = 1e-3);
        assert_relative_eq!(logits.double_value(&[3]), -100.0, epsilon = 1e-3);
    }

    #[test]
    fn two_negative_logits_make_a_positive_product() {
        let a = Tensor::from_slice(&[-2f32, 2.0]);
        let q = Tensor::from_slice(&[-3f32, 0.0]);
        let product = refined_logits(&a, &q, RefinedScore::LogitProduct);
        assert_eq!(Vec::<f32>::try_from(product).unwrap(), [6.0, 0.0]);
    }
}
