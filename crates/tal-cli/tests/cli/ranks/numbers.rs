//! The numbers of several ranks.

use serde_json::Value;

use super::{are_equal, end, interrupt, start, train, wait_for_steps};
use crate::support::{Place, fixture, ids};

fn number(step: &Value, key: &str) -> f64 {
    step[key].as_f64().unwrap()
}

/// The losses and norms of two runs are equal but for rounding, which grows from step to step, and their counts are equal.
fn assert_same_steps(place: &Place, one: &str, other: &str, tolerance: f64) {
    let (one_steps, other_steps) = (place.steps(one), place.steps(other));
    assert_eq!(one_steps.len(), other_steps.len());
    for (a, b) in one_steps.iter().zip(&other_steps) {
        for key in ["loss", "cls_loss", "reg_loss", "grad_norm"] {
            let (a, b) = (number(a, key), number(b, key));
            assert!(
                (a - b).abs() <= tolerance * a.abs(),
                "{other}: {key} {b}, not {a}"
            );
        }
        for key in ["num_positives", "normalizer", "rate", "epoch", "step"] {
            assert_eq!(a[key], b[key], "{other}: {key}");
        }
    }
}

#[test]
fn any_number_of_ranks_gives_the_numbers_of_one() {
    let place = Place::new();
    place.ok(&train(&["--out", "one"]));
    place.ok(&train(&["--out", "one-rank", "--ranks", "1"]));
    assert!(are_equal(&place, "one", "one-rank"));
    for ranks in ["2", "3", "4"] {
        place.ok(&train(&["--out", ranks, "--ranks", ranks]));
        assert_same_steps(&place, "one", ranks, 1e-5);
        assert!(place.path(ranks).join("summary.json").exists());
    }
    // All ranks hold the same bits.
    assert!(!place.read("2/train.log").contains("different weights"));
    place.ok(&train(&["--out", "again", "--ranks", "2"]));
    assert!(are_equal(&place, "2", "again"));
    // Every recording is evaluated once.
    let [one, two] = ["one", "2"].map(|run| place.json(&format!("{run}/detections.json")));
    assert_eq!(ids(&one), ids(&two));
    let [one, two] = ["one", "2"].map(|run| place.json(&format!("{run}/summary.json")));
    let difference = number(&one, "average_map") - number(&two, "average_map");
    assert!(difference.abs() < 0.02, "{difference}");
}

#[test]
fn counts_and_balanced_losses_are_those_of_the_whole_batch() {
    let place = Place::new();
    for (name, setting) in [
        ("points", "loss.normalizer.method=point_counts"),
        ("pairs", "loss.normalizer.method=pair_counts"),
        ("balanced", "loss.regression_weight=0"),
    ] {
        let two = format!("{name}-2");
        place.ok(&train(&["--set", setting, "--out", name]));
        place.ok(&train(&["--set", setting, "--out", &two, "--ranks", "2"]));
        assert_same_steps(&place, name, &two, 1e-5);
    }
}

#[test]
fn a_run_continues_with_any_number_of_ranks() {
    let place = Place::new();
    let longer = ["--set", "train.epochs=19"];
    place.ok(&train(&[&longer[..], &["--out", "one"]].concat()));
    for (from, to) in [("2", "1"), ("1", "2"), ("2", "2")] {
        let out = format!("{from}-{to}");
        let here = [&longer[..], &["--out", out.as_str(), "--ranks"]].concat();
        let child = start(&place, &train(&[&here[..], &[from]].concat()));
        wait_for_steps(&place, &out, 1);
        interrupt(child.id());
        let output = end(child, 60);
        assert!(
            !output.status.success(),
            "the run was over before the signal"
        );
        place.ok(&train(&[&here[..], &[to, "--resume"]].concat()));
        assert_same_steps(&place, "one", &out, 1e-3);
    }
    place.ok(&train(
        &[&longer[..], &["--out", "two", "--ranks", "2"]].concat(),
    ));
    assert!(are_equal(&place, "two", "2-2"));
}

#[test]
fn all_detectors_give_the_numbers_of_one_process() {
    let place = Place::new();
    for method in ["actionformer", "tridet", "temporalmaxer"] {
        let overlay = fixture(&format!("../configs/baselines/{method}.yaml"));
        let two = format!("{method}-2");
        let small = ["--overlay", &overlay, "--set", "encoder.dropout=0.2"];
        place.ok(&train(&[&small[..], &["--out", method]].concat()));
        place.ok(&train(
            &[&small[..], &["--out", &two, "--ranks", "2"]].concat(),
        ));
        assert_same_steps(&place, method, &two, 1e-5);
    }
}

/// The parts of all steps of two runs that lie under `key` are equal but for rounding.
fn assert_same_parts(place: &Place, one: &str, other: &str, key: &str, tolerance: f64) {
    for (a, b) in place.steps(one).iter().zip(&place.steps(other)) {
        let (a, b) = (a[key].as_object().unwrap(), b[key].as_object().unwrap());
        assert!(a.keys().eq(b.keys()), "{a:?} {b:?}");
        let numbers = a.iter().filter_map(|(name, a)| Some((name, a.as_f64()?)));
        for (name, a) in numbers {
            let b = b[name].as_f64().unwrap();
            assert!(
                (a - b).abs() <= tolerance * a.abs().max(1e-3),
                "{other}: {name} {b}, not {a}"
            );
        }
    }
}

#[test]
fn backtal_gives_the_numbers_of_one_process() {
    let place = Place::new();
    let clicks = ["data", "clicks", "data/annotations.json", "--out"];
    place.ok(&[&clicks[..], &["clicks.json"]].concat());
    place.write(
        "backtal.yaml",
        "
preset: backtal_thumos14
dataset:
  annotations: data/annotations.json
  features: { dir: data/features, format: { type: npy } }
  num_classes: 3
  input_dim: 8
  feat_stride: 4
  num_frames: 8
backtal: { num_snippets: 40, clicks: clicks.json, dim: 16, hidden_dim: 8, embedding_dim: 4, dropout: 0.5 }
train: { batch_size: 4, epochs: 2, learning_rate: 0.005, num_workers: 0, input_noise: 0.1 }
inference: { batch_size: 1 }
",
    );
    place.ok(&["train", "backtal.yaml", "--out", "one"]);
    for ranks in ["2", "3"] {
        place.ok(&["train", "backtal.yaml", "--out", ranks, "--ranks", ranks]);
        assert_same_steps(&place, "one", ranks, 1e-5);
        assert_same_parts(&place, "one", ranks, "backtal", 1e-5);
        let [one, other] = ["one", ranks].map(|run| place.json(&format!("{run}/detections.json")));
        assert_eq!(ids(&one), ids(&other));
    }
    let steps = place.steps("one");
    assert!(steps.iter().all(|step| number(step, "num_positives") > 4.0));
}

#[test]
fn action_sensitivity_gives_the_numbers_of_one_process() {
    let place = Place::new();
    let overlay = fixture("../configs/action_sensitivity/asl.yaml");
    for rule in ["batch", "class"] {
        let rule_of = format!("loss.action_sensitivity.normalize={rule}");
        // With this, the weights have a gradient by way of the features, too.
        let quality = "loss.action_sensitivity.instance_level.detach_quality=false";
        let more = ["--overlay", &overlay, "--set", &rule_of, "--set", quality];
        place.ok(&train(&[&more[..], &["--out", rule]].concat()));
        for ranks in ["2", "4"] {
            let out = format!("{rule}-{ranks}");
            place.ok(&train(
                &[&more[..], &["--out", &out, "--ranks", ranks]].concat(),
            ));
            assert_same_steps(&place, rule, &out, 1e-5);
            assert_same_parts(&place, rule, &out, "sensitivity", 1e-5);
        }
        let steps = place.steps(rule);
        for part in ["cls_weight", "quality_loss", "contrastive_loss"] {
            assert!(
                steps
                    .iter()
                    .all(|step| number(&step["sensitivity"], part) > 0.0)
            );
        }
    }
}

#[test]
fn a_profile_tells_the_time_of_exchanges() {
    let place = Place::new();
    let printed = place.ok(&train(&["--out", "run", "--ranks", "2", "--profile"]));
    assert!(printed.contains("exchange between ranks"), "{printed}");
    let profile = place.json("run/profile.json");
    let phases = profile["phases"].as_array().unwrap();
    let seconds = |phase: &Value| number(phase, "seconds");
    let sum: f64 = phases.iter().map(seconds).sum();
    let all = number(&profile, "seconds");
    assert!(sum <= all * (1.0 + 1e-9), "{sum} {all}");
    let reduce = phases.iter().find(|phase| phase["phase"] == "reduce");
    assert!(seconds(reduce.unwrap()) > 0.0);
}
