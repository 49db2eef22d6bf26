//! Annotations, features and detections that cannot be used.

use std::fs;

use serde_json::json;
use tal_data::features::npy;

use super::{FAILED, TRAIN, USAGE, refused, train};
use crate::support::{FPS, Place};

#[test]
fn annotation_files() {
    let place = Place::new();
    let annotations = "data/annotations.json";
    let good = place.json(annotations);
    let first = "synth_train_0001";
    let changed = |pointer: &str, value: serde_json::Value| {
        let mut changed = good.clone();
        *changed
            .pointer_mut(&format!("/database/{first}{pointer}"))
            .unwrap() = value;
        changed.to_string()
    };
    let cases: [(String, &[&str]); 8] = [
        ("{\"database\": {,}}".to_owned(), &["line 1, column"]),
        ("{}".to_owned(), &["\"database\" is missing"]),
        (good.to_string()[..500].to_owned(), &["line 1, column"]),
        (
            changed("/annotations/0/label_id", json!(7)),
            &[
                first,
                "annotation 0",
                "label_id 7",
                "expected 0 to 2 (num_classes is 3)",
            ],
        ),
        (
            changed("/annotations/0/label_id", json!(-1)),
            &[first, "\"label_id\" is -1", "expected"],
        ),
        (
            changed("/annotations/0/segment", json!([5.0])),
            &[first, "\"segment\" is [5.0]", "two numbers"],
        ),
        (
            changed("/duration", json!(0)),
            &[first, "\"duration\" is 0", "above 0"],
        ),
        (
            changed("/subset", json!(null)),
            &[first, "\"subset\" is null"],
        ),
    ];
    for (content, parts) in cases {
        place.write(annotations, content);
        let parts = [&["annotations.json"], parts].concat();
        refused(&place, &TRAIN, FAILED, &parts);
    }
    place.write(annotations, good.to_string());
    refused(
        &place,
        &train("dataset.annotations=none.json"),
        FAILED,
        &["none.json", "No such file"],
    );
    refused(
        &place,
        &train("dataset.annotations=data"),
        FAILED,
        &["annotation file", "data", "directory"],
    );
    refused(
        &place,
        &train("dataset.test_subsets=[validation]"),
        FAILED,
        &[
            "annotations.json",
            "no recording in \"validation\"",
            "\"training\", \"test\"",
        ],
    );
    let parts = ["3 labels", "num_classes is 2"];
    refused(&place, &train("dataset.num_classes=2"), FAILED, &parts[1..]);
    refused(
        &place,
        &train("train.batch_size=9"),
        FAILED,
        &["8 recording(s)", "one batch of 9", "train.batch_size"],
    );
}

#[test]
fn feature_files() {
    let place = Place::new();
    let write = |name: &str, values: &[f32], shape: &[usize]| {
        npy::write(
            &place.path(&format!("data/features/{name}.npy")),
            values,
            shape,
        )
        .unwrap();
    };
    let path = |name: &str| place.path(&format!("data/features/{name}.npy"));
    let first = "synth_train_0001";
    let good = fs::read(path(first)).unwrap();
    let bad = |name: &str, parts: &[&str]| {
        refused(&place, &TRAIN, FAILED, &[&[name], parts].concat());
        let _ = fs::remove_dir_all(place.path("run"));
    };
    let mut values = vec![0.5_f32; 60 * 8];
    write(first, &values[..60 * 7], &[60, 7]);
    bad(
        first,
        &["7 channels", "[60, 7]", "expected 8 (dataset.input_dim)"],
    );
    write(first, &values, &[8, 60]);
    bad(
        first,
        &["60 channels", "expected 8", "is the layout channel_first?"],
    );
    write(first, &[], &[0, 8]);
    bad(first, &["no features", "[0, 8]", "at least one"]);
    write(first, &values, &[480]);
    bad(first, &["shape [480]", "two dimensions"]);
    values[3 * 8 + 2] = f32::NEG_INFINITY;
    write(first, &values, &[60, 8]);
    bad(first, &["-inf at time step 3, channel 2", "finite"]);
    fs::write(path(first), &good[..good.len() - 5]).unwrap();
    let bytes = format!("{} bytes expected, {} found", good.len(), good.len() - 5);
    bad(first, &["truncated", &bytes]);
    for part in [&good[..20], b"time,channel\n", b""] {
        fs::write(path(first), part).unwrap();
        bad(first, &["npy"]);
    }
    fs::remove_file(path(first)).unwrap();
    bad(first, &["no feature file", "check features.dir"]);
    fs::create_dir(path(first)).unwrap();
    bad(first, &["no feature file", "check features.dir"]);
    fs::remove_dir(path(first)).unwrap();
    fs::write(path(first), good).unwrap();
    // The first one is looked at before the run begins, the others in the loading threads and in the evaluation.
    values[3 * 8 + 2] = f32::NAN;
    for name in ["synth_train_0005", "synth_test_0002"] {
        let good = fs::read(path(name)).unwrap();
        write(name, &values, &[60, 8]);
        bad(name, &["NaN at time step 3, channel 2", "finite"]);
        fs::write(path(name), &good[..good.len() - 5]).unwrap();
        bad(name, &["truncated"]);
        fs::write(path(name), good).unwrap();
    }
    // A first file that does not fit leaves no run behind that would be in the way of the next attempt.
    refused(
        &place,
        &train("dataset.input_dim=16"),
        FAILED,
        &["expected 16 (dataset.input_dim)"],
    );
    assert_eq!(fs::read_dir(place.path("run")).unwrap().count(), 0);
    refused(
        &place,
        &train("dataset.features.dir=none"),
        FAILED,
        &["8 of 8 recordings", "none"],
    );
}

#[test]
fn predictions() {
    let place = Place::new();
    place.ok(&TRAIN);
    let file = "data/features/synth_test_0001.npy";
    let predict = |more: &[&str], code, parts: &[&str]| {
        refused(
            &place,
            &[&["predict", "run", "--fps", FPS], more].concat(),
            code,
            parts,
        );
    };
    predict(
        &[file, "--out", "found.txt"],
        USAGE,
        &["--out found.txt", ".json or .jsonl or .csv"],
    );
    predict(
        &[file, "--out", "none/found.json"],
        USAGE,
        &["none/found.json", "no folder none"],
    );
    predict(&[file, "--out", "net.yaml"], USAGE, &["--out net.yaml"]);
    predict(
        &[file, file, "--out", "found.json"],
        USAGE,
        &[
            "both belong to the recording \"synth_test_0001\"",
            "--below",
        ],
    );
    predict(&["none.npy", "--out", "found.json"], FAILED, &["none.npy"]);
    predict(
        &["run", "--out", "found.json"],
        FAILED,
        &["run", "neither videos nor features", "\".npy\""],
    );
    let mut mixed = place.json("data/annotations.json");
    mixed["database"]["synth_train_0001"]["fps"] = json!(15);
    place.write("data/annotations.json", mixed.to_string());
    place.ok(&["train", "net.yaml", "--out", "mixed"]);
    refused(
        &place,
        &["predict", "mixed", file],
        USAGE,
        &[
            "frame rate",
            "the training recordings differ (15 to 16)",
            "--fps",
        ],
    );
    place.write("text.csv", "1,2\n");
    predict(
        &["text.csv", "--out", "found.json"],
        FAILED,
        &["text.csv", "the features of training were .npy files"],
    );
    npy::write(&place.path("wide.npy"), &[0.0; 90], &[10, 9]).unwrap();
    predict(
        &[file, "wide.npy", "--out", "found.json"],
        FAILED,
        &["wide.npy", "9 channels", "expected 8"],
    );
    npy::write(&place.path("nan.npy"), &[f32::NAN; 80], &[10, 8]).unwrap();
    predict(
        &[file, "nan.npy", "--out", "found.csv"],
        FAILED,
        &["nan.npy", "NaN at time step 0"],
    );
}

#[test]
fn evaluations() {
    let place = Place::new();
    let detection = json!([{"label": "jump", "score": 0.5, "segment": [0.0, 1.0]}]);
    let unknown = json!({"results": {"synth_test_0001": detection}}).to_string();
    let known = unknown.replace("jump", place.json("data/annotations.json")["database"]["synth_test_0001"]["annotations"][0]["label"].as_str().unwrap());
    let cases: [(&str, String, &[&str]); 9] = [
        (
            "a.json",
            unknown.clone(),
            &[
                "\"synth_test_0001\", detection 0",
                "label \"jump\" is not a class",
            ],
        ),
        ("a.json", unknown[..30].to_owned(), &["line 1 column 30"]),
        ("a.json", "[]".to_owned(), &["line 1 column"]),
        (
            "a.json",
            known.replace("[0.0,1.0]", "[1.0,0.0]"),
            &["segment [1, 0]", "start <= end"],
        ),
        (
            "a.json",
            known.replace("0.5", "\"high\""),
            &["line 1 column", "high"],
        ),
        (
            "a.csv",
            "recording,start,end,label,score\nx,0,1,jump,0.5\n".to_owned(),
            &["line 2", "\"jump\" is not a class"],
        ),
        (
            "a.csv",
            "recording,start,end,label,score\nx,0,one,lift,0.5\n".to_owned(),
            &["line 2, column \"end\"", "\"one\" is not a number"],
        ),
        (
            "a.csv",
            "recording,start\nx,0\n".to_owned(),
            &["no column \"end\"", "recording,start,end,label,score"],
        ),
        ("a.txt", String::new(), &[".json, .jsonl, .csv or .tsv"]),
    ];
    for (name, content, parts) in cases {
        place.write(name, content);
        let args = ["evaluate", "data/annotations.json", name];
        refused(&place, &args, FAILED, &[&[name], parts].concat());
    }
    place.write("a.json", known);
    refused(
        &place,
        &["evaluate", "data/annotations.json", "none.json"],
        FAILED,
        &["none.json", "No such file"],
    );
    refused(
        &place,
        &["evaluate", "none.json", "a.json"],
        FAILED,
        &["none.json", "No such file"],
    );
    let args = ["evaluate", "data/annotations.json", "a.json"];
    let subset = [&args[..], &["--subset", "validation"]].concat();
    refused(
        &place,
        &subset,
        USAGE,
        &["--subset validation", "training, test"],
    );
    let json = [&args[..], &["--json", "none/figures.json"]].concat();
    refused(
        &place,
        &json,
        USAGE,
        &["--json none/figures.json", "no folder none"],
    );
    place.ok(&args);
}
