//! The whole network against the released implementation: detections, losses, gradients, one optimiser step.

use std::path::Path;
use std::sync::Arc;

use crate::support::compare::{self, array, batch};
use crate::support::{Golden, fixture};
use tal_core::config::{EvaluationDialect, Precision, Weights};
use tal_core::nn::PrecisionScope;
use tal_core::weights::NamedTensors;
use tal_core::{ClassMap, TimeGrid};
use tal_data::Features;
use tal_engine::AdamW;
use tal_engine::import::{import_released, released_name_map};
use tal_engine::{Detector, Model, Pyramid};
use tch::{Device, Kind, Tensor};

/// The case's weights under our names. Those of `tiny` come from the released checkpoint.
fn weights(name: &str, golden: &Golden) -> NamedTensors {
    if name == "tiny" {
        let path = fixture("tiny_checkpoint.pth.tar");
        let classes = ClassMap::default();
        let checkpoint = import_released(&path, &golden.config, &classes, Weights::Ema).unwrap();
        return checkpoint.section("ema");
    }
    released_name_map()
        .rename(golden.section("weight"))
        .unwrap()
}

fn detector(name: &str, golden: &Golden) -> Detector {
    let weights = weights(name, golden);
    let classes = ClassMap::default();
    let weights = (Weights::Ema, &weights);
    // The released code cuts detections to the recording after suppression; the dialect `clean` does it before.
    let mut config = golden.config.clone();
    config.evaluation.dialect = EvaluationDialect::ActivityNet;
    Detector::with_weights(&config, &classes, weights, Path::new(name), Device::Cpu).unwrap()
}

fn recording(golden: &Golden, features: &str, fps: f32, duration: f64) -> Features {
    Features {
        id: features.to_owned(),
        array: Arc::new(array(golden.get(features))),
        grid: TimeGrid {
            fps,
            feat_stride: 4.0,
            num_frames: 16.0,
        },
        duration: Some(duration),
    }
}

/// As sets.
fn check_detections(name: &str, features: &str, index: usize, fps: f32, duration: f64) {
    let golden = Golden::read(name);
    let features = recording(&golden, features, fps, duration);
    let found = detector(name, &golden).detect(&features).unwrap();
    let (scores, ends) = compare::detections(&golden, index, &found);
    println!("{name} {index}: scores differ by at most {scores:.1e}, ends by {ends:.1e} s");
}

#[test]
fn detections_of_tiny() {
    check_detections("tiny", "input.0.feats", 0, 30.0, 14.0);
    check_detections("tiny", "input.1.feats", 1, 30.0, 17.6);
}

#[test]
fn detections_of_wide() {
    check_detections("wide", "input.0.feats", 0, 30.0, 616.0 / 30.0);
    check_detections("wide", "input.1.feats", 1, 30.0, 10.8);
}

#[test]
fn recordings_together_are_as_alone() {
    let golden = Golden::read("tiny");
    let recordings = [("input.0.feats", 14.0), ("input.1.feats", 17.6)]
        .map(|(features, duration)| recording(&golden, features, 30.0, duration));
    let [first, second] = &recordings;
    let detector = detector("tiny", &golden);
    // Padded further than the others.
    let long = Features {
        array: Arc::new(array(&golden.get("input.0.feats").repeat([1, 2]))),
        ..recording(&golden, "input.0.feats", 30.0, 28.0)
    };
    assert!(detector.padded_len(&long) > detector.padded_len(first));
    let together = detector
        .detect_all(&[second, &long, first, second])
        .unwrap();
    assert_eq!(together.len(), 4);
    for (row, index) in [(0, 1), (2, 0), (3, 1)] {
        compare::detections(&golden, index, &together[row]);
    }
    assert_eq!(together[1], detector.detect(&long).unwrap());
    assert!(detector.detect_all(&[]).unwrap().is_empty());
}

#[test]
fn bfloat16_finds_nearly_the_same() {
    let mut golden = Golden::read("wide");
    let recording = recording(&golden, "input.0.feats", 30.0, 616.0 / 30.0);
    let exact = detector("wide", &golden).detect(&recording).unwrap();
    golden.config.inference.precision = Precision::Bfloat16;
    let rough = detector("wide", &golden).detect(&recording).unwrap();
    assert_ne!(exact, rough);
    // Best first.
    assert!(exact.len() >= 20 && rough.len() >= 20);
    for (exact, rough) in exact.iter().zip(&rough).take(20) {
        assert!(
            (exact.score - rough.score).abs() < 0.05,
            "{exact:?} {rough:?}"
        );
    }
}

/// Longer than `max_seq_len`: interpolated positions, padding to the length unit, voting.
#[test]
fn detections_of_hacs_like() {
    check_detections("hacs_like", "input.eval.feats", 0, 25.0, 34.96);
}

#[test]
fn bfloat16_trains_on_nearly_the_same_gradients() {
    let golden = Golden::read("tiny");
    let mut model = Model::<Pyramid>::new(&golden.config, &[], Device::Cpu).unwrap();
    let weights = weights("tiny", &golden);
    model.load(&weights, Path::new("tiny")).unwrap();
    let mut criterion = tal_decoder::Criterion::new(&golden.config.loss);
    let batch = batch(&golden);
    let scope = PrecisionScope::new(Precision::Bfloat16, Device::Cpu);
    let output = model
        .network()
        .forward(&batch.input.features, &batch.input.lens, false);
    drop(scope);
    let losses = criterion.forward(&output, &batch.points, &batch.targets);
    let (loss, exact) = (
        losses.total.double_value(&[]),
        golden.number("train.final_loss"),
    );
    assert!(
        (loss - exact).abs() < 0.02 * exact && loss != exact,
        "{loss} {exact}"
    );
    losses.total.backward();
    let gradients = released_name_map().rename(golden.section("grad")).unwrap();
    let (mut product, mut squares) = (0.0, [0.0; 2]);
    for (name, parameter) in model.parameters() {
        let Some(expected) = gradients.get(&name) else {
            continue;
        };
        let gradient = parameter.grad();
        assert_eq!(gradient.kind(), Kind::Float, "{name}");
        let dot = |a: &Tensor, b: &Tensor| (a * b).sum(Kind::Double).double_value(&[]);
        product += dot(&gradient, expected);
        squares[0] += dot(&gradient, &gradient);
        squares[1] += dot(expected, expected);
    }
    let cosine = product / (squares[0] * squares[1]).sqrt();
    assert!(cosine > 0.99, "{cosine}");
}

/// The golden step has a stochastic depth of 0, which the network in evaluation mode has too.
fn check_training(name: &str) {
    let golden = Golden::read(name);
    let mut model = Model::<Pyramid>::new(&golden.config, &[], Device::Cpu).unwrap();
    model
        .load(&weights(name, &golden), Path::new(name))
        .unwrap();
    let parameters = model.parameters();
    let mut criterion = tal_decoder::Criterion::new(&golden.config.loss);
    let batch = batch(&golden);
    let output = model
        .network()
        .forward(&batch.input.features, &batch.input.lens, false);
    let losses = criterion.forward(&output, &batch.points, &batch.targets);
    for (part, found) in [
        ("cls_loss", &losses.cls),
        ("reg_loss", &losses.reg),
        ("final_loss", &losses.total),
    ] {
        let (found, expected) = (
            found.double_value(&[]),
            golden.number(&format!("train.{part}")),
        );
        let relative = (found - expected).abs() / expected.abs();
        assert!(
            relative <= 1e-5,
            "{name} {part}: {found}, expected {expected}"
        );
    }
    let normalizer = golden.number("train.loss_normalizer");
    assert!((criterion.state().normalizer - normalizer).abs() <= 1e-9 * normalizer);

    let mut optimizer = AdamW::new(&parameters, &golden.config.train);
    losses.total.backward();
    let gradients = released_name_map().rename(golden.section("grad")).unwrap();
    let worst = compare::gradients(name, &parameters, &gradients);
    println!("{name}: largest relative difference of a gradient {worst:.1e}");
    for parameter in parameters
        .keys()
        .filter(|name| !gradients.contains_key(*name))
    {
        assert!(
            parameter.starts_with("decoder.refinement.scale."),
            "{parameter} is in no golden gradient"
        );
        assert!(!parameters[parameter].grad().defined(), "{parameter}");
    }

    let stepped = golden.section("stepped");
    if stepped.is_empty() {
        return;
    }
    let norm = optimizer.clip_grad_norm(1.0).double_value(&[]);
    let expected = golden.number("train.grad_norm");
    assert!(
        (norm - expected).abs() <= 1e-4 * expected,
        "{norm}, expected {expected}"
    );
    optimizer.step(1e-3);
    // AdamW's first step moves each value by about the rate whatever its gradient, so values whose gradient is rounding
    // noise are free to move either way; all others agree closely.
    for (parameter, expected) in released_name_map().rename(stepped).unwrap() {
        let found = &parameters[&parameter];
        let moved = (found - &expected).abs();
        let noise = match gradients.get(&parameter) {
            Some(gradient) => gradient.abs().lt(1e-6),
            None => Tensor::zeros_like(&moved).to_kind(Kind::Bool),
        };
        let most = moved.masked_fill(&noise, 0.0).max().double_value(&[]);
        assert!(most <= 2e-5, "{name} {parameter} after the step: {most}");
        assert!(
            moved.max().double_value(&[]) <= 2.1e-3,
            "{name} {parameter}"
        );
    }
}

#[test]
fn training_step_of_tiny() {
    check_training("tiny");
}

#[test]
fn training_step_of_wide() {
    check_training("wide");
}

#[test]
fn training_step_of_hacs_like() {
    check_training("hacs_like");
}
