//! What the heads answer.

use tal_core::PointGrid;
use tal_core::config::{OffsetUnit, RefinedScore};
use tch::Tensor;

/// How the refinement's outputs are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefinementRule {
    /// How a refined score is made.
    pub score: RefinedScore,
    /// Unit of a boundary offset.
    pub offset_unit: OffsetUnit,
}

/// Where the boundaries of one level are before refinement.
#[derive(Debug)]
pub enum BoundaryOutput {
    /// (B, 2, T_l) distances in strides, of at least zero and the same for every class; the left side first.
    Distances(Tensor),
    /// Expectations over bins.
    Trident(TridentOutput),
}

/// What trident regression reads on one level.
///
/// # Shapes
/// As in [`LevelOutput`].
#[derive(Debug)]
pub struct TridentOutput {
    /// (B, 2(N + 1), T_l) what every bin adds, of at least zero; the left side first.
    pub offset_bins: Tensor,
    /// (B, K, T_l) logits of starts.
    pub start_logits: Tensor,
    /// (B, K, T_l) logits of ends.
    pub end_logits: Tensor,
}

/// What the heads answer on one level.
///
/// # Shapes
/// B batch, K classes, N bins besides the zero bin, T_l points of the level. All values at padded points are zero.
#[derive(Debug)]
pub struct LevelOutput {
    /// Boolean (B, 1, T_l): which points are no padding.
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

/// What the heads answer on all levels.
#[derive(Debug)]
pub struct DecoderOutput {
    /// Level 0 first.
    pub levels: Vec<LevelOutput>,
    /// How the refinement's outputs are read.
    pub refinement: RefinementRule,
}

impl LevelOutput {
    /// Logits of the final class scores: [`refined_logits`] where class scores are refined, else `cls_logits`.
    ///
    /// # Shapes
    /// (B, K, T_l)
    pub fn final_logits(&self, score: RefinedScore) -> Tensor {
        match &self.refine_cls {
            Some(refine) => refined_logits(&self.cls_logits, refine, score),
            None => self.cls_logits.shallow_clone(),
        }
    }

    /// Whether the boundaries of a point are the same for every class, before refinement or after it.
    pub(crate) fn is_class_agnostic(&self, refined: bool) -> bool {
        let per_class_offset =
            |map: &Option<Tensor>| refined && map.as_ref().is_some_and(|map| map.size()[1] > 1);
        matches!(self.boundaries, BoundaryOutput::Distances(_))
            && !per_class_offset(&self.refine_start)
            && !per_class_offset(&self.refine_end)
    }
}

impl DecoderOutput {
    /// Number B of samples.
    pub fn batch_size(&self) -> i64 {
        self.levels[0].cls_logits.size()[0]
    }

    /// Number K of classes.
    pub fn num_classes(&self) -> i64 {
        self.levels[0].cls_logits.size()[1]
    }

    /// One output of all levels along time, level 0 first.
    ///
    /// # Shapes
    /// (B, ·, ΣT_l)
    pub(crate) fn cat<'a>(&'a self, output: impl Fn(&'a LevelOutput) -> &'a Tensor) -> Tensor {
        let levels: Vec<&Tensor> = self.levels.iter().map(output).collect();
        Tensor::cat(&levels, -1)
    }

    /// Checks that `grid` is the one of this output.
    ///
    /// # Panics
    /// Where levels or their lengths differ.
    pub(crate) fn assert_grid(&self, grid: &PointGrid) {
        let output: Vec<i64> = self.levels.iter().map(|l| l.mask.size()[2]).collect();
        let points: Vec<i64> = grid.levels().iter().map(|l| l.len as i64).collect();
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
