//! From a feature pyramid to logits and offsets.

use tal_core::config::{BoundaryInput, DecoderConfig};
use tal_core::nn::FeaturePyramid;
use tch::nn;

use crate::error::DecoderError;
use crate::fusion::{Clff, CrossLevel};
use crate::heads::{
    ClassificationHead, RefinementHead, RefinementOutput, RegressionHead, TowerConfig,
};
use crate::output::{BoundaryOutput, DecoderOutput, LevelOutput, RefinementRule, TridentOutput};

/// The decoder with cross-layer task decoupling and refinement.
///
/// Three features are fused from neighbouring levels: one for classification and one for regression ([`CrossLevel`]) and one
/// for refinement ([`Clff`]). The heads share their weights over the levels. The start and end heads of trident regression
/// read the pyramid itself, without a gradient to it, or the regression feature, as configured.
///
/// Without fusion and refinement these are the heads of TriDet, and with plain regression those of ActionFormer and
/// TemporalMaxer.
///
/// # Shapes
/// A pyramid of L levels (B, D, T_l) to a [`DecoderOutput`] of L levels.
///
/// # Source
/// Section C of the method's specification.
#[derive(Debug)]
pub struct Decoder {
    /// Feature for classification; none where the head reads the level itself.
    pub dcm: Option<CrossLevel>,
    /// Feature for regression; none where the head reads the level itself.
    pub drm: Option<CrossLevel>,
    /// Feature for refinement; none where nothing is refined.
    pub clff: Option<Clff>,
    /// Class logits.
    pub classification: ClassificationHead,
    /// Start and end heads; none where distances are regressed themselves.
    pub trident: Option<TridentHeads>,
    /// Trident bins, or distances.
    pub regression: RegressionHead,
    /// Refinement; none where nothing is refined.
    pub refinement: Option<RefinementHead>,
    rule: RefinementRule,
}

/// The heads that trident regression adds.
#[derive(Debug)]
pub struct TridentHeads {
    /// Logits of starts.
    pub start: ClassificationHead,
    /// Logits of ends.
    pub end: ClassificationHead,
    input: BoundaryInput,
}

impl Decoder {
    /// Variables of all parts below `path`, for D = `dim` channels of the pyramid.
    ///
    /// `empty_classes` are ids without any example; they start with a probability of 1e-6.
    ///
    /// # Errors
    /// Where a size is 0, a kernel even, an empty class is none of the classes, or the number of levels is not the
    /// configuration's.
    pub fn new(
        path: &nn::Path<'_>,
        dim: usize,
        num_classes: usize,
        empty_classes: &[u32],
        num_levels: usize,
        config: &DecoderConfig,
    ) -> Result<Self, DecoderError> {
        check(dim, num_classes, empty_classes, num_levels, config)?;
        let head = &config.head;
        let tower = |kernel_size: usize| TowerConfig {
            in_channels: dim,
            dim: head.dim,
            num_blocks: head.num_layers - 1,
            kernel_size,
            norm: head.norm,
        };
        let logits = |name: &str, kernel_size: usize| {
            ClassificationHead::new(
                &(path / name),
                tower(kernel_size),
                num_classes,
                head.cls_prior_prob,
                empty_classes,
            )
        };
        let refinement = &config.refinement;
        let is_refined = refinement.is_active();
        Ok(Self {
            classification: logits("classification", head.kernel_size),
            trident: config.trident.as_ref().map(|trident| TridentHeads {
                start: logits("start", head.boundary_kernel_size),
                end: logits("end", head.boundary_kernel_size),
                input: trident.boundary_input,
            }),
            regression: RegressionHead::new(
                &(path / "regression"),
                tower(head.kernel_size),
                config
                    .trident
                    .as_ref()
                    .map_or(1, |trident| trident.num_bins + 1),
                num_levels,
            ),
            dcm: CrossLevel::new(&(path / "dcm"), dim, &config.dcm),
            drm: CrossLevel::new(&(path / "drm"), dim, &config.drm),
            clff: is_refined.then(|| Clff::new(&(path / "clff"), dim, &config.clff)),
            refinement: is_refined.then(|| {
                RefinementHead::new(
                    &(path / "refinement"),
                    tower(head.kernel_size),
                    refinement,
                    num_classes,
                    num_levels,
                )
            }),
            rule: RefinementRule {
                score: refinement.score,
                offset_unit: refinement.offset_unit,
            },
        })
    }

    /// Logits and offsets of all levels.
    ///
    /// # Shapes
    /// L levels of (B, D, T_l), T_l = T_0 / 2^l.
    ///
    /// # Panics
    /// Where the pyramid has other channels, levels or lengths.
    pub fn forward(&self, pyramid: &FeaturePyramid) -> DecoderOutput {
        let cls = self.dcm.as_ref().map(|dcm| dcm.forward(pyramid));
        let reg = self.drm.as_ref().map(|drm| drm.forward(pyramid));
        let refine = self.clff.as_ref().map(|clff| clff.forward(pyramid));
        let cls = cls.as_ref().unwrap_or(pyramid);
        let reg = reg.as_ref().unwrap_or(pyramid);

        let levels = pyramid.levels.iter().enumerate().map(|(l, level)| {
            let mask = &level.mask;
            let features = &reg.levels[l].features;
            let regressed = self.regression.forward(l, features, mask);
            let boundaries = match &self.trident {
                None => BoundaryOutput::Distances(regressed),
                Some(heads) => {
                    let input = match heads.input {
                        BoundaryInput::Neck => level.features.detach(),
                        BoundaryInput::Regression => features.shallow_clone(),
                    };
                    BoundaryOutput::Trident(TridentOutput {
                        offset_bins: regressed,
                        start_logits: heads.start.forward(&input, mask),
                        end_logits: heads.end.forward(&input, mask),
                    })
                }
            };
            let refined = match (&self.refinement, &refine) {
                (Some(head), Some(refine)) => head.forward(&refine.levels[l].features, mask),
                _ => RefinementOutput::default(),
            };
            LevelOutput {
                mask: mask.shallow_clone(),
                cls_logits: self.classification.forward(&cls.levels[l].features, mask),
                boundaries,
                refine_cls: refined.cls,
                refine_start: refined.start,
                refine_end: refined.end,
            }
        });
        DecoderOutput {
            levels: levels.collect(),
            refinement: self.rule,
        }
    }
}

fn check(
    dim: usize,
    num_classes: usize,
    empty_classes: &[u32],
    num_levels: usize,
    config: &DecoderConfig,
) -> Result<(), DecoderError> {
    let sizes = [
        ("the number of channels", dim),
        ("the number of classes", num_classes),
        ("the number of levels", num_levels),
        ("head.dim", config.head.dim),
        ("head.num_layers", config.head.num_layers),
        (
            "trident.num_bins",
            config
                .trident
                .as_ref()
                .map_or(1, |trident| trident.num_bins),
        ),
    ];
    if let Some((name, _)) = sizes.into_iter().find(|(_, size)| *size == 0) {
        return Err(DecoderError::ZeroSize { name });
    }
    let kernels = [
        ("head.kernel_size", config.head.kernel_size),
        (
            "head.boundary_kernel_size",
            config.head.boundary_kernel_size,
        ),
        (
            "refinement.offset_kernel_size",
            config.refinement.offset_kernel_size,
        ),
    ];
    if let Some((field, value)) = kernels.into_iter().find(|(_, kernel)| kernel % 2 == 0) {
        return Err(DecoderError::EvenKernel { field, value });
    }
    if config.regression_range.len() != num_levels {
        return Err(DecoderError::Levels {
            ranges: config.regression_range.len(),
            num_levels,
        });
    }
    let prior = config.head.cls_prior_prob;
    if !(prior > 0.0 && prior < 1.0) {
        return Err(DecoderError::Prior { value: prior });
    }
    match empty_classes
        .iter()
        .find(|class| **class as usize >= num_classes)
    {
        Some(&class) => Err(DecoderError::EmptyClass { class, num_classes }),
        None => Ok(()),
    }
}
