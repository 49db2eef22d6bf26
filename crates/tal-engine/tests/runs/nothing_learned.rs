//! Runs that have nothing to learn from: they stop, or say what they do not learn.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tal_engine::run::{self, LAST, METRICS};
use tal_engine::{Checkpoint, EngineError};

use crate::corpus;
use crate::support::{alone, options};

/// The corpus with every annotation of the training recordings changed; `None` takes it away.
fn changed(dir: &Path, change: impl Fn(&Value) -> Option<Value>) {
    corpus::write(dir);
    let path = dir.join("data/annotations.json");
    let mut file: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let recordings = file["database"].as_object_mut().unwrap().values_mut();
    for recording in recordings.filter(|one| one["subset"] == "training") {
        let annotations = recording["annotations"].as_array().unwrap();
        let changed = annotations.iter().filter_map(&change);
        recording["annotations"] = changed.collect();
    }
    fs::write(path, file.to_string()).unwrap();
}

fn ends(annotation: &Value) -> [f64; 2] {
    let end = |index: usize| annotation["segment"][index].as_f64().unwrap();
    [end(0), end(1)]
}

fn with_segment(annotation: &Value, start: f64, end: f64) -> Option<Value> {
    let mut annotation = annotation.clone();
    annotation["segment"] = json!([start, end]);
    Some(annotation)
}

fn refused(dir: &Path, overrides: &[&str]) -> String {
    let config = corpus::config(dir, overrides);
    let outcome = run::train(&config, &options(dir.join("run"), false), &mut ());
    match outcome {
        Err(error @ EngineError::Unlearnable { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_annotations_no_step_is_done() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    changed(dir.path(), |_| None);
    let message = refused(dir.path(), &[]);
    assert!(
        message
            .contains("subset training: none of its 8 recordings with features has an annotation"),
        "{message}"
    );
    assert!(!dir.path().join("run").join(LAST).exists());
}

#[test]
fn an_epoch_without_a_positive_point_ends_the_run_with_its_cause() {
    let _alone = alone();
    // Too short for a feature: fractions of the duration, whose grid begins behind them.
    let fractions = |one: &Value| {
        let [start, end] = ends(one);
        with_segment(one, start / 100.0, end / 100.0)
    };
    let frames = |one: &Value| {
        let [start, end] = ends(one);
        with_segment(one, start * 1000.0 + 20_000.0, end * 1000.0 + 20_000.0)
    };
    type Change<'a> = &'a dyn Fn(&Value) -> Option<Value>;
    let cases: [(Change<'_>, &[&str], &str); 3] = [
        (&fractions, &[], "features long; are they in seconds"),
        (
            &frames,
            &[],
            "begin behind the last feature of their recordings",
        ),
        (
            &|one| Some(one.clone()),
            &["decoder.regression_range=[[900, 901], [901, 902], [902, 903], [903, 904]]"],
            "meet no range of decoder.regression_range",
        ),
    ];
    for (change, overrides, cause) in cases {
        let dir = tempfile::tempdir().unwrap();
        changed(dir.path(), change);
        let message = refused(dir.path(), overrides);
        assert!(message.contains("learn from in epoch 1: "), "{message}");
        assert!(message.contains(cause), "{message}");
        // One epoch was tried, and the state before it is kept.
        let metrics = fs::read_to_string(dir.path().join("run").join(METRICS)).unwrap();
        assert!(!metrics.contains("\"epoch\":2"), "{metrics}");
    }
}

#[test]
fn a_checkpoint_remembers_what_its_recordings_have_in_common() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    corpus::write(dir.path());
    let config = corpus::config(dir.path(), &["train.checkpoint.eval_every=1"]);
    run::train(&config, &options(dir.path().join("run"), false), &mut ()).unwrap();
    for name in [LAST, run::BEST] {
        let checkpoint = Checkpoint::read(&dir.path().join("run").join(name)).unwrap();
        let traits = checkpoint.manifest.trained_on;
        assert_eq!(traits.common_fps(), Some(16.0));
        assert_eq!(
            traits.files().as_deref(),
            Some(".npy files of shape (time, channels)")
        );
    }
}
