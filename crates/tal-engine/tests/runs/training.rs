//! Training runs: same seed, same numbers; interrupted or not, same weights.

use std::path::Path;

use tal_core::Detection;
use tal_engine::profile::{Phase, StepProfile};
use tal_engine::run::{self, BEST, LAST, METRICS, PROFILE, RunObserver, RunOptions};
use tal_engine::{Checkpoint, Detector, EngineError};
use tch::Device;

use crate::corpus;
use crate::support::{StopAfter, alone, options, steps, train};

fn assert_same_weights(a: &Path, b: &Path) {
    let (a, b) = (
        Checkpoint::read(&a.join(LAST)).unwrap(),
        Checkpoint::read(&b.join(LAST)).unwrap(),
    );
    assert_eq!(a.tensors.len(), b.tensors.len());
    for (name, tensor) in &a.tensors {
        assert!(tensor.equal(&b.tensors[name]), "{name} differs");
    }
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_seed_does_not() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    corpus::write(dir.path());
    let run = |name: &str, overrides: &[&str]| {
        let out = dir.path().join(name);
        train(&corpus::config(dir.path(), overrides), &out);
        out
    };
    let (a, b) = (run("a", &[]), run("b", &["train.num_workers=0"]));
    assert_eq!(steps(&a), steps(&b));
    assert_eq!(steps(&a).len(), 12);
    assert_same_weights(&a, &b);
    let other = run("c", &["train.seed=2"]);
    assert_ne!(steps(&a), steps(&other));
}

#[test]
fn an_interrupted_run_continues_to_the_same_weights() {
    continues_to_the_same_weights(&[]);
}

#[test]
fn a_run_with_all_regularisation_continues_to_the_same_weights() {
    continues_to_the_same_weights(&[
        "dataset.augmentation.scale=[0.8, 1.25]",
        "dataset.augmentation.channel_mask=0.2",
        "dataset.augmentation.time_mask={count: 2, max_length: 4}",
        "dataset.augmentation.swap={probability: 0.5, fade: 1.0}",
        "dataset.truncation.balanced=0.5",
        "encoder.dropout=0.2",
        "train.ema.average_from=0.4",
        "train.checkpoint.weights=ema",
        "inference.scales=[0.8, 1.0, 1.25]",
    ]);
}

fn continues_to_the_same_weights(overrides: &[&str]) {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    corpus::write(dir.path());
    let overrides = [overrides, &["train.checkpoint.eval_every=1"]].concat();
    let config = corpus::config(dir.path(), &overrides);
    let whole = dir.path().join("whole");
    train(&config, &whole);
    let broken = dir.path().join("broken");
    // In the middle of the first epoch, at its end, and in the middle of the last one.
    for (round, after) in [2, 2, 6].into_iter().enumerate() {
        let mut observer = StopAfter(after);
        let outcome = run::train(&config, &options(broken.clone(), round > 0), &mut observer);
        assert!(
            matches!(outcome, Err(EngineError::Interrupted { .. })),
            "{outcome:?}"
        );
    }
    let summary = run::train(&config, &options(broken.clone(), true), &mut ()).unwrap();
    assert_eq!(summary.num_steps, 12);
    assert_eq!(steps(&whole), steps(&broken));
    assert_same_weights(&whole, &broken);
    let detector = Detector::load(&broken.join(BEST), None, Device::Cpu).unwrap();
    assert_eq!(detector.classes().len(), 3);
    // A finished run can be asked to continue, too: nothing is left to do but the evaluation.
    let again = run::train(&config, &options(broken, true), &mut ()).unwrap();
    assert_eq!(again.last.detections, summary.last.detections);
}

#[test]
fn scales_at_test_time_are_a_fusion_of_detections() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    corpus::write(dir.path());
    let config = corpus::config(dir.path(), &["train.epochs=4"]);
    let out = dir.path().join("run");
    train(&config, &out);
    let path = out.join(LAST);
    let found = |scales: &[f64]| {
        let mut checkpoint = Checkpoint::read(&path).unwrap();
        checkpoint.manifest.config.inference.scales = scales.to_vec();
        let detector = Detector::from_checkpoint(&checkpoint, &path, None, Device::Cpu).unwrap();
        let features = dir.path().join("data/features/synth_test_0001.npy");
        let features = detector.read_features(&features, Some(16.0), None).unwrap();
        detector.detect(&features).unwrap()
    };
    let plain = found(&[1.0]);
    assert!(!plain.is_empty());
    // A scale that is looked at twice agrees with itself, up to equal detections of one look.
    let twice = found(&[1.0, 1.0]);
    assert_eq!(plain.len(), twice.len());
    for (a, b) in plain.iter().zip(&twice) {
        assert!((a.score - b.score).abs() < 1e-9 && a.segment.tiou(b.segment) > 0.999);
    }
    // The mean of the best scores falls where the looks disagree, and times are those of the recording.
    let several = found(&[0.8, 1.0, 1.25]);
    let end = plain.iter().map(|one| one.segment.end).fold(0.0, f64::max);
    assert!(several.iter().all(|one| one.segment.end <= end * 1.1));
    let best = |found: &[Detection]| found.first().map_or(0.0, |one| one.score);
    assert!(best(&several) > 0.0 && several != plain);
}

#[test]
fn a_state_that_lags_behind_the_metrics_gives_the_same_run() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    corpus::write(dir.path());
    let config = corpus::config(dir.path(), &["train.checkpoint.save_every_steps=3"]);
    let (whole, killed) = (dir.path().join("whole"), dir.path().join("killed"));
    train(&config, &whole);
    let mut observer = StopAfter(3);
    run::train(&config, &options(killed.clone(), false), &mut observer).unwrap_err();
    // What a kill after the next step leaves behind: a longer log and a half-written temporary file.
    let log = killed.join(METRICS);
    let mut text = std::fs::read_to_string(&log).unwrap();
    text.push_str("{\"event\":\"step\",\"epo");
    std::fs::write(&log, text).unwrap();
    std::fs::write(killed.join(".tmp-abc"), "half").unwrap();
    run::train(&config, &options(killed.clone(), true), &mut ()).unwrap();
    assert_eq!(steps(&whole), steps(&killed));
    assert_same_weights(&whole, &killed);
    assert!(!killed.join(".tmp-abc").exists(), "leftovers are removed");
}

/// Keeps the profile.
#[derive(Default)]
struct Profiled(Option<StepProfile>);

impl RunObserver for Profiled {
    fn profiled(&mut self, profile: &StepProfile) {
        self.0 = Some(profile.clone());
    }
}

#[test]
fn a_profile_has_every_phase_and_changes_no_number() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    corpus::write(dir.path());
    let config = corpus::config(dir.path(), &["train.checkpoint.eval_every=1"]);
    let (plain, profiled) = (dir.path().join("plain"), dir.path().join("profiled"));
    let mut observer = Profiled::default();
    run::train(&config, &options(plain.clone(), false), &mut observer).unwrap();
    assert_eq!(observer.0, None);
    assert!(!plain.join(PROFILE).exists());
    let with_profile = |resume| RunOptions {
        profile: true,
        ..options(profiled.clone(), resume)
    };
    let read = || -> StepProfile {
        serde_json::from_str(&std::fs::read_to_string(profiled.join(PROFILE)).unwrap()).unwrap()
    };
    // An interrupted run has one of its own steps.
    let mut stop = StopAfter(2);
    run::train(&config, &with_profile(false), &mut stop).unwrap_err();
    assert_eq!(read().num_steps, 2);
    run::train(&config, &with_profile(true), &mut observer).unwrap();
    let profile = observer.0.unwrap();
    assert_eq!(profile, read());
    assert_eq!(profile.num_steps, 10);
    let phases: Vec<Phase> = profile.phases.iter().map(|time| time.phase).collect();
    let expected: Vec<Phase> = Phase::all()
        .into_iter()
        .filter(|phase| ![Phase::Network, Phase::Reduce].contains(phase))
        .collect();
    assert_eq!(phases, expected);
    let sum: f64 = profile.phases.iter().map(|time| time.seconds).sum();
    assert!(sum <= profile.seconds * (1.0 + 1e-9), "{profile:?}");
    assert_eq!(steps(&plain), steps(&profiled));
    assert_same_weights(&plain, &profiled);
}

#[test]
fn a_run_of_another_configuration_is_not_continued() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    corpus::write(dir.path());
    let out = dir.path().join("run");
    train(&corpus::config(dir.path(), &[]), &out);
    let other = corpus::config(dir.path(), &["encoder.dim=32", "train.epochs=3"]);
    let error = run::train(&other, &options(out.clone(), true), &mut ())
        .unwrap_err()
        .to_string();
    assert!(error.contains("encoder.dim = 32 (was 16)"), "{error}");
    assert!(error.contains("train.epochs = 3 (was 2)"), "{error}");
    let error = run::train(&other, &options(out, false), &mut ()).unwrap_err();
    assert!(error.to_string().contains("--resume"), "{error}");
}

#[test]
fn weights_of_another_network_are_listed() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    corpus::write(dir.path());
    let out = dir.path().join("run");
    train(&corpus::config(dir.path(), &[]), &out);
    let mut checkpoint = Checkpoint::read(&out.join(LAST)).unwrap();
    checkpoint.manifest.config = corpus::config(dir.path(), &["encoder.num_stem_blocks=1"]);
    let path = out.join("other.safetensors");
    checkpoint.write(&path).unwrap();
    let error = Detector::load(&path, None, Device::Cpu)
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("encoder.stem.1."), "{error}");
    assert!(error.contains("other.safetensors"), "{error}");
}

#[test]
fn a_number_that_is_not_finite_stops_the_run_and_names_the_recordings() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    corpus::write(dir.path());
    let config = corpus::config(
        dir.path(),
        &[
            "train.learning_rate=1e18",
            "train.clip_grad_l2norm=null",
            "train.warmup_epochs=0",
        ],
    );
    let out = dir.path().join("run");
    let error = run::train(&config, &options(out, false), &mut ()).unwrap_err();
    assert!(matches!(error, EngineError::NotFinite { .. }), "{error}");
    assert!(error.to_string().contains("synth_train_"), "{error}");
}

#[test]
fn every_truncation_of_a_checkpoint_is_an_error() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    corpus::write(dir.path());
    let out = dir.path().join("run");
    train(
        &corpus::config(dir.path(), &["train.epochs=1", "train.warmup_epochs=0"]),
        &out,
    );
    let bytes = std::fs::read(out.join(LAST)).unwrap();
    let path = dir.path().join("cut.safetensors");
    for part in 0..40 {
        let len = bytes.len() * part / 40;
        std::fs::write(&path, &bytes[..len]).unwrap();
        let error = Checkpoint::read(&path).unwrap_err().to_string();
        assert!(error.contains("cut.safetensors"), "{error}");
    }
}
