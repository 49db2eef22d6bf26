//! The loss restated number by number, its state and its special cases.

use approx::assert_relative_eq;
use tal_core::PointGrid;
use tal_core::config::{LossConfig, OffsetUnit, RefinedScore};
use tal_decoder::{
    BoundaryOutput, Criterion, DecoderOutput, LevelOutput, PositivePoint, RefinementRule, Targets,
    TridentOutput,
};
use tch::{Device, Kind, Tensor};

use crate::support::{config, single_threaded, trident_of};

const CLASSES: i64 = 3;
const BINS: i64 = 4;
const RANGES: [[f32; 2]; 2] = [[0.0, 4.0], [4.0, 1e4]];

fn loss_config(changes: &[&str]) -> LossConfig {
    config(changes).loss
}

/// Two samples, two levels of 8 and 4 points; the second sample has 5 valid features.
struct Batch {
    output: DecoderOutput,
    grid: PointGrid,
    targets: Vec<Targets>,
    leaves: Vec<Tensor>,
}

fn batch() -> Batch {
    single_threaded();
    tch::manual_seed(11);
    let mut leaves = Vec::new();
    let mut leaf = |channels: i64, len: i64, scale: f64| {
        let values = Tensor::randn([2, channels, len], (Kind::Double, Device::Cpu)) * scale;
        let leaf = values.detach().set_requires_grad(true);
        leaves.push(leaf.shallow_clone());
        leaf
    };
    let mut levels = Vec::new();
    for (len, valid) in [(8, 5), (4, 3)] {
        levels.push(LevelOutput {
            mask: tal_core::nn::length_mask(&[len as usize, valid], len as usize, Device::Cpu),
            cls_logits: leaf(CLASSES, len, 2.0),
            boundaries: BoundaryOutput::Trident(TridentOutput {
                offset_bins: leaf(2 * (BINS + 1), len, 1.0).relu(),
                start_logits: leaf(CLASSES, len, 1.0),
                end_logits: leaf(CLASSES, len, 1.0),
            }),
            refine_cls: Some(leaf(CLASSES, len, 1.0)),
            refine_start: Some(leaf(CLASSES, len, 0.5)),
            refine_end: Some(leaf(CLASSES, len, 0.5)),
        });
    }
    let positive = |point, classes: &[u32], offsets| PositivePoint {
        point,
        classes: classes.to_vec(),
        offsets,
    };
    let targets = vec![
        Targets {
            num_points: 12,
            positives: vec![
                positive(2, &[0, 2], [1.5, 2.5]),
                positive(3, &[1], [2.5, 0.5]),
                positive(9, &[2], [0.75, 1.5]),
            ],
            claims: Vec::new(),
        },
        // Points 6 and 11 are padding.
        Targets {
            num_points: 12,
            positives: vec![
                positive(4, &[1], [0.5, 1.0]),
                positive(6, &[0], [1.0, 1.0]),
                positive(11, &[0, 1], [1.0, 1.0]),
            ],
            claims: Vec::new(),
        },
    ];
    Batch {
        output: DecoderOutput::from_levels(
            &levels,
            RefinementRule {
                score: RefinedScore::LogitProduct,
                offset_unit: OffsetUnit::Grid,
            },
        )
        .unwrap(),
        grid: PointGrid::new(8, &RANGES),
        targets,
        leaves,
    }
}

/// Plain numbers of a (B, C, T) map, zero beyond the level.
fn at(map: &Tensor, b: usize, c: usize, t: i64) -> f64 {
    if t < 0 || t >= map.size()[2] {
        0.0
    } else {
        map.double_value(&[b as i64, c as i64, t])
    }
}

/// (cls, reg) of both terms times the normaliser, written out point by point.
fn naive(batch: &Batch, config: &LossConfig) -> [(f64, f64); 2] {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let bce = |x: f64, y: f64| x.max(0.0) - x * y + (-x.abs()).exp().ln_1p();
    let (alpha, gamma) = (config.focal_alpha, config.focal_gamma);
    let focal = |x: f64, y: f64| {
        let p_t = sigmoid(x) * y + (1.0 - sigmoid(x)) * (1.0 - y);
        (alpha * y + (1.0 - alpha) * (1.0 - y)) * bce(x, y) * (1.0 - p_t).powf(gamma)
    };
    let varifocal = |x: f64, y: f64| {
        let weight = if y > 0.0 {
            y
        } else {
            alpha * (sigmoid(x) - y).abs().powf(gamma)
        };
        weight * bce(x, y)
    };
    let iou = |d: [f64; 2], g: [f64; 2]| {
        let inter = d[0].min(g[0]) + d[1].min(g[1]);
        inter / (d[0] + d[1] + g[0] + g[1] - inter).max(1e-8)
    };
    let diou = |d: [f64; 2], g: [f64; 2]| {
        let rho = 0.5 * (d[1] - d[0] - g[1] + g[0]);
        1.0 - iou(d, g) + (rho / (d[0].max(g[0]) + d[1].max(g[1])).max(1e-8)).powi(2)
    };
    let mut sums = [(0.0, 0.0); 2];
    for (l, level) in batch.output.levels().iter().enumerate() {
        let info = &batch.grid.levels()[l];
        let stride = f64::from(info.stride);
        for b in 0..2 {
            for t in
                (0..info.len).filter(|t| level.mask.int64_value(&[b as i64, 0, *t as i64]) == 1)
            {
                let positive = batch.targets[b]
                    .positives
                    .iter()
                    .find(|p| p.point == info.offset + t);
                let t = t as i64;
                for c in 0..CLASSES as usize {
                    let smoothing = config.label_smoothing;
                    let background = smoothing / (CLASSES + 1) as f64;
                    let hit = positive.filter(|p| p.classes.contains(&(c as u32)));
                    let y = background + if hit.is_some() { 1.0 - smoothing } else { 0.0 };
                    let a = at(&level.cls_logits, b, c, t);
                    let q = at(level.refine_cls.as_ref().unwrap(), b, c, t);
                    let mut weight = 1.0;
                    if let Some(positive) = hit {
                        let expect = |logits: Vec<f64>, step: &dyn Fn(usize) -> f64| {
                            let total: f64 = logits.iter().map(|x| x.exp()).sum();
                            logits
                                .iter()
                                .enumerate()
                                .map(|(j, x)| x.exp() / total * step(j))
                                .sum()
                        };
                        let bin = |j: i64| at(&trident_of(level).offset_bins, b, j as usize, t);
                        let left: f64 = expect(
                            (0..=BINS)
                                .map(|j| {
                                    at(&trident_of(level).start_logits, b, c, t - BINS + j) + bin(j)
                                })
                                .collect(),
                            &|j| (BINS as usize - j) as f64,
                        );
                        let right: f64 = expect(
                            (0..=BINS)
                                .map(|j| {
                                    at(&trident_of(level).end_logits, b, c, t + j)
                                        + bin(BINS + 1 + j)
                                })
                                .collect(),
                            &|j| j as f64,
                        );
                        let offset =
                            |map: &Option<Tensor>| at(map.as_ref().unwrap(), b, c, t) / stride;
                        let refined = [
                            (left - offset(&level.refine_start)).max(0.0),
                            (right + offset(&level.refine_end)).max(0.0),
                        ];
                        let target = positive.offsets.map(f64::from);
                        weight = iou(refined, target).powf(config.iou_weight_power);
                        sums[0].1 += diou(refined, target);
                        sums[1].1 += diou([left, right], target);
                    }
                    sums[0].0 += varifocal(a * q, y) * weight;
                    sums[1].0 += focal(a, y);
                }
            }
        }
    }
    sums
}

#[test]
fn equals_the_rules_taken_literally() {
    for changes in [
        &[][..],
        &[
            "loss.label_smoothing=0.1",
            "loss.iou_weight_power=1",
            "loss.normalizer.initial=7",
        ],
    ] {
        let batch = batch();
        let config = loss_config(changes);
        let mut criterion = Criterion::new(&config);
        let losses = criterion.forward(&batch.output, &batch.grid, &batch.targets);
        assert_eq!(losses.num_positives, 4, "padding does not count");
        let first = 0.9 * config.normalizer.initial + 0.4;
        let second = 0.9 * first + 0.4;
        let [refined, unrefined] = naive(&batch, &config);
        let term = losses.refined.as_ref().unwrap();
        assert_relative_eq!(term.normalizer, first);
        assert_relative_eq!(
            term.cls.double_value(&[]),
            refined.0 / first,
            max_relative = 1e-9
        );
        assert_relative_eq!(
            term.reg.double_value(&[]),
            refined.1 / first,
            max_relative = 1e-9
        );
        let term = losses.unrefined.as_ref().unwrap();
        assert_relative_eq!(term.normalizer, second);
        assert_relative_eq!(
            term.cls.double_value(&[]),
            unrefined.0 / second,
            max_relative = 1e-9
        );
        assert_relative_eq!(
            term.reg.double_value(&[]),
            unrefined.1 / second,
            max_relative = 1e-9
        );
        let cls = 0.7 * refined.0 / first + 0.3 * unrefined.0 / second;
        let reg = 0.7 * refined.1 / first + 0.3 * unrefined.1 / second;
        assert_relative_eq!(losses.cls.double_value(&[]), cls, max_relative = 1e-9);
        assert_relative_eq!(losses.reg.double_value(&[]), reg, max_relative = 1e-9);
        assert_relative_eq!(
            losses.total.double_value(&[]),
            cls + reg,
            max_relative = 1e-9
        );
        assert_relative_eq!(criterion.state().normalizer, second);
    }
}

#[test]
fn the_paper_has_one_term_and_one_update() {
    let batch = batch();
    let config = loss_config(&[
        "loss.refined.weight=1",
        "loss.unrefined.weight=0",
        "loss.normalizer.update_per_term=false",
    ]);
    let mut criterion = Criterion::new(&config);
    let losses = criterion.forward(&batch.output, &batch.grid, &batch.targets);
    assert!(losses.unrefined.is_none());
    assert_relative_eq!(criterion.state().normalizer, 0.9 * 100.0 + 0.4);
    let [refined, _] = naive(&batch, &config);
    assert_relative_eq!(
        losses.cls.double_value(&[]),
        refined.0 / 90.4,
        max_relative = 1e-9
    );
}

#[test]
fn state_continues_exactly() {
    let batch = batch();
    let config = loss_config(&[]);
    let run = |criterion: &mut Criterion| {
        criterion
            .forward(&batch.output, &batch.grid, &batch.targets)
            .total
            .double_value(&[])
    };
    let mut whole = Criterion::new(&config);
    run(&mut whole);
    let text = serde_json::to_string(&whole.state()).unwrap();
    let mut resumed = Criterion::new(&config);
    resumed.load_state(serde_json::from_str(&text).unwrap());
    assert_eq!(run(&mut whole).to_bits(), run(&mut resumed).to_bits());
    assert_eq!(whole.state(), resumed.state());
}

#[test]
fn without_positive_points_regression_is_zero_and_its_gradient_too() {
    let mut batch = batch();
    for targets in &mut batch.targets {
        targets.positives.clear();
    }
    let mut criterion = Criterion::new(&loss_config(&[]));
    let losses = criterion.forward(&batch.output, &batch.grid, &batch.targets);
    assert_eq!(losses.num_positives, 0);
    assert_eq!(losses.reg.double_value(&[]), 0.0);
    // An empty batch counts as one positive point.
    assert_relative_eq!(
        criterion.state().normalizer,
        0.9 * (0.9 * 100.0 + 0.1) + 0.1
    );
    losses.total.backward();
    // Per level: class logits, bins, starts, ends, refined class logits and both offsets.
    for (index, leaf) in batch.leaves.iter().enumerate() {
        let size = leaf.grad().abs().sum(None).double_value(&[]);
        assert_eq!(size > 0.0, matches!(index % 7, 0 | 4), "leaf {index}");
    }
}

#[test]
fn a_weight_of_zero_balances_both_losses() {
    let batch = batch();
    let balanced = |config: &LossConfig| {
        Criterion::new(config).forward(&batch.output, &batch.grid, &batch.targets)
    };
    let losses = balanced(&loss_config(&["loss.regression_weight=0"]));
    for term in [
        losses.refined.as_ref().unwrap(),
        losses.unrefined.as_ref().unwrap(),
    ] {
        assert_relative_eq!(
            term.total.double_value(&[]),
            2.0 * term.cls.double_value(&[]),
            max_relative = 1e-12
        );
    }
    // The factor itself has no gradient: it is the one of cls + λ · reg with a constant λ.
    let term = losses.unrefined.unwrap();
    let lambda = term.cls.double_value(&[]) / term.reg.double_value(&[]);
    let grad =
        |loss: &Tensor| Tensor::run_backward(&[loss], &batch.leaves[2..3], true, false).remove(0);
    let diff = grad(&term.total) - grad(&term.reg) * lambda;
    assert!(diff.abs().max().double_value(&[]) < 1e-12);
}

#[test]
fn the_iou_weight_passes_its_gradient_unless_detached() {
    for detach in [false, true] {
        let batch = batch();
        let config = loss_config(&[&format!("loss.detach_iou_weight={detach}")]);
        let losses = Criterion::new(&config).forward(&batch.output, &batch.grid, &batch.targets);
        let cls = losses.refined.unwrap().cls;
        let offsets = &batch.leaves[5..7];
        let grads = Tensor::run_backward(
            &[cls * 1.0 + offsets[0].sum(None) * 0.0 + offsets[1].sum(None) * 0.0],
            offsets,
            false,
            false,
        );
        let size: f64 = grads
            .iter()
            .map(|grad| grad.abs().sum(None).double_value(&[]))
            .sum();
        assert_eq!(size > 0.0, !detach);
    }
}

#[test]
fn segments_that_are_refined_away_have_finite_gradients() {
    let batch = batch();
    let mut levels = batch.output.levels();
    let level = &levels[0];
    // Large offsets push every boundary of level 0 beyond its point: no length, no overlap.
    let shift = |map: &Option<Tensor>, by: f64| Some(map.as_ref().unwrap() + by);
    let gone = LevelOutput {
        mask: level.mask.shallow_clone(),
        cls_logits: level.cls_logits.shallow_clone(),
        boundaries: BoundaryOutput::Trident(TridentOutput {
            offset_bins: trident_of(level).offset_bins.shallow_clone(),
            start_logits: trident_of(level).start_logits.shallow_clone(),
            end_logits: trident_of(level).end_logits.shallow_clone(),
        }),
        refine_cls: level.refine_cls.as_ref().map(Tensor::shallow_clone),
        refine_start: shift(&level.refine_start, 100.0),
        refine_end: shift(&level.refine_end, -100.0),
    };
    levels[0] = gone;
    let output = DecoderOutput::from_levels(&levels, batch.output.refinement).unwrap();
    let losses = Criterion::new(&loss_config(&[])).forward(&output, &batch.grid, &batch.targets);
    losses.total.backward();
    for leaf in &batch.leaves {
        assert!(bool::try_from(leaf.grad().isfinite().all()).unwrap());
    }
    // Clamped from below zero: nothing flows back.
    assert_eq!(
        batch.leaves[5].grad().abs().sum(None).double_value(&[]),
        0.0
    );
}

#[test]
#[should_panic(expected = "a target has class 3, the decoder has 3 classes")]
fn classes_beyond_the_decoder_are_refused() {
    let mut batch = batch();
    batch.targets[0].positives[0].classes = vec![3];
    Criterion::new(&loss_config(&[])).forward(&batch.output, &batch.grid, &batch.targets);
}
