//! Choices of the loss against their formulas, number by number: normaliser, targets, regression, costs.

use approx::assert_relative_eq;
use tal_core::PointGrid;
use tal_core::config::{LossConfig, OffsetUnit, RefinedScore};
use tal_decoder::{
    BoundaryOutput, Claim, Criterion, DecoderOutput, LevelOutput, Losses, PositivePoint,
    RefinementRule, Targets,
};
use tch::{Kind, Tensor};

use crate::support::{PLAIN, config, single_threaded};

/// Logits per class and point, distances per side and point: one sample of 4 points, the last of them padding.
const LOGITS: [[f64; 4]; 2] = [[0.5, -1.0, 2.0, 9.0], [-0.3, 0.8, -2.5, 9.0]];
const DISTANCES: [[f64; 4]; 2] = [[1.0, 0.5, 2.0, 9.0], [0.5, 2.0, 1.5, 9.0]];
/// Point 0 has both classes, point 1 the second.
const TARGETS: [(usize, &[u32], [f32; 2]); 2] = [(0, &[0, 1], [0.5, 1.0]), (1, &[1], [1.5, 1.5])];

fn leaf(values: &[[f64; 4]; 2]) -> Tensor {
    Tensor::from_slice(values.as_flattened())
        .view([1, 2, 4])
        .set_requires_grad(true)
}

/// A level whose last point is padding.
fn level() -> LevelOutput {
    single_threaded();
    LevelOutput {
        mask: Tensor::from_slice(&[true, true, true, false]).view([1, 1, 4]),
        cls_logits: leaf(&LOGITS),
        boundaries: BoundaryOutput::Distances(leaf(&DISTANCES)),
        refine_cls: None,
        refine_start: None,
        refine_end: None,
    }
}

fn output_of(level: LevelOutput) -> DecoderOutput {
    let rule = RefinementRule {
        score: RefinedScore::LogitProduct,
        offset_unit: OffsetUnit::Grid,
    };
    DecoderOutput::from_levels(&[level], rule).unwrap()
}

fn output() -> DecoderOutput {
    output_of(level())
}

fn targets(claims: &[(usize, usize, u32, [f32; 2])]) -> Targets {
    Targets {
        num_points: 4,
        positives: TARGETS
            .iter()
            .map(|&(point, classes, offsets)| PositivePoint {
                point,
                classes: classes.to_vec(),
                offsets,
            })
            .collect(),
        claims: claims
            .iter()
            .map(|&(point, action, class, offsets)| Claim {
                point,
                action,
                class,
                offsets,
            })
            .collect(),
    }
}

fn loss(changes: &[&str]) -> LossConfig {
    config(&[&PLAIN, changes].concat()).loss
}

fn run(output: &DecoderOutput, targets: Targets, changes: &[&str]) -> Losses {
    let grid = PointGrid::new(4, &[[0.0, 1e4]]);
    Criterion::new(&loss(changes)).forward(output, &grid, &[targets])
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn bce(x: f64, y: f64) -> f64 {
    -(y * sigmoid(x).ln() + (1.0 - y) * (1.0 - sigmoid(x)).ln())
}

fn focal(x: f64, y: f64) -> f64 {
    let p_t = sigmoid(x) * y + (1.0 - sigmoid(x)) * (1.0 - y);
    (0.25 * y + 0.75 * (1.0 - y)) * bce(x, y) * (1.0 - p_t).powi(2)
}

fn varifocal(x: f64, y: f64) -> f64 {
    let weight = if y > 0.0 {
        y
    } else {
        0.25 * sigmoid(x).powi(2)
    };
    weight * bce(x, y)
}

fn iou(point: usize, target: [f64; 2]) -> f64 {
    let [l, r] = [DISTANCES[0][point], DISTANCES[1][point]];
    let inter = l.min(target[0]) + r.min(target[1]);
    inter / (l + r + target[0] + target[1] - inter)
}

fn diou(point: usize, target: [f64; 2]) -> f64 {
    let [l, r] = [DISTANCES[0][point], DISTANCES[1][point]];
    let shift = 0.5 * (r - l - target[1] + target[0]);
    1.0 - iou(point, target) + (shift / (l.max(target[0]) + r.max(target[1]))).powi(2)
}

/// IoU of the positive points 0 and 1.
fn overlaps() -> [f64; 2] {
    TARGETS.map(|(point, _, offsets)| iou(point, offsets.map(f64::from)))
}

fn assert_value(found: &Tensor, expected: f64) {
    assert_relative_eq!(found.double_value(&[]), expected, max_relative = 1e-9);
}

#[test]
fn a_point_with_two_classes_is_regressed_once_where_boundaries_know_no_class() {
    let losses = run(&output(), targets(&[]), &[]);
    let z = 0.9 * 100.0 + 0.1 * 2.0;
    let reg: f64 = TARGETS.iter().map(|t| diou(t.0, t.2.map(f64::from))).sum();
    assert_value(&losses.reg, reg / z);
    // Offsets per class make boundaries class-specific after refinement, but not before.
    let zeros = || Some(Tensor::zeros([1, 2, 4], (Kind::Double, tch::Device::Cpu)));
    let output = output_of(LevelOutput {
        refine_start: zeros(),
        refine_end: zeros(),
        ..level()
    });
    let changes = [
        "loss.refined.weight=1",
        "decoder.refinement.regression=true",
    ];
    let losses = run(&output, targets(&[]), &changes);
    let twice = reg + diou(0, TARGETS[0].2.map(f64::from));
    assert_value(&losses.refined.unwrap().reg, twice / z);
    assert_value(&losses.unrefined.unwrap().reg, reg / z);
}

#[test]
fn regression_losses() {
    let expected: f64 = overlaps().iter().map(|iou| 1.0 - iou).sum();
    for kind in ["iou", "giou"] {
        let choice = format!("loss.regression_loss={kind}");
        let losses = run(&output(), targets(&[]), &[&choice]);
        assert_value(&losses.reg, expected / 90.2);
    }
}

#[test]
fn positives_and_negatives_are_divided_by_their_numbers() {
    let y = |c: usize, t: usize| f64::from(u8::from(t == 0 || (t == 1 && c == 1)));
    let sum = |keep: &dyn Fn(usize, usize) -> bool| {
        let mut sum = 0.0;
        for (c, row) in LOGITS.iter().enumerate() {
            for (t, logit) in row.iter().enumerate().take(3).filter(|(t, _)| keep(c, *t)) {
                sum += focal(*logit, y(c, t));
            }
        }
        sum
    };
    let reg: f64 = TARGETS.iter().map(|t| diou(t.0, t.2.map(f64::from))).sum();
    // Two positive points and one other; three positive pairs and three others.
    let losses = run(
        &output(),
        targets(&[]),
        &["loss.normalizer.method=point_counts"],
    );
    assert_value(&losses.cls, sum(&|_, t| t < 2) / 2.0 + sum(&|_, t| t == 2));
    assert_value(&losses.reg, reg / 2.0);
    assert_eq!(losses.unrefined.unwrap().normalizer, 2.0);
    let losses = run(
        &output(),
        targets(&[]),
        &["loss.normalizer.method=pair_counts"],
    );
    let positive = |c, t| y(c, t) == 1.0;
    let expected = sum(&positive) / 3.0 + sum(&|c, t| !positive(c, t)) / 3.0;
    assert_value(&losses.cls, expected);
    assert_value(&losses.reg, reg / 3.0);
    // Nothing positive: counts are at least one.
    let mut nothing = targets(&[]);
    nothing.positives.clear();
    let losses = run(&output(), nothing, &["loss.normalizer.method=point_counts"]);
    let all: f64 = LOGITS
        .iter()
        .flat_map(|row| &row[..3])
        .map(|x| focal(*x, 0.0))
        .sum();
    assert_value(&losses.cls, all / 3.0);
    assert_eq!(losses.reg.double_value(&[]), 0.0);
}

#[test]
fn overlaps_as_targets_weigh_and_have_no_gradient() {
    let level = level();
    let BoundaryOutput::Distances(distances) = &level.boundaries else {
        unreachable!("the outputs have distances");
    };
    let distances = distances.shallow_clone();
    let output = output_of(level);
    let changes = [
        "loss.unrefined.classification=varifocal",
        "loss.unrefined.target=iou",
        "loss.label_smoothing=0.0",
    ];
    let losses = run(&output, targets(&[]), &changes);
    let [first, second] = overlaps();
    let expected = varifocal(LOGITS[0][0], first)
        + varifocal(LOGITS[1][0], first)
        + varifocal(LOGITS[1][1], second)
        + varifocal(LOGITS[0][1], 0.0)
        + varifocal(LOGITS[0][2], 0.0)
        + varifocal(LOGITS[1][2], 0.0);
    assert_value(&losses.cls, expected / 90.2);
    losses.cls.backward();
    assert!(!distances.grad().defined());
    // Smoothing spreads what the overlap is short of as it does with ones.
    let smoothed = [&changes[..2], &["loss.label_smoothing=0.3"]].concat();
    let losses = run(&output, targets(&[]), &smoothed);
    let smooth = |y: f64| 0.7 * y + 0.1;
    let expected = varifocal(LOGITS[0][0], smooth(first))
        + varifocal(LOGITS[1][0], smooth(first))
        + varifocal(LOGITS[1][1], smooth(second))
        + [(0, 1), (0, 2), (1, 2)]
            .iter()
            .map(|&(c, t): &(usize, usize)| varifocal(LOGITS[c][t], smooth(0.0)))
            .sum::<f64>();
    assert_value(&losses.cls, expected / 90.2);
}

const COST: &str = "loss.assignment.cost={classification_weight: 1, regression_weight: 2, \
                    keep_percent: 0.5, confuse_weight: 0.25}";

/// Cost of a claim.
fn cost(point: usize, class: usize, target: [f64; 2]) -> f64 {
    let cls: f64 = (0..2)
        .map(|c| focal(LOGITS[c][point], f64::from(u8::from(c == class))))
        .sum();
    cls + 2.0 * diou(point, target)
}

#[test]
fn the_cheapest_action_decides_distances_and_expensive_points_weigh_less() {
    // Action 0 is around points 0, 1 and 2, action 1 around 0 and the padding.
    let near = [1.0, 0.5];
    let far = [0.5, 1.5];
    let claims = [
        (0, 0, 0, far.map(|v| v as f32)),
        (0, 1, 1, near.map(|v| v as f32)),
        (1, 0, 0, [0.5, 2.0]),
        (2, 0, 0, [12.0, 0.125]),
        (3, 1, 1, [9.0, 9.0]),
    ];
    assert!(cost(0, 1, near) < cost(0, 0, far));
    // Half of the three of action 0, rounded up, are two.
    let costs = [
        cost(0, 0, far),
        cost(1, 0, [0.5, 2.0]),
        cost(2, 0, [12.0, 0.125]),
    ];
    let dearest = (0..3)
        .max_by(|a, b| costs[*a].total_cmp(&costs[*b]))
        .unwrap();
    let mut weights = [1.0, 1.0, 1.0];
    // Point 0 goes with action 1, of which it is the only valid claim, and so is kept.
    if dearest > 0 {
        weights[dearest] = 0.25;
    }
    let level = level();
    let logits = level.cls_logits.shallow_clone();
    let losses = run(&output_of(level), targets(&claims), &[COST]);
    let reg = weights[0] * diou(0, near) + weights[1] * diou(1, [0.5, 2.0]);
    assert_value(&losses.reg, reg / 90.2);
    let y = |c: usize, t: usize| f64::from(u8::from(t == 0 || (t == 1 && c == 1)));
    let cls: f64 = (0..2)
        .flat_map(|c| (0..3).map(move |t| (c, t)))
        .map(|(c, t)| weights[t] * focal(LOGITS[c][t], y(c, t)))
        .sum();
    assert_value(&losses.cls, cls / 90.2);
    assert_eq!(dearest, 2, "point 2 is the one that weighs less");
    // Costs have no gradient: the loss is that of the settled targets.
    losses.total.backward();
    assert!(logits.grad().defined());
}

#[test]
fn without_claims_costs_change_nothing() {
    let plain = run(&output(), targets(&[]), &[]);
    let costed = run(&output(), targets(&[]), &[COST]);
    assert_eq!(
        plain.total.double_value(&[]).to_bits(),
        costed.total.double_value(&[]).to_bits()
    );
}
