//! The decoder: a feature pyramid in, logits and offsets out.

use tal_core::config::{BoundaryInput, DecoderConfig};
use tal_core::nn::{FeaturePyramid, PackedLayout};
use tch::nn;

use crate::cross_level::{Clff, CrossLevel};
use crate::error::DecoderError;
use crate::heads::{
    ClassificationHead, Positions, RefinementHead, RefinementOutput, RegressionHead, TowerConfig,
};
use crate::lazy_map::LazyMap;
use crate::output::{BoundaryOutput, DecoderOutput, RefinementRule, TridentOutput};

/// Decoder with cross-layer task decoupling and refinement.
///
/// Neighbouring levels are fused into three features: one for classification and one for regression ([`CrossLevel`]), and one
/// for refinement ([`Clff`]). All levels share the weights of the heads. The start and end heads of trident regression read
/// either the pyramid itself, without a gradient to it, or the regression feature.
///
/// Without fusion and refinement, these are the heads of TriDet; with plain regression in addition, those of ActionFormer and
/// TemporalMaxer.
///
/// # Shapes
/// A pyramid of L levels (B, D, T_l) to a [`DecoderOutput`] of all levels.
///
/// # Source
/// The authors' public code.
#[derive(Debug)]
pub struct Decoder {
    /// Feature for classification; `None` if the head reads the level itself.
    pub dcm: Option<CrossLevel>,
    /// Feature for regression; `None` if the head reads the level itself.
    pub drm: Option<CrossLevel>,
    /// Feature for refinement; `None` if nothing is refined.
    pub clff: Option<Clff>,
    /// Class logits.
    pub classification: ClassificationHead,
    /// Expectations over bins; `None` if distances are regressed directly.
    pub trident: Option<TridentHeads>,
    /// Trident bins, or distances.
    pub regression: RegressionHead,
    /// Refinement; `None` if nothing is refined.
    pub refinement: Option<RefinementHead>,
    rule: RefinementRule,
    /// Positions that the kernels of the heads reach to either side.
    reach: usize,
}

/// Trident regression: boundaries as expectations over bins.
#[derive(Debug)]
pub struct TridentHeads {
    /// Logits of starts and ends; `None` if the bins of a point depend on the point alone.
    pub boundaries: Option<BoundaryHeads>,
}

/// Heads that give every point and class a logit of a start and of an end.
#[derive(Debug)]
pub struct BoundaryHeads {
    /// Logits of starts.
    pub start: ClassificationHead,
    /// Logits of ends.
    pub end: ClassificationHead,
    /// Whether they read the neck, without gradient, in place of the regression feature.
    reads_neck: bool,
}

impl Decoder {
    /// Decoder for a pyramid of `num_levels` levels with D = `dim` channels; its variables are named below `path`.
    ///
    /// `empty_classes` are ids of classes without examples; these start with a probability of 1e-6.
    ///
    /// # Errors
    /// If a size is 0, if an empty class is not one of the classes, or if a value of the configuration is out of range for
    /// this number of levels.
    pub fn new(
        path: &nn::Path<'_>,
        dim: usize,
        num_classes: usize,
        empty_classes: &[u32],
        num_levels: usize,
        config: &DecoderConfig,
    ) -> Result<Self, DecoderError> {
        config.validate(num_levels)?;
        DecoderError::check_sizes(dim, num_classes)?;
        let mut empty = empty_classes.iter().copied();
        if let Some(class) = empty.find(|class| *class as usize >= num_classes) {
            return Err(DecoderError::EmptyClass { class, num_classes });
        }
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
        let (refinement, trident) = (&config.refinement, config.trident.as_ref());
        let is_refined = refinement.is_active();
        Ok(Self {
            classification: logits("classification", head.kernel_size),
            trident: trident.map(|trident| TridentHeads {
                boundaries: (trident.boundary_input != BoundaryInput::None).then(|| {
                    BoundaryHeads {
                        start: logits("start", head.boundary_kernel_size),
                        end: logits("end", head.boundary_kernel_size),
                        reads_neck: trident.boundary_input == BoundaryInput::Neck,
                    }
                }),
            }),
            regression: RegressionHead::new(
                &(path / "regression"),
                tower(head.kernel_size),
                trident.map_or(1, |trident| trident.num_bins + 1),
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
            reach: head
                .kernel_size
                .max(head.boundary_kernel_size)
                .max(refinement.offset_kernel_size)
                / 2,
        })
    }

    /// Logits and offsets of all levels.
    ///
    /// The heads run over the valid positions of all levels at once. Fusion by attention runs over whole levels, because its
    /// means include the padding.
    ///
    /// # Shapes
    /// L levels of (B, D, T_l), T_l = T_0 / 2^l.
    ///
    /// # Panics
    /// If the pyramid has other channels, levels or lengths.
    pub fn forward(&self, pyramid: &FeaturePyramid) -> DecoderOutput {
        self.forward_packed(pyramid, PackedLayout::new(pyramid, self.reach))
    }

    /// [`Decoder::forward`] at the positions that a layout keeps.
    fn forward_packed(&self, pyramid: &FeaturePyramid, layout: PackedLayout) -> DecoderOutput {
        let first = &pyramid.levels[0].features;
        let positions = Positions::new(&layout, first.kind(), first.device());
        let pack = |pyramid: &FeaturePyramid| {
            let levels = pyramid.levels.iter().map(|l| l.features.shallow_clone());
            layout.pack(&levels.collect::<Vec<_>>())
        };
        let fused = |fusion: &Option<CrossLevel>| match fusion {
            Some(fusion) => pack(&fusion.forward(pyramid)),
            None => pack(pyramid),
        };
        let cls_logits = self.classification.forward(&fused(&self.dcm), &positions);
        let regression = fused(&self.drm);
        let regressed = self.regression.forward(&regression, &positions, &layout);
        let boundaries = match &self.trident {
            None => BoundaryOutput::Distances(regressed),
            Some(TridentHeads { boundaries: None }) => {
                let zeros = || LazyMap::from(regressed.narrow(1, 0, 1).zeros_like());
                BoundaryOutput::Trident(TridentOutput {
                    start_logits: zeros(),
                    end_logits: zeros(),
                    offset_bins: regressed,
                })
            }
            Some(TridentHeads {
                boundaries: Some(heads),
            }) => {
                let input = match heads.reads_neck {
                    true => pack(pyramid).detach(),
                    false => regression,
                };
                BoundaryOutput::Trident(TridentOutput {
                    offset_bins: regressed,
                    start_logits: heads.start.forward_map(&input, &positions),
                    end_logits: heads.end.forward_map(&input, &positions),
                })
            }
        };
        let refined = match (&self.refinement, &self.clff) {
            (Some(head), Some(clff)) => {
                let input = layout.pack(&clff.forward_kept(pyramid, &layout));
                head.forward(&input, &positions)
            }
            _ => RefinementOutput::default(),
        };
        DecoderOutput {
            mask: positions.valid,
            cls_logits,
            boundaries,
            refine_cls: refined.cls,
            refine_start: refined.start,
            refine_end: refined.end,
            layout,
            refinement: self.rule,
        }
    }
}

#[cfg(test)]
mod tests {
    use tal_core::nn::PyramidLevel;
    use tch::nn::VarStore;
    use tch::{Device, Kind, Tensor};

    use super::*;

    const FILE: &str = "dataset:
  annotations: annotations.json
  features: {dir: features, format: {type: npy}}
  num_classes: 3
  input_dim: 8
  feat_stride: 1
  num_frames: 1
  max_seq_len: 64
encoder: {dim: 16, num_levels: 3}
decoder:
  regression_range: [[0, 4], [4, 8], [8, 10000]]
  head: {dim: 8}
  trident: {num_bins: 4}
";

    /// Random features everywhere, even in the padding.
    fn pyramid() -> FeaturePyramid {
        let level = |(len, lens): (i64, [usize; 2])| {
            let features = Tensor::randn([2, 16, len], (Kind::Double, Device::Cpu));
            PyramidLevel::new(features, lens.to_vec())
        };
        FeaturePyramid {
            levels: [(32, [9, 14]), (16, [5, 7]), (8, [3, 4])].map(level).into(),
        }
    }

    #[test]
    fn leaving_out_padding_changes_nothing() {
        tch::manual_seed(4);
        for preset in ["released", "paper"] {
            let text = format!("preset: {preset}\n{FILE}");
            let config = tal_config::from_yaml(&text, "test", "/".as_ref(), &[]).unwrap();
            let mut vs = VarStore::new(Device::Cpu);
            let decoder = Decoder::new(&vs.root(), 16, 3, &[], 3, &config.decoder).unwrap();
            vs.double();
            tch::no_grad(|| {
                for mut variable in vs.trainable_variables() {
                    let _ = variable.g_add_(&(variable.randn_like() * 0.3));
                }
            });
            let pyramid = pyramid();
            let maps = |layout: PackedLayout| -> Vec<Tensor> {
                let output = decoder.forward_packed(&pyramid, layout);
                let levels = output.levels().into_iter();
                levels
                    .flat_map(|level| {
                        let BoundaryOutput::Trident(trident) = level.boundaries else {
                            panic!("the presets have trident heads");
                        };
                        let refined = [level.refine_cls, level.refine_start, level.refine_end];
                        let maps = [
                            level.cls_logits,
                            trident.offset_bins,
                            trident.start_logits,
                            trident.end_logits,
                        ];
                        maps.into_iter().chain(refined.into_iter().flatten())
                    })
                    .collect()
            };
            let layout = |margin: usize, keep_all: bool| {
                let mut layout = PackedLayout::new(&pyramid, margin);
                if keep_all {
                    let places = layout.levels.iter();
                    let full = places.map(|place| (place.full_len, vec![place.full_len; 2]));
                    let full = PackedLayout::from_lens(full.collect::<Vec<_>>(), margin);
                    let lens = layout.levels.into_iter().map(|place| place.lens);
                    layout = full;
                    for (place, lens) in layout.levels.iter_mut().zip(lens) {
                        place.lens = lens;
                    }
                }
                layout
            };
            assert_eq!(decoder.reach, 3);
            let whole = maps(layout(3, true));
            let largest = |maps: Vec<Tensor>| {
                let differences = maps.iter().zip(&whole).map(|(map, whole)| {
                    assert_eq!(map.size(), whole.size());
                    (map - whole).abs().max().double_value(&[])
                });
                differences.fold(0.0, f64::max)
            };
            let kept = largest(maps(layout(3, false)));
            assert!(kept < 1e-12, "{preset}: {kept}");
            // The widest kernel sees a margin that is one position short.
            let short = largest(maps(layout(2, false)));
            assert!(short > 1e-6, "{preset}: {short}");
        }
    }
}
