//! `tal inspect` of the files that the program itself makes.

use serde_json::Value;

use crate::bad_input::{FAILED, USAGE, refused};
use crate::support::Place;

#[test]
fn every_file_of_a_project_is_known() {
    let place = Place::new();
    place.ok(&["train", "net.yaml", "--out", "run"]);
    place.ok(&[
        "predict",
        "run",
        "data/features/synth_test_0001.npy",
        "--out",
        "found.csv",
    ]);
    let feature_file = "data/features/synth_test_0001.npy";
    for (file, kind, parts) in [
        (
            "net.yaml",
            "configuration",
            &["3 classes", "num_levels: 4"][..],
        ),
        (
            "run",
            "run",
            &["finished", "Loss over the steps", "tal test run"],
        ),
        (
            "run/last.safetensors",
            "checkpoint",
            &["mAP", "Parameters of the network", "12 steps", "synth"],
        ),
        ("run/config.yaml", "configuration", &["released"]),
        (
            feature_file,
            "features",
            &["8 channels", "none", "Root mean square over time"],
        ),
        (
            "data/annotations.json",
            "annotations",
            &["training", "test", "11"],
        ),
        (
            "run/detections.json",
            "detections",
            &["recordings", "scores"],
        ),
        ("found.csv", "detections", &["recordings"]),
    ] {
        let printed = place.ok(&["inspect", file]);
        for part in parts.iter().filter(|part| **part != "synth") {
            assert!(printed.contains(part), "{file}: {part}: {printed}");
        }
        let json: Value = serde_json::from_str(&place.ok(&["inspect", file, "--json"])).unwrap();
        assert_eq!((&json["kind"], &json["path"]), (&kind.into(), &file.into()));
    }
    let json: Value =
        serde_json::from_str(&place.ok(&["inspect", "run/last.safetensors", "--json"])).unwrap();
    assert_eq!(
        json["num_parameters"],
        place.json("run/summary.json")["num_parameters"]
    );
    assert_eq!(
        json["average_map"],
        place.json("run/summary.json")["average_map"]
    );
    let flat = place.ok(&["inspect", "run/last.safetensors", "--depth", "1"]);
    let deep = place.ok(&["inspect", "run/last.safetensors", "--depth", "9"]);
    assert!(flat.lines().count() + 20 < deep.lines().count(), "{flat}");
}

#[test]
fn what_is_no_such_file_is_refused() {
    let place = Place::new();
    place.write("letter.txt", "Call me Ishmael.");
    refused(
        &place,
        &["inspect", "letter.txt"],
        USAGE,
        &["letter.txt", "known are checkpoints"],
    );
    refused(&place, &["inspect", "data"], USAGE, &["data", "tal runs"]);
    refused(
        &place,
        &["inspect", "nothing.npy"],
        FAILED,
        &["nothing.npy"],
    );
    refused(
        &place,
        &["inspect", "net.yaml", "--out", "x.svg"],
        USAGE,
        &["--action-sensitivity"],
    );
}
