//! Gradients against finite differences, in float64.

use tal_core::PointGrid;
use tal_core::config::{
    ClffConfig, CrossLevelConfig, FusedLevels, Fusion, Neighbors, OffsetUnit, RefinedScore,
};
use tal_core::nn::{FeaturePyramid, PyramidLevel, named_variables};
use tal_decoder::{
    BoundaryOutput, Clff, Criterion, CrossLevel, Decoder, DecoderOutput, Distances, LevelOutput,
    Pairs, RefinementRule, TridentOutput, assign, decode_boundaries, loss, refine_boundaries,
    refined_logits,
};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

use crate::support::{PLAIN, action, config, grid_of, random_pyramid, single_threaded, trident_of};

const DOUBLE: (Kind, Device) = (Kind::Double, Device::Cpu);

/// Compares the gradient of a fixed weighting of `forward`'s output with central differences, at up to `limit` elements of
/// every input.
fn assert_gradients(inputs: &[Tensor], limit: usize, forward: impl Fn() -> Tensor) {
    const STEP: f64 = 1e-6;
    single_threaded();
    let output = forward();
    assert_eq!(output.kind(), Kind::Double);
    let weights = (Tensor::arange(output.numel() as i64, DOUBLE) * 0.7 + 0.3)
        .sin()
        .view_as(&output);
    let value = |output: Tensor| (output * &weights).sum(None);
    let gradients = Tensor::run_backward(&[value(output)], inputs, false, false);
    for (number, (input, gradient)) in inputs.iter().zip(gradients).enumerate() {
        let gradient = Vec::<f64>::try_from(gradient.reshape([-1])).unwrap();
        let step = gradient.len().div_ceil(limit).max(1);
        for (element, &gradient) in gradient.iter().enumerate().step_by(step) {
            let at = |by: f64| {
                tch::no_grad(|| {
                    let _ = input.view(-1).get(element as i64).g_add_scalar_(by);
                    value(forward()).double_value(&[])
                })
            };
            let above = at(STEP);
            let below = at(-2.0 * STEP);
            at(STEP);
            let expected = (above - below) / (2.0 * STEP);
            assert!(
                (gradient - expected).abs() <= 2e-6 * (1.0 + expected.abs()),
                "input {number}, element {element}: gradient {gradient}, difference quotient {expected}"
            );
        }
    }
}

fn leaf(values: Tensor) -> Tensor {
    values.detach().set_requires_grad(true)
}

fn randn(size: &[i64]) -> Tensor {
    leaf(Tensor::randn(size, DOUBLE))
}

#[test]
fn classification_losses() {
    tch::manual_seed(1);
    let logits = leaf(Tensor::randn([40], DOUBLE) * 3.0);
    let one_hot = Tensor::randn([40], DOUBLE).gt(0.0).to_kind(Kind::Double);
    for targets in [one_hot.shallow_clone(), &one_hot * 0.9 + 0.01] {
        for gamma in [0.5, 1.0, 2.0] {
            assert_gradients(&[logits.shallow_clone()], 40, || {
                loss::focal(&logits, &targets, 0.25, gamma)
            });
            assert_gradients(&[logits.shallow_clone()], 40, || {
                loss::varifocal(&logits, &targets, 0.25, gamma)
            });
        }
    }
}

#[test]
fn regression_losses() {
    tch::manual_seed(2);
    let distances = || leaf(Tensor::rand([30], DOUBLE) * 5.0 + 0.1);
    let predicted = Distances {
        left: distances(),
        right: distances(),
    };
    let target = Distances {
        left: distances(),
        right: distances(),
    };
    let inputs = [
        predicted.left.shallow_clone(),
        predicted.right.shallow_clone(),
    ];
    assert_gradients(&inputs, 30, || loss::iou(&predicted, &target));
    assert_gradients(&inputs, 30, || loss::diou(&predicted, &target));
    assert_gradients(&inputs, 30, || loss::giou(&predicted, &target));
    assert_gradients(&inputs, 30, || loss::iou_loss(&predicted, &target));
    for power in [0.2, 1.0, 1.5] {
        assert_gradients(&inputs, 30, || {
            loss::iou_weight(&loss::iou(&predicted, &target), power)
        });
    }
}

#[test]
fn refined_scores() {
    tch::manual_seed(3);
    let (cls, refine) = (randn(&[20]), randn(&[20]));
    for score in [RefinedScore::LogitProduct, RefinedScore::ProbabilityRoot] {
        assert_gradients(&[cls.shallow_clone(), refine.shallow_clone()], 20, || {
            refined_logits(&cls, &refine, score)
        });
    }
}

#[test]
fn trident_decoding_and_refinement() {
    tch::manual_seed(4);
    let level = LevelOutput {
        mask: Tensor::ones([2, 1, 6], (Kind::Bool, Device::Cpu)),
        cls_logits: randn(&[2, 3, 6]),
        boundaries: BoundaryOutput::Trident(TridentOutput {
            offset_bins: leaf(Tensor::rand([2, 10, 6], DOUBLE)),
            start_logits: randn(&[2, 3, 6]),
            end_logits: randn(&[2, 3, 6]),
        }),
        refine_cls: None,
        // Large enough that some distances are clamped.
        refine_start: Some(leaf(Tensor::randn([2, 3, 6], DOUBLE) * 4.0)),
        refine_end: Some(leaf(Tensor::randn([2, 3, 6], DOUBLE) * 4.0)),
    };
    // One pair twice, borders on both sides.
    let pairs = [
        [0, 0, 0, 0],
        [0, 2, 0, 5],
        [1, 1, 0, 3],
        [1, 1, 0, 3],
        [1, 2, 0, 1],
        [0, 1, 0, 2],
    ];
    let pairs = Pairs::from_rows(&pairs, Device::Cpu);
    let trident = trident_of(&level);
    let inputs = [
        trident.offset_bins.shallow_clone(),
        trident.start_logits.shallow_clone(),
        trident.end_logits.shallow_clone(),
        level.refine_start.as_ref().unwrap().shallow_clone(),
        level.refine_end.as_ref().unwrap().shallow_clone(),
    ];
    let grid = PointGrid::new(6, &[[0.0, 1e4]]);
    let output = |offset_unit| {
        let rule = RefinementRule {
            score: RefinedScore::LogitProduct,
            offset_unit,
        };
        DecoderOutput::from_levels(std::slice::from_ref(&level), rule).unwrap()
    };
    assert_gradients(&inputs[..3], 60, || {
        let decoded = decode_boundaries(&output(OffsetUnit::Grid), &pairs);
        Tensor::cat(&[decoded.left, decoded.right], 0)
    });
    for unit in [OffsetUnit::Grid, OffsetUnit::Stride] {
        assert_gradients(&inputs, 60, || {
            let output = output(unit);
            let decoded = decode_boundaries(&output, &pairs);
            let refined = refine_boundaries(&decoded, &output, &pairs, &grid);
            Tensor::cat(&[refined.left, refined.right], 0)
        });
    }
}

/// Gradients of a fusion to its variables and to its pyramid.
fn assert_fusion(vs: &mut VarStore, forward: impl Fn(&FeaturePyramid) -> FeaturePyramid) {
    vs.double();
    let pyramid = random_pyramid(4, 8, &[8, 5], 3, Kind::Double);
    let pyramid = pyramid.map(|_, level| leaf(level.features.shallow_clone()));
    let mut inputs = vs.trainable_variables();
    inputs.extend(
        pyramid
            .levels
            .iter()
            .map(|level: &PyramidLevel| level.features.shallow_clone()),
    );
    assert_gradients(&inputs, 12, || {
        let fused: Vec<Tensor> = forward(&pyramid)
            .levels
            .into_iter()
            .map(|level| level.features)
            .collect();
        Tensor::cat(&fused, -1)
    });
}

#[test]
fn fusions() {
    tch::manual_seed(5);
    for neighbors in [Neighbors::Coarser, Neighbors::Finer, Neighbors::Both] {
        for fusion in [Fusion::Attention, Fusion::Addition, Fusion::Concatenation] {
            for levels in [FusedLevels::All, FusedLevels::Intermediate] {
                let mut vs = VarStore::new(Device::Cpu);
                let config = CrossLevelConfig {
                    neighbors,
                    fusion,
                    levels,
                };
                let fused = CrossLevel::new(&vs.root(), 4, &config).unwrap();
                assert_fusion(&mut vs, |pyramid| fused.forward(pyramid));
            }
        }
    }
    for depthwise in [false, true] {
        for levels in [FusedLevels::All, FusedLevels::Intermediate] {
            let mut vs = VarStore::new(Device::Cpu);
            let clff = Clff::new(&vs.root(), 4, &ClffConfig { levels, depthwise });
            assert_fusion(&mut vs, |pyramid| clff.forward(pyramid));
        }
    }
}

/// The whole loss of a small decoder, for the released switches, the paper's and those of the compared methods.
#[test]
fn total_loss() {
    // An IoU as the target has no gradient by definition, which differences would see: it is left out here.
    const PAPER: &[&str] = &[
        "decoder.dcm.levels=intermediate",
        "decoder.drm.levels=intermediate",
        "decoder.clff.levels=intermediate",
        "decoder.clff.depthwise=true",
        "decoder.trident.boundary_input=regression",
        "decoder.refinement.score=probability_root",
        "decoder.refinement.per_class_offsets=false",
        "decoder.refinement.offset_unit=stride",
        "decoder.refinement.separate_towers=true",
        "loss.refined.weight=1",
        "loss.unrefined.weight=0",
        "loss.regression_loss=iou",
        "loss.normalizer.method=point_counts",
    ];
    const ALL_NEIGHBORS: &[&str] = &[
        "decoder.dcm.neighbors=both",
        "decoder.drm.neighbors=both",
        "decoder.drm.fusion=concatenation",
        "loss.regression_loss=giou",
        "loss.normalizer.method=pair_counts",
    ];
    let tridet = [&PLAIN[..], &["loss.unrefined.iou_weight=true"]].concat();
    let plain = [&tridet[..], &["decoder.trident=null"]].concat();
    let costs = "loss.assignment.cost={classification_weight: 1, regression_weight: 2, \
                 keep_percent: 0.6, confuse_weight: 0.3}";
    let costed = [&plain[..], &[costs]].concat();
    let refined_plain = ["decoder.trident=null", costs];
    for changes in [
        &[][..],
        PAPER,
        ALL_NEIGHBORS,
        &tridet,
        &plain,
        &costed,
        &refined_plain,
    ] {
        let base = [
            "encoder.num_levels=3",
            "decoder.regression_range=[[0,4],[4,8],[8,10000]]",
            "decoder.head.dim=6",
            "decoder.trident.num_bins=4",
        ];
        let config = config(&[&base, changes].concat());
        tch::manual_seed(6);
        let mut vs = VarStore::new(Device::Cpu);
        let decoder = Decoder::new(&vs.root(), 5, 3, &[], 3, &config.decoder).unwrap();
        vs.double();
        tch::no_grad(|| {
            for mut variable in vs.trainable_variables() {
                let _ = variable.g_add_(&(variable.randn_like() * 0.2));
            }
        });
        let pyramid = random_pyramid(5, 16, &[16, 11], 3, Kind::Double);
        let grid = grid_of(&pyramid, &config);
        let targets = [
            [action(1.3, 4.2, 0), action(2.0, 15.5, 2)],
            [action(3.1, 9.7, 1), action(3.1, 9.7, 2)],
        ]
        .map(|actions| assign(&grid, &actions, &config.loss.assignment));
        let inputs: Vec<Tensor> = named_variables(&vs)
            .into_iter()
            .filter(|(name, _)| !name.starts_with("refinement.scale."))
            .map(|(_, variable)| variable)
            .collect();
        assert_gradients(&inputs, 2, || {
            let output = decoder.forward(&pyramid);
            let losses = Criterion::new(&config.loss).forward(&output, &grid, &targets);
            assert!(losses.num_positives > 4);
            losses.total
        });
    }
}
