//! Every combination of switches that validation admits: shapes, masks, finite losses, and a gradient for every variable.

use std::collections::BTreeMap;

use tal_core::PointGrid;
use tal_core::config::{
    BoundaryInput, ClassificationLoss, ClassificationTarget, Config, CostConfig, FusedLevels,
    Fusion, Neighbors, NormalizerMethod, OffsetUnit, RefinedScore, RegressionLoss, TridentConfig,
};
use tal_core::nn::{FeaturePyramid, named_variables};
use tal_decoder::{
    BoundaryOutput, Criterion, Decoder, DecoderOutput, LevelOutput, Targets, TridentOutput, assign,
    select_candidates,
};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

use crate::support::{action, grid_of, preset, random_pyramid, single_threaded};

const DIM: i64 = 4;
const CLASSES: usize = 3;
const BINS: usize = 2;
const NEIGHBORS: [Neighbors; 4] = [
    Neighbors::None,
    Neighbors::Coarser,
    Neighbors::Finer,
    Neighbors::Both,
];
const LEVELS: [FusedLevels; 2] = [FusedLevels::All, FusedLevels::Intermediate];
const FUSIONS: [Fusion; 3] = [Fusion::Attention, Fusion::Addition, Fusion::Concatenation];
const BOOLS: [bool; 2] = [false, true];

/// A preset for a small decoder.
fn small(name: &str) -> Config {
    single_threaded();
    tch::manual_seed(1);
    let bins = format!("decoder.trident.num_bins={BINS}");
    let changes = [
        "encoder.num_levels=3",
        "encoder.dim=16",
        "decoder.regression_range=[[0,4],[4,8],[8,10000]]",
        "decoder.head.dim=4",
        "decoder.head.num_layers=2",
        &bins,
    ];
    preset(name, &changes)
}

fn base() -> Config {
    small("released")
}

/// Trident regression with both inputs of its heads and without them, and plain regression.
fn tridents() -> [Option<TridentConfig>; 4] {
    let trident = |boundary_input| {
        Some(TridentConfig {
            num_bins: BINS,
            boundary_input,
        })
    };
    [
        None,
        trident(BoundaryInput::Neck),
        trident(BoundaryInput::Regression),
        trident(BoundaryInput::None),
    ]
}

/// Refines what is asked for and gives the terms of the loss the weights that fit.
fn refine(config: &mut Config, classification: bool, regression: bool) {
    config.decoder.refinement.classification = classification;
    config.decoder.refinement.regression = regression;
    let weights = if classification || regression {
        (0.7, 0.3)
    } else {
        (0.0, 1.0)
    };
    config.loss.refined.weight = weights.0;
    config.loss.unrefined.weight = weights.1;
}

/// A pyramid of two recordings, the second with 9 of 16 features.
fn pyramid() -> FeaturePyramid {
    random_pyramid(DIM, 16, &[16, 9], 3, Kind::Float)
}

fn check_outputs(config: &Config, output: &DecoderOutput) {
    let decoder = &config.decoder;
    let refinement = &decoder.refinement;
    let num_offsets = if refinement.per_class_offsets {
        CLASSES
    } else {
        1
    };
    for (l, level) in output.levels().iter().enumerate() {
        let check = |map: Option<&Tensor>, channels: Option<usize>| {
            assert_eq!(map.is_some(), channels.is_some(), "{decoder:?}");
            if let (Some(map), Some(channels)) = (map, channels) {
                assert_eq!(map.size(), [2, channels as i64, 16 >> l], "{decoder:?}");
                let padding = map * level.mask.logical_not();
                assert_eq!(padding.abs().max().double_value(&[]), 0.0, "{decoder:?}");
            }
        };
        check(Some(&level.cls_logits), Some(CLASSES));
        match &level.boundaries {
            BoundaryOutput::Distances(distances) => {
                assert!(decoder.trident.is_none());
                check(Some(distances), Some(2));
                assert!(distances.min().double_value(&[]) >= 0.0);
            }
            BoundaryOutput::Trident(trident) => {
                check(Some(&trident.offset_bins), Some(2 * (BINS + 1)));
                let config = decoder.trident.as_ref().unwrap();
                let num_maps = match config.boundary_input {
                    BoundaryInput::None => 1,
                    _ => CLASSES,
                };
                check(Some(&trident.start_logits), Some(num_maps));
                check(Some(&trident.end_logits), Some(num_maps));
            }
        }
        let offsets = refinement.regression.then_some(num_offsets);
        check(
            level.refine_cls.as_ref(),
            refinement.classification.then_some(CLASSES),
        );
        check(level.refine_start.as_ref(), offsets);
        check(level.refine_end.as_ref(), offsets);
    }
}

fn targets(grid: &PointGrid, config: &Config) -> [Targets; 2] {
    let both = [action(2.2, 6.1, 0), action(1.0, 15.0, 2)];
    let one = [action(1.2, 8.0, 1)];
    [&both[..], &one].map(|actions| assign(grid, actions, &config.loss.assignment))
}

/// The loss of one step is finite and its gradient reaches all of `variables` but those that nothing uses.
fn check_step(
    config: &Config,
    variables: &BTreeMap<String, Tensor>,
    output: &DecoderOutput,
    grid: &PointGrid,
) {
    let targets = targets(grid, config);
    let losses = Criterion::new(&config.loss).forward(output, grid, &targets);
    assert!(losses.num_positives > 0);
    assert!(losses.total.double_value(&[]).is_finite(), "{config:?}");
    assert_eq!(
        (losses.refined.is_some(), losses.unrefined.is_some()),
        (
            config.loss.refined.weight > 0.0,
            config.loss.unrefined.weight > 0.0
        )
    );
    losses.total.backward();
    for (name, variable) in variables {
        let mut grad = variable.grad();
        if name.starts_with("refinement.scale.") {
            assert!(!grad.defined(), "{name}");
            continue;
        }
        assert!(grad.defined(), "{name} has no gradient: {config:?}");
        let size = grad.abs().sum(None).double_value(&[]);
        assert!(size.is_finite(), "{name}: {config:?}");
        let _ = grad.zero_();
    }
}

fn check_candidates(config: &Config, output: &DecoderOutput, grid: &PointGrid) {
    let found = select_candidates(output, grid, &config.inference);
    assert_eq!(found.len(), 2);
    for row in 0..found[1].len() {
        let end = found[1].end[row];
        assert!(end.is_finite() && found[1].start[row] < end);
    }
}

/// The same outputs as leaves, on which a loss can be compared without its network.
fn leaves(output: DecoderOutput) -> (DecoderOutput, BTreeMap<String, Tensor>) {
    let mut leaves = BTreeMap::new();
    let mut leaf = |map: &Tensor| {
        let leaf = map.detach().set_requires_grad(true);
        leaves.insert(leaves.len().to_string(), leaf.shallow_clone());
        leaf
    };
    let levels: Vec<LevelOutput> = output
        .levels()
        .iter()
        .map(|level| LevelOutput {
            mask: level.mask.shallow_clone(),
            cls_logits: leaf(&level.cls_logits),
            boundaries: match &level.boundaries {
                BoundaryOutput::Distances(distances) => BoundaryOutput::Distances(leaf(distances)),
                BoundaryOutput::Trident(trident) => BoundaryOutput::Trident(TridentOutput {
                    offset_bins: leaf(&trident.offset_bins),
                    start_logits: leaf(&trident.start_logits),
                    end_logits: leaf(&trident.end_logits),
                }),
            },
            refine_cls: level.refine_cls.as_ref().map(&mut leaf),
            refine_start: level.refine_start.as_ref().map(&mut leaf),
            refine_end: level.refine_end.as_ref().map(&mut leaf),
        })
        .collect();
    let output = DecoderOutput::from_levels(&levels, output.refinement).unwrap();
    (output, leaves)
}

/// Checks a configuration unless validation refuses it; returns whether it was admitted.
fn check(config: &Config) -> bool {
    if config.validate().is_err() {
        return false;
    }
    let vs = VarStore::new(Device::Cpu);
    let decoder = Decoder::new(&vs.root(), DIM as usize, CLASSES, &[], 3, &config.decoder).unwrap();
    let pyramid = pyramid();
    let output = decoder.forward(&pyramid);
    check_outputs(config, &output);
    let grid = grid_of(&pyramid, config);
    check_step(config, &named_variables(&vs), &output, &grid);
    check_candidates(config, &output, &grid);
    true
}

#[test]
fn neighbors_fusions_levels_heads_and_refinement() {
    let mut config = base();
    let mut num_admitted = 0;
    for (dcm, drm) in NEIGHBORS.iter().flat_map(|d| NEIGHBORS.map(|r| (*d, r))) {
        for (fusion, levels) in FUSIONS.iter().flat_map(|f| LEVELS.map(|l| (*f, l))) {
            // Other heads and refinements are combined below: they do not see the fusion.
            for trident in [None, tridents()[2].clone()] {
                for is_refined in BOOLS {
                    for (part, neighbors) in [
                        (&mut config.decoder.dcm, dcm),
                        (&mut config.decoder.drm, drm),
                    ] {
                        part.neighbors = neighbors;
                        part.fusion = fusion;
                        part.levels = levels;
                    }
                    config.decoder.trident = trident.clone();
                    refine(&mut config, is_refined, is_refined);
                    num_admitted += usize::from(check(&config));
                }
            }
        }
    }
    assert_eq!(num_admitted, 16 * 6 * 2 * 2);
}

#[test]
fn details_of_the_refinement() {
    let mut num_admitted = 0;
    // Each bit is one switch.
    for switches in 0..1 << 6 {
        let is_on = |bit: usize| switches >> bit & 1 == 1;
        for (classification, regression) in [(true, false), (false, true), (true, true)] {
            for trident in tridents() {
                let mut config = base();
                config.decoder.dcm.neighbors = Neighbors::None;
                config.decoder.drm.neighbors = Neighbors::None;
                config.decoder.trident = trident;
                refine(&mut config, classification, regression);
                let refinement = &mut config.decoder.refinement;
                refinement.separate_towers = is_on(0);
                refinement.per_class_offsets = is_on(1);
                refinement.unused_scales = is_on(1);
                if is_on(2) {
                    refinement.offset_unit = OffsetUnit::Stride;
                }
                if is_on(3) {
                    refinement.score = RefinedScore::ProbabilityRoot;
                }
                config.decoder.clff.depthwise = is_on(4);
                config.decoder.clff.levels = LEVELS[usize::from(is_on(5))];
                num_admitted += usize::from(check(&config));
            }
        }
    }
    assert_eq!(num_admitted, 64 * 3 * 4);
}

/// Settings of the loss on the outputs of every kind of decoder.
#[test]
fn losses() {
    let cost = CostConfig {
        classification_weight: 1.0,
        regression_weight: 2.0,
        keep_percent: 0.5,
        confuse_weight: 0.25,
    };
    let methods = [
        NormalizerMethod::Running,
        NormalizerMethod::PointCounts,
        NormalizerMethod::PairCounts,
    ];
    let regression_losses = [
        RegressionLoss::Diou,
        RegressionLoss::Giou,
        RegressionLoss::Iou,
    ];
    let (mut num_admitted, mut num_refused) = (0, 0);
    for (classification, regression) in BOOLS.iter().flat_map(|c| BOOLS.map(|r| (*c, r))) {
        for trident in [None, tridents()[1].clone()] {
            let mut config = base();
            config.decoder.trident = trident;
            refine(&mut config, classification, regression);
            let vs = VarStore::new(Device::Cpu);
            let decoder =
                Decoder::new(&vs.root(), DIM as usize, CLASSES, &[], 3, &config.decoder).unwrap();
            let pyramid = pyramid();
            let grid = grid_of(&pyramid, &config);
            let (output, leaves) = leaves(decoder.forward(&pyramid));
            for weights in [(0.0, 1.0), (1.0, 0.0), (0.7, 0.3), (0.0, 0.0)] {
                config.loss.refined.weight = weights.0;
                config.loss.unrefined.weight = weights.1;
                for switches in 0..1 << 5 {
                    let is_on = |bit: usize| switches >> bit & 1 == 1;
                    for method in methods {
                        for regression_loss in regression_losses {
                            let loss = &mut config.loss;
                            for term in [&mut loss.refined, &mut loss.unrefined] {
                                term.classification = match is_on(0) {
                                    false => ClassificationLoss::Focal,
                                    true => ClassificationLoss::Varifocal,
                                };
                                term.target = match is_on(1) {
                                    false => ClassificationTarget::OneHot,
                                    true => ClassificationTarget::Iou,
                                };
                                term.iou_weight = is_on(2);
                            }
                            loss.detach_iou_weight = is_on(3);
                            loss.assignment.cost = is_on(4).then(|| cost.clone());
                            loss.normalizer.method = method;
                            loss.regression_loss = regression_loss;
                            if config.validate().is_err() {
                                num_refused += 1;
                                continue;
                            }
                            num_admitted += 1;
                            check_step(&config, &leaves, &output, &grid);
                        }
                    }
                }
            }
        }
    }
    // Focal loss has no IoU target (a quarter of the switches). One of four pairs of weights fits a decoder without
    // refinement, two fit each of the three with.
    let settings = 24 * 9;
    assert_eq!(num_admitted, settings * 2 * (1 + 3 * 2));
    assert_eq!(num_refused, 32 * 9 * 4 * 8 - num_admitted);
}

#[test]
fn the_paper_preset_trains() {
    let config = small("paper");
    assert!(config.decoder.refinement.separate_towers && config.decoder.clff.depthwise);
    assert_eq!(config.loss.normalizer.method, NormalizerMethod::PointCounts);
    assert_eq!(config.loss.unrefined.weight, 0.0);
    // What the paper does not change comes from the released preset.
    assert_eq!(config.decoder.dcm.neighbors, Neighbors::Coarser);
    assert!(check(&config));
}
