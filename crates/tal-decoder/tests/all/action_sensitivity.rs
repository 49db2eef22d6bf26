//! Effects of action sensitivity on the loss, against numbers worked out by hand and finite differences.

use approx::assert_relative_eq;
use tal_core::PointGrid;
use tal_core::config::{LossConfig, OffsetUnit, RefinedScore};
use tal_core::nn::{FeaturePyramid, gradient_error, named_variables};
use tal_decoder::loss::info_nce;
use tal_decoder::{
    Action, ActionSensitivity, ActionSensitivityInput, BoundaryOutput, Criterion, DecoderOutput,
    LevelOutput, Losses, PositivePoint, RefinementRule, StepEvaluator, Targets,
};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

use crate::support::{PLAIN, action, config, random_pyramid, single_threaded};

pub(crate) const CLASSES: i64 = 3;
const DOUBLE: (Kind, Device) = (Kind::Double, Device::Cpu);
pub(crate) const CLASS: &str =
    "{classification: true, localization: true, combine: mean, distance: length, min_sigma: 0.1}";
const INSTANCE: &str = "{classification: true, localization: true, kernel_size: 3, weight: 1, \
                        detach_features: false, detach_quality: true}";
pub(crate) const CONTRASTIVE: &str =
    "{weight: 0.2, width: 0.2, temperature: 0.07, level: 0, background: all}";

/// The loss of a plain detector with these parts and changes.
pub(crate) fn loss(parts: [&str; 3], changes: &[&str]) -> LossConfig {
    let [class, instance, contrastive] = parts;
    let sensitivity = format!(
        "loss.action_sensitivity={{class_level: {class}, instance_level: {instance}, normalize: none, contrastive: {contrastive}}}"
    );
    let base = [
        "encoder.num_levels=2",
        "decoder.regression_range=[[0,4],[4,10000]]",
        &sensitivity,
    ];
    config(&[&PLAIN, &base[..], changes].concat()).loss
}

/// Two levels of 8 and 4 points; the second of two recordings has 6 valid steps.
struct Batch {
    levels: Vec<LevelOutput>,
    grid: PointGrid,
    targets: Vec<Targets>,
    actions: Vec<Vec<Action>>,
    pyramid: FeaturePyramid,
    leaves: Vec<Tensor>,
}

impl Batch {
    /// Made of the leaves each time, which gradient checks move.
    fn output(&self) -> DecoderOutput {
        let rule = RefinementRule {
            score: RefinedScore::ProbabilityRoot,
            offset_unit: OffsetUnit::Grid,
        };
        DecoderOutput::from_levels(&self.levels, rule).unwrap()
    }
}

fn batch(refined: bool) -> Batch {
    single_threaded();
    tch::manual_seed(21);
    let mut leaves = Vec::new();
    let mut leaf = |channels: i64, len: i64, scale: f64| {
        let values = Tensor::randn([2, channels, len], DOUBLE) * scale;
        // Two channels are distances.
        let values = if channels == 2 { values.exp() } else { values };
        let values = values.set_requires_grad(true);
        leaves.push(values.shallow_clone());
        values
    };
    let pyramid = random_pyramid(4, 8, &[8, 6], 2, Kind::Double)
        .map(|_, level| level.features.set_requires_grad(true));
    let levels = pyramid.levels.iter().map(|level| {
        let len = level.mask.size()[2];
        LevelOutput {
            mask: level.mask.shallow_clone(),
            cls_logits: leaf(CLASSES, len, 1.0),
            boundaries: BoundaryOutput::Distances(leaf(2, len, 1.0)),
            refine_cls: refined.then(|| leaf(CLASSES, len, 1.0)),
            refine_start: refined.then(|| leaf(CLASSES, len, 0.1)),
            refine_end: refined.then(|| leaf(CLASSES, len, 0.1)),
        }
    });
    let levels: Vec<LevelOutput> = levels.collect();
    let positive = |point, classes: &[u32], offsets| PositivePoint {
        point,
        classes: classes.to_vec(),
        offsets,
    };
    let targets = |positives| Targets {
        num_points: 12,
        positives,
        claims: Vec::new(),
    };
    Batch {
        levels,
        grid: PointGrid::new(8, &[[0.0, 4.0], [4.0, 1e4]]),
        // Places: 2.5 of 1..=5: −0.125 for classes 0 and 2; on level 1 (stride 2) 2 of 1.5..=6.5: −0.4; 4 of 3..=5: 0.
        targets: vec![
            targets(vec![
                positive(2, &[0, 2], [1.5, 2.5]),
                positive(8 + 1, &[1], [0.25, 2.25]),
            ]),
            targets(vec![positive(4, &[1], [1.0, 1.0])]),
        ],
        actions: vec![
            vec![action(0.5, 4.5, 0), action(1.5, 6.5, 1)],
            vec![action(3.0, 5.0, 1)],
        ],
        pyramid,
        leaves,
    }
}

/// Places of the positive pairs in their order, and their strides.
const PLACES: [(f64, f64); 4] = [(-0.125, 1.0), (-0.125, 1.0), (0.0, 1.0), (-0.4, 2.0)];

pub(crate) fn sensitivity(config: &LossConfig) -> (VarStore, ActionSensitivity) {
    tch::manual_seed(22);
    let mut vs = VarStore::new(Device::Cpu);
    let config = config.action_sensitivity.as_ref().unwrap();
    let sensitivity = ActionSensitivity::new(&vs.root(), 4, CLASSES as usize, 2, config);
    vs.double();
    (vs, sensitivity.unwrap())
}

/// Moves all variables: two steps that are equally sensitive would make the choice between them, and with it the loss, jump.
fn scatter(vs: &VarStore) {
    tch::no_grad(|| {
        for (_, mut variable) in named_variables(vs) {
            let _ = variable.g_add_(&(variable.randn_like() * 0.2));
        }
    });
}

fn forward(batch: &Batch, config: &LossConfig, module: &ActionSensitivity) -> Losses {
    let input = ActionSensitivityInput {
        module,
        pyramid: &batch.pyramid,
        actions: &batch.actions,
    };
    Criterion::new(config).forward_with(&batch.output(), &batch.grid, &batch.targets, Some(&input))
}

fn plain(batch: &Batch, config: &LossConfig) -> Losses {
    Criterion::new(config).forward(&batch.output(), &batch.grid, &batch.targets)
}

fn number(tensor: &Tensor) -> f64 {
    tensor.double_value(&[])
}

#[test]
fn weights_of_one_change_no_bit() {
    for refined in [false, true] {
        let batch = batch(refined);
        let changes: &[&str] = match refined {
            true => &[
                "decoder.refinement.classification=true",
                "loss.refined.weight=0.7",
                "loss.unrefined.weight=0.3",
            ],
            false => &[],
        };
        for normalize in [
            "loss.action_sensitivity.normalize=batch",
            "loss.action_sensitivity.normalize=none",
        ] {
            let config = loss([CLASS, "null", "null"], &[changes, &[normalize]].concat());
            let (_vs, sensitivity) = sensitivity(&config);
            tch::no_grad(|| {
                for gaussians in [&sensitivity.classification, &sensitivity.localization] {
                    let wide = &gaussians.as_ref().unwrap().raw_sigma;
                    let _ = wide.shallow_clone().fill_(1e12);
                }
            });
            let (with, without) = (
                forward(&batch, &config, &sensitivity),
                plain(&batch, &config),
            );
            assert_eq!(number(&with.total), number(&without.total));
            assert_eq!(number(&with.cls), number(&without.cls));
            assert_eq!(number(&with.reg), number(&without.reg));
            let statistics = with.action_sensitivity.unwrap();
            assert_eq!(number(&statistics.mean_cls.unwrap()), 1.0);
            assert!(statistics.total.is_none() && statistics.quality.is_none());
            assert!(without.action_sensitivity.is_none());
            let mut gradients = [&with.total, &without.total]
                .map(|total| Tensor::run_backward(&[total], &batch.leaves[..2], true, false));
            let [with, without] = &mut gradients;
            assert!(with.iter().zip(without).all(|(a, b)| a.equal(b)));
        }
    }
}

#[test]
fn pairs_weigh_what_the_gaussians_say() {
    let batch = batch(false);
    let gaussian = |d: f64, mean: f64| (-0.5 * (d - mean).powi(2)).exp();
    // (sample, class, level, point of the level), the four pairs in order.
    let pairs = [(0, 0, 0, 2), (0, 2, 0, 2), (1, 1, 0, 4), (0, 1, 1, 1)];
    let levels = &batch.levels;
    let focal = |(b, c, l, t): (i64, i64, usize, i64)| {
        let x = levels[l].cls_logits.double_value(&[b, c, t]);
        let p = 1.0 / (1.0 + (-x).exp());
        0.25 * (1.0 - p).powi(2) * -p.ln()
    };
    let regression = |index: usize| {
        let (b, _, l, t) = pairs[index];
        let BoundaryOutput::Distances(map) = &levels[l].boundaries else {
            unreachable!()
        };
        let [left, right] = [0, 1].map(|side| map.double_value(&[b, side, t]));
        let target = [[1.5, 2.5], [1.5, 2.5], [1.0, 1.0], [0.25, 2.25]][index];
        let inter = left.min(target[0]) + right.min(target[1]);
        1.0 - inter / (left + right + target[0] + target[1] - inter)
    };
    for (combine, distance, normalize) in [
        ("mean", "length", "none"),
        ("mean", "length", "batch"),
        ("mean", "length", "class"),
        ("sum", "stride_length", "none"),
        ("sum", "stride_length", "batch"),
        ("sum", "stride_length", "class"),
    ] {
        let changes = [
            format!("loss.action_sensitivity.class_level.combine={combine}"),
            format!("loss.action_sensitivity.class_level.distance={distance}"),
            format!("loss.action_sensitivity.normalize={normalize}"),
            "loss.regression_loss=iou".to_owned(),
        ];
        let changes: Vec<&str> = changes.iter().map(String::as_str).collect();
        let config = loss([CLASS, "null", "null"], &changes);
        let (_vs, sensitivity) = sensitivity(&config);
        let losses = forward(&batch, &config, &sensitivity);
        let without = plain(&batch, &config);
        let place = |index: usize| match distance {
            "length" => PLACES[index].0,
            _ => PLACES[index].0 / PLACES[index].1,
        };
        let weights = |weight: &dyn Fn(f64) -> f64| -> (Vec<f64>, f64) {
            let weights: Vec<f64> = (0..4).map(|index| weight(place(index))).collect();
            let mean = weights.iter().sum::<f64>() / 4.0;
            // Pairs 2 and 3 are of one class, the others alone in theirs.
            let by = match normalize {
                "none" => [1.0; 4],
                "batch" => [mean; 4],
                _ => {
                    let both = 0.5 * (weights[2] + weights[3]);
                    [weights[0], weights[1], both, both]
                }
            };
            (
                weights
                    .iter()
                    .zip(by)
                    .map(|(weight, by)| weight / by)
                    .collect(),
                mean,
            )
        };
        let share = if combine == "mean" { 0.5 } else { 1.0 };
        let (cls, mean_cls) = weights(&|d| gaussian(d, 0.0));
        let (reg, mean_reg) = weights(&|d| share * (gaussian(d, -0.5) + gaussian(d, 0.5)));
        // 100 · 0.9 + 3 positive points · 0.1
        let normalizer = 90.3;
        let added: f64 = (0..4)
            .map(|i| (cls[i] - 1.0) * focal(pairs[i]))
            .sum::<f64>()
            / normalizer;
        assert_relative_eq!(
            number(&losses.cls),
            number(&without.cls) + added,
            max_relative = 1e-6
        );
        // Boundaries are those of all classes: the first pair of a point counts.
        let expected = [0, 2, 3]
            .map(|i| reg[i] * regression(i))
            .iter()
            .sum::<f64>()
            / normalizer;
        assert_relative_eq!(number(&losses.reg), expected, max_relative = 1e-6);
        assert_relative_eq!(
            number(&losses.total),
            number(&losses.cls) + number(&losses.reg),
            max_relative = 1e-12
        );
        let statistics = losses.action_sensitivity.unwrap();
        assert_relative_eq!(
            number(&statistics.mean_cls.unwrap()),
            mean_cls,
            max_relative = 1e-6
        );
        assert_relative_eq!(
            number(&statistics.mean_reg.unwrap()),
            mean_reg,
            max_relative = 1e-6
        );
    }
}

#[test]
fn evaluators_learn_the_quality_of_the_final_outputs() {
    let batch = batch(true);
    let config = loss(
        ["null", INSTANCE, "null"],
        &[
            "decoder.refinement.classification=true",
            "loss.refined.weight=0.7",
            "loss.unrefined.weight=0.3",
        ],
    );
    let (vs, sensitivity) = sensitivity(&config);
    let losses = forward(&batch, &config, &sensitivity);
    let map = |evaluator: &Option<StepEvaluator>| {
        evaluator.as_ref().unwrap().forward(&batch.pyramid, false)
    };
    let q_cls = map(&sensitivity.classification_evaluator);
    let q_reg = map(&sensitivity.localization_evaluator);
    let pairs = [(0, 0, 0, 2), (0, 2, 0, 2), (1, 1, 0, 4), (0, 1, 1, 1)];
    let target = [[1.5, 2.5], [1.5, 2.5], [1.0, 1.0], [0.25, 2.25]];
    let levels = &batch.levels;
    let mut expected = 0.0;
    for ((b, c, l, t), target) in pairs.into_iter().zip(target) {
        let level = &levels[l];
        let stride = f64::from(1 << l);
        let at = |map: &Tensor| map.double_value(&[b, c, t]);
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        let refine = level.refine_cls.as_ref().unwrap();
        let probability = (sigmoid(at(&level.cls_logits)) * sigmoid(at(refine))).sqrt();
        let BoundaryOutput::Distances(map) = &level.boundaries else {
            unreachable!()
        };
        let [start, end] = [&level.refine_start, &level.refine_end]
            .map(|offset| at(offset.as_ref().unwrap()) / stride);
        let left = (map.double_value(&[b, 0, t]) - start).max(0.0);
        let right = (map.double_value(&[b, 1, t]) + end).max(0.0);
        let inter = left.min(target[0]) + right.min(target[1]);
        let overlap = inter / (left + right + target[0] + target[1] - inter);
        let point = [b, if l == 0 { t } else { 8 + t }];
        expected += (q_cls.double_value(&point) - probability).powi(2) / 4.0;
        expected += (q_reg.double_value(&point) - overlap).powi(2) / 4.0;
    }
    let statistics = losses.action_sensitivity.as_ref().unwrap();
    let quality = statistics.quality.as_ref().unwrap();
    assert_relative_eq!(number(quality), expected, max_relative = 1e-9);

    // Detached, the weights teach the evaluators nothing: all their gradient is that of their own error.
    let variables: Vec<Tensor> = named_variables(&vs).into_values().collect();
    let gradients = |loss: &Tensor| Tensor::run_backward(&[loss], &variables, true, false);
    let (of_total, of_quality) = (gradients(&losses.total), gradients(quality));
    for (a, b) in of_total.iter().zip(&of_quality) {
        assert!((a - b).abs().max().double_value(&[]) < 1e-12);
        assert!(a.abs().max().double_value(&[]) > 0.0);
    }
}

#[test]
fn the_contrast_is_that_of_the_windows() {
    let batch = batch(false);
    let config = loss(["null", "null", CONTRASTIVE], &[]);
    let (vs, sensitivity) = sensitivity(&config);
    assert!(vs.variables().is_empty());
    let losses = forward(&batch, &config, &sensitivity);
    let features = &batch.pyramid.levels[0].features;
    let mean = |sample: i64, steps: &[i64]| {
        let steps = Tensor::from_slice(steps);
        features
            .get(sample)
            .index_select(1, &steps)
            .mean_dim(1i64, false, None)
    };
    // Without Gaussians: centre, start and end. Widths are 0.8, 1 and 0.4.
    let both = |sample, start: &[i64], end: &[i64]| (mean(sample, start) + mean(sample, end)) * 0.5;
    let anchors = [
        mean(0, &[2]),
        both(0, &[1], &[4]),
        mean(0, &[3, 4, 5]),
        both(0, &[2, 3], &[5, 6]),
        mean(1, &[4]),
        both(1, &[3], &[5]),
    ];
    let background = [
        mean(0, &[0]),
        mean(0, &[5]),
        mean(0, &[1]),
        mean(0, &[7]),
        mean(1, &[2]),
        // Step 6 of the second recording is padding.
    ];
    let classes = Tensor::from_slice(&[0i64, 0, 1, 1, 1, 1]);
    let expected = info_nce(
        &Tensor::stack(&anchors, 0),
        &classes,
        &Tensor::stack(&background, 0),
        0.07,
    );
    let statistics = losses.action_sensitivity.unwrap();
    let found = statistics.contrastive.unwrap();
    assert_relative_eq!(number(&found), number(&expected), max_relative = 1e-5);
    assert!(statistics.mean_cls.is_none() && statistics.quality.is_none());
    let without = number(&plain(&batch, &config).total);
    assert_relative_eq!(
        number(&losses.total),
        without + 0.2 * number(&found),
        max_relative = 1e-12
    );
}

#[test]
fn gradients_of_the_whole_loss() {
    let refined = [
        "decoder.refinement.classification=true",
        "loss.refined.weight=0.7",
        "loss.refined.iou_weight=true",
        "loss.unrefined.weight=0.3",
        "loss.action_sensitivity.normalize=batch",
        "loss.label_smoothing=0.1",
    ];
    // Targets of the evaluators have no gradient by definition, which differences of the outputs would see.
    let batch = batch(true);
    let config = loss([CLASS, "null", CONTRASTIVE], &refined);
    let (vs, module) = sensitivity(&config);
    scatter(&vs);
    let mut inputs: Vec<Tensor> = named_variables(&vs).into_values().collect();
    assert_eq!(inputs.len(), 4);
    inputs.extend(batch.leaves.iter().map(Tensor::shallow_clone));
    inputs.push(batch.pyramid.levels[0].features.shallow_clone());
    let error = gradient_error(&inputs, || forward(&batch, &config, &module).total);
    assert!(error < 1e-6, "{error}");

    let attached = "loss.action_sensitivity.instance_level.detach_quality=false";
    let config = loss(
        [CLASS, INSTANCE, CONTRASTIVE],
        &[
            &refined[..],
            &[attached, "loss.action_sensitivity.normalize=class"],
        ]
        .concat(),
    );
    let (vs, module) = sensitivity(&config);
    scatter(&vs);
    let mut inputs: Vec<Tensor> = named_variables(&vs).into_values().collect();
    assert_eq!(inputs.len(), 12);
    let levels = batch.pyramid.levels.iter();
    inputs.extend(levels.map(|level| level.features.shallow_clone()));
    let error = gradient_error(&inputs, || forward(&batch, &config, &module).total);
    assert!(error < 1e-6, "{error}");
}

#[test]
fn a_batch_without_actions_is_harmless() {
    let mut batch = batch(false);
    for (targets, actions) in batch.targets.iter_mut().zip(&mut batch.actions) {
        targets.positives.clear();
        actions.clear();
    }
    let config = loss(
        [CLASS, INSTANCE, CONTRASTIVE],
        &["loss.action_sensitivity.normalize=batch"],
    );
    let (vs, sensitivity) = sensitivity(&config);
    let losses = forward(&batch, &config, &sensitivity);
    assert_eq!(number(&losses.total), number(&plain(&batch, &config).total));
    losses.total.backward();
    // Zero, not absent: an optimiser counts the step for every variable, whether it has seen a gradient before or not.
    for (name, variable) in named_variables(&vs) {
        let gradient = variable.grad();
        assert!(gradient.defined(), "{name}");
        assert_eq!(gradient.abs().max().double_value(&[]), 0.0, "{name}");
    }
    let statistics = losses.action_sensitivity.unwrap();
    assert!(statistics.mean_cls.is_none() && statistics.contrastive.is_none());
    assert_eq!(number(&statistics.quality.unwrap()), 0.0);
}
