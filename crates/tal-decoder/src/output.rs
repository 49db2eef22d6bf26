//! Answers of the heads, level by level or packed.

use tal_core::PointGrid;
use tal_core::config::{OffsetUnit, RefinedScore};
use tal_core::nn::PackedLayout;
use tch::{Kind, Tensor};

use crate::error::DecoderError;
use crate::lazy_map::LazyMap;

/// Meaning of the refinement's answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefinementRule {
    /// Formula of a refined score.
    pub score: RefinedScore,
    /// Unit of a boundary offset.
    pub offset_unit: OffsetUnit,
}

/// Boundaries before refinement: on one level, or on all levels packed, with maps per class of type M.
#[derive(Debug)]
pub enum BoundaryOutput<M = Tensor> {
    /// (B, 2, T_l) distances of at least zero, the same for every class; the left side first.
    ///
    /// # Units
    /// Strides of the level.
    Distances(Tensor),
    /// Logits whose expectations over bins are the distances.
    Trident(TridentOutput<M>),
}

/// Logits of trident regression.
///
/// # Shapes
/// As in [`LevelOutput`].
#[derive(Debug)]
pub struct TridentOutput<M = Tensor> {
    /// (B, 2(N + 1), T_l) addends of the bins, of at least zero; the left side first.
    pub offset_bins: Tensor,
    /// (B, K, T_l) logits of starts.
    pub start_logits: M,
    /// (B, K, T_l) logits of ends.
    pub end_logits: M,
}

/// Answers of the heads on one level.
///
/// # Shapes
/// B batch, K classes, N bins beside the zero bin, T_l points of the level. All values at padded points are zero.
#[derive(Debug)]
pub struct LevelOutput {
    /// Boolean (B, 1, T_l): true at valid points, which stand before the padding.
    pub mask: Tensor,
    /// (B, K, T_l) class logits before refinement.
    pub cls_logits: Tensor,
    /// Boundaries before refinement.
    pub boundaries: BoundaryOutput,
    /// (B, K, T_l) class logits of the refinement; `None` if class scores are not refined.
    pub refine_cls: Option<Tensor>,
    /// (B, K or 1, T_l) offsets of starts in the unit of [`RefinementRule::offset_unit`]; `None` if boundaries are not
    /// refined.
    pub refine_start: Option<Tensor>,
    /// (B, K or 1, T_l) offsets of ends.
    pub refine_end: Option<Tensor>,
}

/// Answers of the heads on all levels, packed into one tensor per answer.
///
/// # Shapes
/// As in [`LevelOutput`], with the S positions of the layout instead of T_l. All values at padded positions and between
/// levels are zero.
#[derive(Debug)]
pub struct DecoderOutput {
    /// Places of the levels.
    pub layout: PackedLayout,
    /// Boolean (B, 1, S): true at valid points.
    pub mask: Tensor,
    /// (B, K, S) class logits before refinement.
    pub cls_logits: Tensor,
    /// Boundaries before refinement.
    pub boundaries: BoundaryOutput<LazyMap>,
    /// (B, K, S) class logits of the refinement; `None` if class scores are not refined.
    pub refine_cls: Option<Tensor>,
    /// (B, K or 1, S) offsets of starts; `None` if boundaries are not refined.
    pub refine_start: Option<LazyMap>,
    /// (B, K or 1, S) offsets of ends.
    pub refine_end: Option<LazyMap>,
    /// Meaning of the refinement's answers.
    pub refinement: RefinementRule,
}

impl LevelOutput {
    /// Mask and answers by name, in a fixed order.
    fn answers(&self) -> [(&'static str, Option<&Tensor>); 9] {
        let (distances, trident) = match &self.boundaries {
            BoundaryOutput::Distances(distances) => (Some(distances), None),
            BoundaryOutput::Trident(trident) => (None, Some(trident)),
        };
        [
            ("mask", Some(&self.mask)),
            ("cls_logits", Some(&self.cls_logits)),
            ("distances", distances),
            ("offset_bins", trident.map(|t| &t.offset_bins)),
            ("start_logits", trident.map(|t| &t.start_logits)),
            ("end_logits", trident.map(|t| &t.end_logits)),
            ("refine_cls", self.refine_cls.as_ref()),
            ("refine_start", self.refine_start.as_ref()),
            ("refine_end", self.refine_end.as_ref()),
        ]
    }

    /// Checks that a level gives the answers of `first`, level 0, in the documented shapes.
    fn check(&self, level: usize, first: &LevelOutput) -> Result<(), DecoderError> {
        let dim = |tensor: &Tensor, axis: usize| tensor.size().get(axis).copied().unwrap_or(0);
        let (logits, len) = (&first.cls_logits, dim(&self.mask, 2));
        for ((answer, found), (_, like)) in self.answers().into_iter().zip(first.answers()) {
            let channels = |like: &Tensor| match answer {
                "mask" => 1,
                "distances" => 2,
                "offset_bins" | "refine_start" | "refine_end" => dim(like, 1),
                _ => dim(logits, 1),
            };
            let expected = like.map(|like| vec![dim(logits, 0), channels(like), len]);
            let found = found.map(Tensor::size);
            if found != expected {
                return Err(DecoderError::Answer {
                    answer,
                    level,
                    found: found.unwrap_or_default(),
                    expected: expected.unwrap_or_default(),
                });
            }
        }
        Ok(())
    }
}

impl<M> BoundaryOutput<M> {
    /// The same answers, each replaced by what a function makes of it.
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
    /// Packs the answers of heads, level 0 first.
    ///
    /// # Errors
    /// If there is no level, if a level lacks an answer of level 0, or if an answer has another shape than [`LevelOutput`]
    /// says.
    pub fn from_levels(
        levels: &[LevelOutput],
        refinement: RefinementRule,
    ) -> Result<DecoderOutput, DecoderError> {
        let first = levels.first().ok_or(DecoderError::ZeroSize("levels"))?;
        for (number, level) in levels.iter().enumerate() {
            level.check(number, first)?;
        }
        let places = levels.iter().map(|level| {
            let dims = [1i64, 2];
            let counts = level
                .mask
                .sum_dim_intlist(dims.as_slice(), false, Kind::Int64);
            let lens = (0..counts.size()[0]).map(|sample| counts.int64_value(&[sample]) as usize);
            (level.mask.size()[2] as usize, lens.collect())
        });
        let layout = PackedLayout::from_lens(places, 0);
        let pack = |wanted: &str| {
            let answers = levels.iter().flat_map(LevelOutput::answers);
            let answers = answers.filter(|(name, _)| *name == wanted);
            let answers = answers.filter_map(|(_, answer)| answer.map(Tensor::shallow_clone));
            layout.pack(&answers.collect::<Vec<_>>())
        };
        let refined = |answer: &Option<Tensor>, name| answer.as_ref().map(|_| pack(name));
        Ok(DecoderOutput {
            mask: layout.mask(first.cls_logits.device()),
            cls_logits: pack("cls_logits"),
            boundaries: match &first.boundaries {
                BoundaryOutput::Distances(_) => BoundaryOutput::Distances(pack("distances")),
                BoundaryOutput::Trident(_) => BoundaryOutput::Trident(TridentOutput {
                    offset_bins: pack("offset_bins"),
                    start_logits: pack("start_logits").into(),
                    end_logits: pack("end_logits").into(),
                }),
            },
            refine_cls: refined(&first.refine_cls, "refine_cls"),
            refine_start: refined(&first.refine_start, "refine_start").map(LazyMap::from),
            refine_end: refined(&first.refine_end, "refine_end").map(LazyMap::from),
            layout,
            refinement,
        })
    }

    /// Answers of every level at all its points, level 0 first.
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

    /// Logits of the final class scores: [`refined_logits`] if class scores are refined, else `cls_logits`.
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

    /// Checks that `grid` belongs to this output.
    ///
    /// # Panics
    /// If levels or their lengths differ.
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
            // If both probabilities round to 1, the logit ends at about 69 instead of infinity.
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
    use tch::{Device, Kind};

    /// A level of 2 samples, 3 classes and `len` points.
    fn level(len: i64) -> LevelOutput {
        let zeros = |channels: i64| Tensor::zeros([2, channels, len], (Kind::Float, Device::Cpu));
        LevelOutput {
            mask: zeros(1).eq(0.0),
            cls_logits: zeros(3),
            boundaries: BoundaryOutput::Distances(zeros(2)),
            refine_cls: Some(zeros(3)),
            refine_start: Some(zeros(1)),
            refine_end: Some(zeros(1)),
        }
    }

    #[test]
    fn answers_that_do_not_fit_are_refused() {
        let rule = RefinementRule {
            score: RefinedScore::LogitProduct,
            offset_unit: OffsetUnit::Grid,
        };
        let message = |change: fn(&mut LevelOutput)| {
            let mut levels = [level(4), level(2)];
            change(&mut levels[1]);
            let error = DecoderOutput::from_levels(&levels, rule).unwrap_err();
            error.to_string()
        };
        assert!(DecoderOutput::from_levels(&[level(4), level(2)], rule).is_ok());
        assert_eq!(
            DecoderOutput::from_levels(&[], rule).unwrap_err(),
            DecoderError::ZeroSize("levels")
        );
        assert_eq!(
            message(|level| level.cls_logits = level.cls_logits.narrow(1, 0, 2)),
            "cls_logits of level 1 has the shape [2, 2, 2], must have [2, 3, 2]"
        );
        assert_eq!(
            message(|level| level.refine_end = None),
            "refine_end of level 1 has the shape [], must have [2, 1, 2]"
        );
        assert!(
            message(|level| level.mask = level.mask.squeeze_dim(1)).starts_with("mask of level 1")
        );
        assert!(
            message(|level| {
                level.boundaries = BoundaryOutput::Trident(TridentOutput {
                    offset_bins: level.cls_logits.shallow_clone(),
                    start_logits: level.cls_logits.shallow_clone(),
                    end_logits: level.cls_logits.shallow_clone(),
                });
            })
            .starts_with("distances of level 1 has the shape []")
        );
    }

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
