//! Parameters, switches and refusals of the decoder.

use std::collections::BTreeMap;

use tal_core::config::{Config, DecoderConfig};
use tal_core::nn::{FeaturePyramid, duplicate_names, named_variables};
use tal_decoder::{Criterion, Decoder, DecoderError, DecoderOutput, LevelOutput, assign};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

use crate::support::{action, config, grid_of, random_pyramid, single_threaded, trident_of};

/// Number of parameters by part.
fn parameters(dim: usize, num_classes: usize, config: &DecoderConfig) -> BTreeMap<String, usize> {
    let vs = VarStore::new(Device::Cpu);
    let num_levels = config.regression_range.len();
    Decoder::new(&vs.root(), dim, num_classes, &[], num_levels, config).unwrap();
    assert_eq!(duplicate_names(&vs), Vec::<String>::new());
    let mut parts = BTreeMap::new();
    for (name, variable) in named_variables(&vs) {
        *parts
            .entry(name.split('.').next().unwrap().to_owned())
            .or_default() += variable.numel();
    }
    parts
}

fn parts(list: [usize; 8]) -> BTreeMap<String, usize> {
    const NAMES: [&str; 8] = [
        "classification",
        "start",
        "end",
        "regression",
        "dcm",
        "drm",
        "clff",
        "refinement",
    ];
    NAMES.into_iter().map(str::to_owned).zip(list).collect()
}

#[test]
fn as_many_parameters_as_the_released_models() {
    let thumos = config(&[]).decoder;
    assert_eq!(
        parameters(512, 20, &thumos),
        parts([
            1605652, 1605652, 1605652, 1627176, 1312256, 1312256, 1573888, 1749058
        ])
    );
    // MultiTHUMOS.
    assert_eq!(
        parameters(512, 65, &thumos),
        parts([
            1674817, 1674817, 1674817, 1627176, 1312256, 1312256, 1573888, 2140873
        ])
    );
    // ActivityNet.
    let mut anet = thumos;
    anet.trident.as_mut().unwrap().num_bins = 12;
    assert_eq!(
        parameters(256, 1, &anet),
        parts([
            1183233, 1183233, 1183233, 1221664, 328448, 328448, 393728, 1190409
        ])
    );
}

/// A small decoder with `changes` and what it answers to a random pyramid.
struct Small {
    vs: VarStore,
    output: DecoderOutput,
    pyramid: FeaturePyramid,
    config: Config,
}

fn small(changes: &[&str]) -> Small {
    single_threaded();
    let base = [
        "encoder.num_levels=4",
        "decoder.regression_range=[[0,4],[4,8],[8,16],[16,10000]]",
        "decoder.head.dim=6",
        "decoder.trident.num_bins=5",
    ];
    let config = config(&[&base, changes].concat());
    tch::manual_seed(1);
    let vs = VarStore::new(Device::Cpu);
    let decoder = Decoder::new(&vs.root(), 8, 3, &[], 4, &config.decoder).unwrap();
    let pyramid = random_pyramid(8, 32, &[32, 19], 4, Kind::Float)
        .map(|_, level| level.features.shallow_clone().set_requires_grad(true));
    let output = decoder.forward(&pyramid);
    Small {
        vs,
        output,
        pyramid,
        config,
    }
}

/// One training step's loss reaches every variable that is not declared unused, and is finite.
fn assert_trains(small: &Small) {
    let grid = grid_of(&small.pyramid, &small.config);
    let assignment = &small.config.loss.assignment;
    let targets = [1, 2].map(|class| assign(&grid, &[action(3.2, 9.1, class)], assignment));
    let losses = Criterion::new(&small.config.loss).forward(&small.output, &grid, &targets);
    assert!(losses.num_positives > 0);
    assert!(losses.total.double_value(&[]).is_finite());
    losses.total.backward();
    for (name, variable) in named_variables(&small.vs) {
        if !name.starts_with("refinement.scale.") {
            assert!(variable.grad().defined(), "{name} has no gradient");
            assert!(
                bool::try_from(variable.grad().isfinite().all()).unwrap(),
                "{name}"
            );
        }
    }
}

#[test]
fn outputs_have_the_documented_shapes_and_are_zero_in_padding() {
    let small = small(&[]);
    assert_eq!(
        (small.output.batch_size(), small.output.num_classes()),
        (2, 3)
    );
    for (l, level) in small.output.levels().iter().enumerate() {
        let len = 32 >> l;
        let trident = trident_of(level);
        assert_eq!(trident.offset_bins.size(), [2, 12, len]);
        let maps = [
            Some(&level.cls_logits),
            Some(&trident.start_logits),
            Some(&trident.end_logits),
            level.refine_cls.as_ref(),
            level.refine_start.as_ref(),
            level.refine_end.as_ref(),
        ];
        for map in maps {
            let map = map.unwrap();
            assert_eq!(map.size(), [2, 3, len]);
            let padding = map * level.mask.logical_not();
            assert_eq!(padding.abs().max().double_value(&[]), 0.0);
        }
        assert!(trident.offset_bins.min().double_value(&[]) >= 0.0);
    }
    assert_trains(&small);
}

/// Sum of one map of all levels.
fn total(output: &DecoderOutput, map: impl Fn(&LevelOutput) -> &Tensor) -> Tensor {
    output
        .levels()
        .iter()
        .map(|level| map(level).sum(None))
        .reduce(|a, b| a + b)
        .unwrap()
}

/// Whether a value reaches a level of the pyramid.
fn reaches(value: &Tensor, pyramid: &FeaturePyramid, level: usize) -> bool {
    let features = &pyramid.levels[level].features;
    let through = value + features.sum(None) * 0.0;
    let grad = Tensor::run_backward(&[through], &[features], true, false).remove(0);
    grad.abs().max().double_value(&[]) > 0.0
}

#[test]
fn boundary_heads_read_the_neck_without_gradient_or_the_regression_feature() {
    for (input, expected) in [("neck", false), ("regression", true)] {
        let small = small(&[&format!("decoder.trident.boundary_input={input}")]);
        let starts = total(&small.output, |level| &trident_of(level).start_logits);
        assert_eq!(reaches(&starts, &small.pyramid, 0), expected);
        assert_trains(&small);
    }
}

#[test]
fn fused_levels_follow_the_switches() {
    // Which levels of the pyramid reach the class logits of level 0, and the bins of the last level.
    let reached = |changes: &[&str]| {
        let small = small(changes);
        let cls = small.output.levels()[0].cls_logits.sum(None);
        let reg = trident_of(&small.output.levels()[3]).offset_bins.sum(None);
        (
            reaches(&cls, &small.pyramid, 1),
            reaches(&reg, &small.pyramid, 2),
        )
    };
    assert_eq!(reached(&[]), (true, true));
    let paper = [
        "decoder.dcm.levels=intermediate",
        "decoder.drm.levels=intermediate",
    ];
    assert_eq!(reached(&paper), (false, false));
    assert_eq!(reached(&["decoder.dcm.neighbors=none"]), (false, true));
    assert_eq!(reached(&["decoder.drm.neighbors=none"]), (true, false));
    let small = small(&["decoder.dcm.neighbors=none", "decoder.drm.neighbors=none"]);
    assert!(
        !named_variables(&small.vs)
            .keys()
            .any(|name| name.starts_with("d"))
    );
    assert_trains(&small);
}

#[test]
fn refinement_is_built_as_far_as_it_is_wanted() {
    let has = |small: &Small, prefix: &str| {
        named_variables(&small.vs)
            .keys()
            .any(|name| name.starts_with(prefix))
    };
    let classes = small(&["decoder.refinement.regression=false"]);
    assert!(classes.output.levels()[0].refine_cls.is_some());
    assert!(classes.output.levels()[0].refine_start.is_none());
    assert!(!has(&classes, "refinement.start_offset"));
    assert_trains(&classes);
    let boundaries = small(&["decoder.refinement.classification=false"]);
    assert!(boundaries.output.levels()[0].refine_cls.is_none());
    assert!(boundaries.output.levels()[0].refine_end.is_some());
    assert!(!has(&boundaries, "refinement.score"));
    assert_trains(&boundaries);
    let none = small(&[
        "decoder.refinement.classification=false",
        "decoder.refinement.regression=false",
        "loss.refined.weight=0",
    ]);
    assert!(!has(&none, "refinement") && !has(&none, "clff"));
    assert_trains(&none);
    let scales = small(&["decoder.refinement.unused_scales=false"]);
    assert!(has(&scales, "refinement.tower") && !has(&scales, "refinement.scale"));
}

#[test]
fn the_papers_refinement() {
    let small = small(&[
        "decoder.refinement.per_class_offsets=false",
        "decoder.refinement.offset_unit=stride",
        "decoder.refinement.score=probability_root",
    ]);
    for level in &small.output.levels() {
        assert_eq!(level.refine_start.as_ref().unwrap().size()[1], 1);
        assert_eq!(level.refine_end.as_ref().unwrap().size()[1], 1);
        assert_eq!(level.refine_cls.as_ref().unwrap().size()[1], 3);
    }
    assert_trains(&small);
}

#[test]
fn towers_of_any_depth() {
    for (num_layers, blocks) in [(1, 0), (2, 1), (4, 3)] {
        for norm in [true, false] {
            let small = small(&[
                &format!("decoder.head.num_layers={num_layers}"),
                &format!("decoder.head.norm={norm}"),
            ]);
            let convs = named_variables(&small.vs)
                .keys()
                .filter(|name| name.starts_with("start.tower.") && name.ends_with("conv.weight"))
                .count();
            assert_eq!(convs, blocks);
            assert_trains(&small);
        }
    }
}

#[test]
fn what_cannot_be_built_is_refused() {
    let valid = config(&[]).decoder;
    let build = |dim, classes, empty: &[u32], levels, config: &DecoderConfig| {
        let vs = VarStore::new(Device::Cpu);
        Decoder::new(&vs.root(), dim, classes, empty, levels, config)
            .map(|_| ())
            .unwrap_err()
    };
    assert_eq!(
        build(0, 2, &[], 6, &valid).to_string(),
        "the number of channels is 0, must be at least 1"
    );
    assert_eq!(
        build(8, 0, &[], 6, &valid),
        DecoderError::ZeroSize("classes")
    );
    assert_eq!(
        build(8, 2, &[0, 5], 6, &valid).to_string(),
        "class 5 is listed as empty, must be below the number of classes, 2"
    );
    assert_eq!(
        build(8, 2, &[], 5, &valid).to_string(),
        "decoder.regression_range is 6 ranges, must be one range per level (5)"
    );
    let mut invalid = valid.clone();
    invalid.refinement.offset_kernel_size = 4;
    invalid.head.cls_prior_prob = 1.0;
    assert_eq!(
        build(8, 2, &[], 6, &invalid).to_string(),
        "decoder.head.cls_prior_prob is 1, must be above 0 and below 1; \
         decoder.refinement.offset_kernel_size is 4, must be an odd number"
    );
    invalid = valid;
    invalid.head.num_layers = 0;
    assert!(matches!(
        build(8, 2, &[], 6, &invalid),
        DecoderError::Config(_)
    ));
}

#[test]
fn neighbors_feed_the_task_that_names_them() {
    // Of the four levels, which reach the class logits and the bins of each.
    let reached = |part: &str, neighbors: &str, fusion: &str, levels: &str| -> Vec<Vec<usize>> {
        let small = small(&[
            &format!("decoder.{part}.neighbors={neighbors}"),
            &format!("decoder.{part}.fusion={fusion}"),
            &format!("decoder.{part}.levels={levels}"),
        ]);
        let from = |l: usize| {
            let level = &small.output.levels()[l];
            let value = match part {
                "dcm" => level.cls_logits.sum(None),
                _ => trident_of(level).offset_bins.sum(None),
            };
            (0..4)
                .filter(|k| reaches(&value, &small.pyramid, *k))
                .collect()
        };
        (0..4).map(from).collect()
    };
    for part in ["dcm", "drm"] {
        for fusion in ["attention", "addition", "concatenation"] {
            let all = |neighbors| reached(part, neighbors, fusion, "all");
            assert_eq!(all("none"), [[0], [1], [2], [3]]);
            let coarser = [&[0, 1][..], &[1, 2], &[2, 3], &[3]];
            assert_eq!(all("coarser"), coarser);
            assert_eq!(all("finer"), [&[0][..], &[0, 1], &[1, 2], &[2, 3]]);
            let both = [&[0, 1][..], &[0, 1, 2], &[1, 2, 3], &[2, 3]];
            assert_eq!(all("both"), both);
            let inner = reached(part, "both", fusion, "intermediate");
            assert_eq!(inner, [&[0][..], &[0, 1, 2], &[1, 2, 3], &[3]]);
        }
    }
}

#[test]
fn refinement_reads_neighbors_as_its_levels_say() {
    for (levels, ends) in [("all", 2), ("intermediate", 1)] {
        let small = small(&[&format!("decoder.clff.levels={levels}")]);
        let num_reached = |l: usize| {
            let value = small.output.levels()[l]
                .refine_cls
                .as_ref()
                .unwrap()
                .sum(None);
            (0..4)
                .filter(|k| reaches(&value, &small.pyramid, *k))
                .count()
        };
        assert_eq!([0, 1, 2, 3].map(num_reached), [ends, 3, 3, ends]);
    }
}
