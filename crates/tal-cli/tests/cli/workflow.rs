//! The commands on good input, one after the other as a user would.

use std::fs;

use serde_json::Value;
use tal_core::ClassMap;
use tal_data::{annotations, results};

use crate::support::{FPS, Place, SYNTH, fixture, text, words};

const TEST_FILE: &str = "data/features/synth_test_0001.npy";

/// Every number of `a` is that of `b` up to rounding, everything else is equal.
fn assert_close(a: &Value, b: &Value) {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => {
            let (x, y) = (x.as_f64().unwrap(), y.as_f64().unwrap());
            assert!((x - y).abs() < 1e-6, "{x} {y}");
        }
        (Value::Array(x), Value::Array(y)) => {
            assert_eq!(x.len(), y.len());
            x.iter().zip(y).for_each(|(x, y)| assert_close(x, y));
        }
        (Value::Object(x), Value::Object(y)) => {
            assert!(x.keys().eq(y.keys()));
            x.values()
                .zip(y.values())
                .for_each(|(x, y)| assert_close(x, y));
        }
        _ => assert_eq!(a, b),
    }
}

#[test]
fn from_made_data_to_detections() {
    let place = Place::without_data();
    let printed = place.ok(&words(SYNTH));
    assert!(
        printed.contains("8 training and 4 test recordings"),
        "{printed}"
    );
    let more = ["num_classes=6", "input_dim=24", "max_seq_len=256"];
    let config = more.iter().fold(place.read("net.yaml"), |config, line| {
        let (key, value) = line.split_once('=').unwrap();
        let from = config.find(&format!("  {key}:")).unwrap();
        let to = from + config[from..].find('\n').unwrap();
        format!("{}  {key}: {value}{}", &config[..from], &config[to..])
    });
    place.write("net.yaml", config);

    // Training leaves everything that it promises, without control characters.
    let output = place.tal(&["train", "net.yaml"]);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{stderr}");
    for printed in [&stdout, &stderr] {
        let control = printed.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(control, None, "{printed:?}");
    }
    assert!(stdout.contains("mAP [%]"), "{stdout}");
    assert!(
        stdout.contains("RAW weights after the last epoch, on test; 12 steps"),
        "{stdout}"
    );
    assert!(stdout.contains("Run folder: runs/net"), "{stdout}");
    assert!(
        stderr.contains("8 recordings, 3 epochs of 4 steps, 4 test recordings"),
        "{stderr}"
    );
    let names: Vec<_> = fs::read_dir(place.path("runs/net"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for name in [
        "config.yaml",
        "detections.json",
        "evaluation.json",
        "last.safetensors",
        "metrics.jsonl",
        "summary.json",
        "train.log",
    ] {
        assert!(
            names.iter().any(|found| found == name),
            "{name} of {names:?}"
        );
    }
    assert_eq!(names.len(), 7, "{names:?}");
    assert_eq!(place.steps("runs/net").len(), 12);
    assert!(
        place
            .read("runs/net/train.log")
            .contains("epoch 3: mean loss")
    );

    // The figures agree, whoever computes them.
    let figures = place.json("runs/net/evaluation.json");
    let last_line: Value =
        serde_json::from_str(place.read("runs/net/metrics.jsonl").lines().last().unwrap()).unwrap();
    assert_eq!(last_line["average_map"], figures["average_map"]);
    place.ok(&words(
        "test runs/net --json eval.json --detections eval_detections.json",
    ));
    assert_eq!(place.json("eval.json"), figures);
    // The old name of the command still works.
    place.ok(&["eval", "runs/net", "--json", "old_name.json"]);
    assert_eq!(place.json("old_name.json"), figures);
    assert_eq!(
        place.read("eval_detections.json"),
        place.read("runs/net/detections.json")
    );
    let files = ["data/annotations.json", "runs/net/detections.json"];
    let evaluate = words("--subset test --dialect tridet --json evaluate.json");
    place.ok(&[&["evaluate"], &files[..], &evaluate[..]].concat());
    let mut again = place.json("evaluate.json");
    let report = again.as_object_mut().unwrap();
    assert_eq!(
        report.shift_remove("subsets").unwrap(),
        serde_json::json!(["test"])
    );
    let by_name = report.shift_remove("ap").unwrap();
    let num_classes = report["classes"].as_array().unwrap().len();
    assert_eq!(by_name.as_object().unwrap().len(), num_classes);
    assert_close(&again, &figures);
    // Recordings that were not searched are not passed over in silence.
    let printed = place.ok(&[&["evaluate"], &files[..]].concat());
    assert!(
        printed.contains("8 of these recordings have no detection"),
        "{printed}"
    );
    // The resolved configuration describes the same run.
    place.ok(&["train", "runs/net/config.yaml", "--out", "again"]);
    assert_eq!(place.steps("again"), place.steps("runs/net"));
    assert_eq!(place.json("again/evaluation.json"), figures);
}

#[test]
fn predictions_are_those_of_the_evaluation_and_can_be_evaluated() {
    let place = Place::new();
    place.ok(&["train", "net.yaml", "--out", "run"]);
    for out in ["found.json", "found.csv"] {
        place.ok(&["predict", "run", TEST_FILE, "--fps", FPS, "--out", out]);
        place.ok(&[
            "evaluate",
            "data/annotations.json",
            out,
            "--json",
            "figures.json",
        ]);
        let counts = &place.json("figures.json")["counts"];
        assert!(
            counts["num_detections"].as_u64().unwrap() > 0,
            "{out} {counts}"
        );
    }
    let truth = annotations::read(&place.path("data/annotations.json"), None).unwrap();
    let recording = truth
        .recordings
        .iter()
        .find(|recording| recording.id == "synth_test_0001")
        .unwrap();
    let read = |name: &str| results::read(&place.path(name), &truth.classes).unwrap();
    let (json, csv, all) = (
        read("found.json"),
        read("found.csv"),
        read("run/detections.json"),
    );
    assert_eq!(json, csv);
    let (found, expected) = (&json[&recording.id], &all[&recording.id]);
    assert_eq!(found.len(), expected.len());
    // The evaluation clamps to the annotated duration, the prediction to the end of the features.
    let duration = recording.duration.unwrap();
    for (a, b) in found.iter().zip(expected) {
        assert_eq!((a.label, a.score), (b.label, b.score));
        assert!((a.segment.start - b.segment.start).abs() < 1e-9);
        let differs = (a.segment.end.min(duration) - b.segment.end).abs() > 1e-9;
        assert!(!differs || b.segment.end > duration - 1.0, "{a:?} {b:?}");
    }
    // Recordings in batches are as one by one.
    let batches = words("--set inference.batch_size=2 --detections batches.json");
    place.ok(&[&["test", "run"][..], &batches].concat());
    let batches = read("batches.json");
    assert_eq!(batches.len(), all.len());
    for (id, expected) in &all {
        for (a, b) in batches[id].iter().zip(expected).take(10) {
            assert!((a.score - b.score).abs() < 1e-4, "{id} {a:?} {b:?}");
        }
    }
    // Keys of the checkpoint's configuration can be changed.
    let three = words("--set inference.suppression.max_detections=3 --out three.json");
    place.ok(&[&["predict", "run", TEST_FILE, "--fps", FPS][..], &three].concat());
    assert_eq!(read("three.json")[&recording.id].len(), 3);
    // Without a file the best ones are printed; a threshold leaves fewer.
    let printed = place.ok(&["predict", "run", TEST_FILE, "--fps", FPS]);
    assert!(printed.starts_with("synth_test_0001\n"), "{printed}");
    assert!(printed.contains("the best 20 of"), "{printed}");
    let printed = place.ok(&[
        "predict",
        "run",
        TEST_FILE,
        "--fps",
        FPS,
        "--min-score",
        "0.66",
    ]);
    assert!(!printed.contains("the best 20 of"), "{printed}");
    // Several files, one of them by a path with its own folder.
    let other = "data/features/../features/synth_test_0002.npy";
    place.ok(&[
        "predict",
        "run/last.safetensors",
        TEST_FILE,
        other,
        "--fps",
        FPS,
        "--out",
        "two.json",
    ]);
    assert_eq!(read("two.json").len(), 2);
}

#[test]
fn the_same_seed_gives_the_same_losses() {
    let place = Place::new();
    let run = |out: &str, more: &[&str]| {
        place.ok(&[&["train", "net.yaml", "--out", out], more].concat());
        place.steps(out)
    };
    let (a, b) = (
        run("a", &["--seed", "7"]),
        run("b", &["--set", "train.seed=7"]),
    );
    assert_eq!(a.len(), 12);
    assert_eq!(a, b);
    assert_ne!(a, run("c", &["--seed", "8"]));
    // Two threads add up in another order: not the same bits, but the same run.
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_tal"))
        .args(["-vv", "--threads", "2", "train", "net.yaml"])
        .args(["--out", "d", "--seed", "7"])
        .args(["--set", "train.epochs=1", "--set", "train.warmup_epochs=0"])
        .current_dir(place.path(""))
        .output()
        .unwrap();
    let told = text(&output.stderr);
    assert!(output.status.success(), "{told}");
    let expected = "threads: 2 of LibTorch, 2 of parallel loops";
    assert!(told.contains(expected), "{told}");
    assert_eq!(place.steps("d").len(), 4);
}

#[test]
fn a_selected_epoch_is_called_one_and_quiet_means_quiet() {
    let place = Place::new();
    let every = "train.checkpoint.eval_every=1";
    let output = place.tal(&[
        "train", "net.yaml", "--quiet", "--out", "run", "--set", every,
    ]);
    assert!(output.status.success());
    assert_eq!(text(&output.stderr), "");
    let stdout = text(&output.stdout);
    assert!(
        stdout.contains("Note: that epoch was selected on test, the same recordings"),
        "{stdout}"
    );
    assert!(place.path("run/best.safetensors").is_file());
    let evaluations = place
        .read("run/metrics.jsonl")
        .matches("\"evaluation\"")
        .count();
    assert_eq!(evaluations, 3, "one per epoch");
    // `test RUN` takes the best one and says so.
    let printed = place.ok(&["test", "run", "--quiet"]);
    assert!(
        printed.contains("run/best.safetensors with its RAW weights on test"),
        "{printed}"
    );
    let printed = place.ok(&words(
        "test run/last.safetensors --weights ema --subset training",
    ));
    assert!(
        printed.contains("EMA weights on training (8 recordings"),
        "{printed}"
    );
    // Other settings of inference need no new training.
    let set = "inference.suppression.max_detections=1";
    place.ok(&["test", "run", "--set", set, "--detections", "one.json"]);
    let one = results::read_json(&place.path("one.json"), &class_names(&place)).unwrap();
    assert!(one.values().all(|found| found.len() == 1));
}

fn class_names(place: &Place) -> ClassMap {
    annotations::read(&place.path("data/annotations.json"), None)
        .unwrap()
        .classes
}

/// The network of the released checkpoint among the fixtures.
pub(crate) const RELEASED: &str = "
dataset:
  annotations: none.json
  features: { dir: none, format: { type: npy } }
  fps: 30
  num_classes: 5
  input_dim: 24
  feat_stride: 4
  num_frames: 16
  max_seq_len: 128
encoder:
  dim: 32
  num_levels: 6
  mixer: { type: gmg, mlp_dim: 48, local_kernel_size: 1 }
decoder:
  regression_range: [[0, 4], [4, 8], [8, 16], [16, 32], [32, 64], [64, 10000]]
  head: { dim: 32 }
  trident: { num_bins: 8 }
inference: { pre_nms_topk: 400, suppression: { max_detections: 200 } }
";

pub(crate) fn released() -> String {
    fixture("tal-engine/tests/fixtures/tiny_checkpoint.pth.tar")
}

#[test]
fn a_released_checkpoint_is_imported_and_used() {
    let place = Place::without_data();
    place.write("released.yaml", RELEASED);
    let file = released();
    let import = ["import", &file, "--config", "released.yaml", "--out"];
    let output = place.tal(&[&import[..], &["ema.safetensors"]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("212 tensors, averaged weights"));
    assert!(text(&output.stderr).contains("classes will be called class_0"));
    place.ok(&[&import[..], &["raw.safetensors", "--raw"]].concat());

    // 24 channels of the synthetic corpus fit its input.
    place.ok(&words(SYNTH));
    let predict = |checkpoint: &str, out: &str| {
        place.ok(&["predict", checkpoint, TEST_FILE, "--out", out]);
        place.json(out)["results"]["synth_test_0001"]
            .as_array()
            .unwrap()
            .clone()
    };
    let (averaged, trained) = (
        predict("ema.safetensors", "ema.json"),
        predict("raw.safetensors", "raw.json"),
    );
    assert!(!averaged.is_empty() && averaged != trained);
    assert!(averaged[0]["label"].as_str().unwrap().starts_with("class_"));

    // Evaluation needs annotations with its five classes.
    let mut truth = place.json("data/annotations.json");
    for recording in truth["database"].as_object_mut().unwrap().values_mut() {
        let all = recording["annotations"].as_array_mut().unwrap();
        all.retain(|annotation| annotation["label_id"] != 5);
    }
    place.write("data/five.json", truth.to_string());
    let sets = [
        "dataset.annotations=data/five.json",
        "dataset.features.dir=data/features",
        "dataset.max_seq_len=256",
    ];
    let mut eval = vec!["test", "ema.safetensors", "--json", "figures.json"];
    eval.extend(sets.iter().flat_map(|set| ["--set", *set]));
    place.ok(&eval);
    assert!(place.json("figures.json")["average_map"].is_number());
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let place = Place::new();
    place.ok(&["train", "net.yaml", "--out", "run"]);
    let mut child = place
        .command(&["predict", "run", TEST_FILE, "--fps", FPS])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(text(&output.stderr), "");
}
