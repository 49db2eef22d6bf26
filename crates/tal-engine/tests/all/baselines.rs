//! The networks of the compared methods as a whole against their released implementations: outputs of every level,
//! detections, losses, gradients. Each is configured by its overlay in `configs/baselines`.

use std::path::Path;
use std::sync::Arc;

use crate::support::{Golden, baselines, compare};
use tal_core::config::Weights;
use tal_core::nn::FeaturePyramid;
use tal_core::weights::NamedTensors;
use tal_core::{ClassMap, TimeGrid};
use tal_data::Features;
use tal_decoder::{BoundaryOutput, Criterion};
use tal_engine::import::released_name_map;
use tal_engine::{AdamW, Detector, Model, PaddedBatch, Pyramid};
use tch::{Device, Kind, Tensor, no_grad};

/// Small tensors are not worth a second thread.
fn read(name: &str) -> Golden {
    tch::set_num_threads(1);
    baselines::read(name)
}

fn renamed(golden: &Golden, prefix: &str) -> NamedTensors {
    released_name_map().rename(golden.section(prefix)).unwrap()
}

fn model(name: &str, golden: &Golden) -> Model<Pyramid> {
    let mut model = Model::<Pyramid>::new(&golden.config, &[], Device::Cpu).unwrap();
    model
        .load(&renamed(golden, "weight"), Path::new(name))
        .unwrap();
    model
}

/// Everything that is recorded of the network's answer to a recording, under the recorded names.
fn outputs(model: &Model<Pyramid>, features: &Tensor) -> NamedTensors {
    let array = compare::array(features);
    let dataset = &model.config().dataset;
    let encoder = &model.config().encoder;
    let padded_len = encoder.padded_len(array.len(), dataset.max_seq_len);
    let batch = PaddedBatch::new(&[&array], padded_len, Device::Cpu);
    let mut outputs = NamedTensors::new();
    let mut insert = |what: &str, level: usize, tensor: &Tensor| {
        outputs.insert(format!("{what}.level{level}"), tensor.get(0));
    };
    let mut insert_pyramid = |what: &str, pyramid: &FeaturePyramid| {
        for (l, level) in pyramid.levels.iter().enumerate() {
            insert(what, l, &level.features);
        }
    };
    insert_pyramid(
        "encoder",
        &model
            .network()
            .encoder
            .forward_t(&batch.features, &batch.lens, false),
    );
    insert_pyramid(
        "pyramid",
        &model.network().pyramid(&batch.features, &batch.lens, false),
    );
    let output = model.network().forward(&batch.features, &batch.lens, false);
    for (l, level) in output.levels().iter().enumerate() {
        insert("cls_logits", l, &level.cls_logits);
        match &level.boundaries {
            BoundaryOutput::Distances(distances) => insert("offsets", l, distances),
            BoundaryOutput::Trident(trident) => {
                insert("offsets", l, &trident.offset_bins);
                insert("start_logits", l, &trident.start_logits);
                insert("end_logits", l, &trident.end_logits);
            }
        }
    }
    outputs
}

/// A method is what its authors released, whatever its overlay lies over.
#[test]
fn overlays_do_not_depend_on_the_preset_below() {
    for name in baselines::NAMES {
        let over_paper = baselines::read_over("paper", name).config;
        assert_eq!(over_paper, read(name).config, "{name}");
    }
}

#[test]
fn outputs_of_every_level() {
    for name in baselines::NAMES {
        let golden = read(name);
        let model = model(name, &golden);
        let mut largest = 0f64;
        for recording in 0..2 {
            let features = golden.get(&format!("input.{recording}.feats"));
            let outputs = no_grad(|| outputs(&model, features));
            let kinds = if name == "tridet" { 6 } else { 4 };
            assert_eq!(outputs.len(), kinds * 6, "{name}");
            for (what, ours) in outputs {
                let expected = golden.get(&format!("eval.{recording}.{what}"));
                assert_eq!(ours.size(), expected.size(), "{name} {recording} {what}");
                let difference = (ours - expected).abs().max().double_value(&[]);
                assert!(
                    difference <= 1e-4,
                    "{name} {recording} {what}: {difference}"
                );
                largest = largest.max(difference);
            }
        }
        println!("{name}: outputs differ by at most {largest:.1e}");
    }
}

#[test]
fn detections() {
    const FPS: f64 = 30.0;
    const STRIDE: f64 = 4.0;
    const WINDOW: f64 = 16.0;
    for name in baselines::NAMES {
        let golden = read(name);
        let detector = Detector::with_weights(
            &golden.config,
            &ClassMap::default(),
            (Weights::Ema, &renamed(&golden, "weight")),
            Path::new(name),
            Device::Cpu,
        )
        .unwrap();
        for recording in 0..2 {
            let array = compare::array(golden.get(&format!("input.{recording}.feats")));
            // The last window ends with the recording.
            let num_frames = array.len() as f64 * STRIDE + WINDOW;
            let features = Features {
                id: name.to_owned(),
                array: Arc::new(array),
                grid: TimeGrid {
                    fps: FPS as f32,
                    feat_stride: STRIDE as f32,
                    num_frames: WINDOW as f32,
                },
                duration: Some(num_frames / FPS),
            };
            let found = detector.detect(&features).unwrap();
            let (scores, ends) = compare::detections(&golden, recording, &found);
            println!(
                "{name} {recording}: {} detections, scores differ by at most {scores:.1e}, ends by {ends:.1e} s",
                found.len()
            );
        }
    }
}

/// Both recordings as one batch. The recorded step has no stochastic depth, as the network in evaluation mode.
#[test]
fn training_step() {
    for name in baselines::NAMES {
        let golden = read(name);
        let model = model(name, &golden);
        let parameters = model.parameters();
        let mut criterion = Criterion::new(&golden.config.loss);
        let batch = compare::batch(&golden);
        let output = model
            .network()
            .forward(&batch.input.features, &batch.input.lens, false);
        let losses = criterion.forward(&output, &batch.points, &batch.targets);
        let mut largest = 0f64;
        for (part, found) in [
            ("cls_loss", &losses.cls),
            ("reg_loss", &losses.reg),
            ("final_loss", &losses.total),
        ] {
            let expected = golden.number(&format!("train.{part}"));
            let difference = (found.double_value(&[]) - expected).abs() / expected.abs();
            assert!(
                difference <= 1e-5,
                "{name} {part}: {difference} of {expected}"
            );
            largest = largest.max(difference);
        }
        println!("{name}: losses differ by at most {largest:.1e} (relative)");
        // The normaliser is recorded by what it follows from.
        if golden.tensors.contains_key("train.num_pos") {
            let expected = 0.9 * 100.0 + 0.1 * golden.number("train.num_pos");
            assert!((criterion.state().normalizer - expected).abs() < 1e-9);
        }

        let mut optimizer = AdamW::new(&parameters, &golden.config.train);
        losses.total.backward();
        let gradients = renamed(&golden, "grad");
        assert!(gradients.keys().eq(parameters.keys()), "{name}");
        let largest = compare::gradients(name, &parameters, &gradients);
        let mut square = 0f64;
        for expected in gradients.values() {
            square += expected
                .to_kind(Kind::Double)
                .square()
                .sum(Kind::Double)
                .double_value(&[]);
        }
        let (norm, expected) = (
            optimizer.clip_grad_norm(1.0).double_value(&[]),
            square.sqrt(),
        );
        let difference = (norm - expected).abs() / expected;
        assert!(difference <= 1e-4, "{name}: {norm}, expected {expected}");
        println!(
            "{name}: gradients differ by at most {largest:.1e}, their norm {expected:.4} by {difference:.1e} (relative)"
        );
    }
}
