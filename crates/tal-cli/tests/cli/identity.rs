//! Ids of predicted recordings, and detections of nothing.

use std::fs;

use serde_json::Value;
use tal_core::config::FeatureLayout;
use tal_corpus::features::write_all;
use tal_data::FeatureArray;
use tal_data::features::npy;

use crate::support::{FPS, Place, ids, text};

/// The corpus with its recordings in folders, by turns, under equal file names.
fn in_folders(place: &Place) -> Vec<String> {
    let mut truth = place.json("data/annotations.json");
    let old = truth["database"].as_object().unwrap().clone();
    let mut database = serde_json::Map::new();
    let mut tested = Vec::new();
    for (number, (id, recording)) in old.into_iter().enumerate() {
        let folder = format!("camera_{}", number % 2);
        let new = format!("{folder}/take_{}", number / 2);
        fs::create_dir_all(place.path(&format!("data/features/{folder}"))).unwrap();
        let (from, to) = (
            format!("data/features/{id}.npy"),
            format!("data/features/{new}.npy"),
        );
        fs::rename(place.path(&from), place.path(&to)).unwrap();
        if recording["subset"] == "test" {
            tested.push(new.clone());
        }
        database.insert(new, recording);
    }
    truth["database"] = Value::Object(database);
    place.write("data/annotations.json", truth.to_string());
    tested
}

#[test]
fn ids_keep_the_folders_of_the_annotations() {
    let place = Place::new();
    let mut tested = in_folders(&place);
    place.ok(&["train", "net.yaml", "--out", "run"]);
    let files: Vec<String> = tested
        .iter()
        .map(|id| format!("data/features/{id}.npy"))
        .collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    place.ok(&[&["predict", "run"], &files[..], &["--out", "found.json"]].concat());
    tested.sort();
    let mut found = ids(&place.json("found.json"));
    found.sort();
    assert_eq!(found, tested);
    // They can be compared with the annotations.
    let evaluate = [
        "evaluate",
        "data/annotations.json",
        "found.json",
        "--subset",
        "test",
    ];
    place.ok(&evaluate);

    // New recordings lie elsewhere: two of one name are told apart by the folder that ids begin in.
    for camera in ["camera_0", "camera_1"] {
        fs::create_dir_all(place.path(&format!("new/{camera}"))).unwrap();
        fs::copy(
            place.path(files[0]),
            place.path(&format!("new/{camera}/x.npy")),
        )
        .unwrap();
    }
    let new = [
        "predict",
        "run",
        "new/camera_0/x.npy",
        "new/camera_1/x.npy",
        "--out",
        "new.json",
    ];
    let output = place.tal(&new);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("both belong to the recording \"x\"") && message.contains("--below"));
    place.ok(&[&new[..], &["--below", "new"]].concat());
    assert_eq!(ids(&place.json("new.json")), ["camera_0/x", "camera_1/x"]);
}

#[test]
fn a_file_for_all_recordings_gives_all_or_those_that_are_named() {
    let place = Place::new();
    let truth = place.json("data/annotations.json");
    let (mut arrays, mut tested) = (Vec::new(), Vec::new());
    for (id, recording) in truth["database"].as_object().unwrap() {
        let stored = npy::read(&place.path(&format!("data/features/{id}.npy"))).unwrap();
        let array = FeatureArray::from_time_first(&stored.data, stored.shape[1], stored.shape[0]);
        if recording["subset"] == "test" {
            tested.push((format!("v_{id}"), array.clone()));
        }
        arrays.push((format!("v_{id}"), array));
    }
    let write = |name: &str, arrays: &[(String, FeatureArray)]| {
        write_all(
            &place.path(name),
            Some("rgb"),
            FeatureLayout::TimeFirst,
            arrays,
        )
        .unwrap();
    };
    write("data/features/all.h5", &arrays);
    write("new.h5", &tested);
    let config = place.read("net.yaml").replace(
        "format: { type: npy }",
        "prefix: v_, format: { type: hdf5, file: all.h5, key: rgb }",
    );
    place.write("net.yaml", config);
    place.ok(&["train", "net.yaml", "--out", "run"]);
    place.ok(&[
        "predict",
        "run",
        "data/features/all.h5",
        "--out",
        "all.json",
    ]);
    assert_eq!(ids(&place.json("all.json")).len(), arrays.len());
    place.ok(&["predict", "run", "new.h5", "--out", "new.json"]);
    let expected: Vec<&str> = tested.iter().map(|(name, _)| &name[2..]).collect();
    assert_eq!(ids(&place.json("new.json")), expected);
    let evaluate = [
        "evaluate",
        "data/annotations.json",
        "new.json",
        "--subset",
        "test",
    ];
    place.ok(&evaluate);
    let one = [
        "predict",
        "run",
        "new.h5",
        "--recording",
        expected[1],
        "--out",
        "one.json",
    ];
    place.ok(&one);
    assert_eq!(ids(&place.json("one.json")), expected[1..2]);
    let output = place.tal(&["predict", "run", "new.h5", "--recording", "v_nobody"]);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        message.contains("--recording v_nobody: the files hold \"synth_"),
        "{message}"
    );
}

#[test]
fn several_streams_are_found_in_the_folders_of_the_annotations() {
    let place = Place::new();
    let tested = in_folders(&place);
    for folder in ["camera_0", "camera_1"] {
        fs::create_dir_all(place.path(&format!("data/flow/{folder}"))).unwrap();
        for file in fs::read_dir(place.path(&format!("data/features/{folder}"))).unwrap() {
            let file = file.unwrap();
            let to = place
                .path(&format!("data/flow/{folder}"))
                .join(file.file_name());
            fs::copy(file.path(), to).unwrap();
        }
    }
    let config = place.read("net.yaml").replace(
        "features: { dir: data/features, format: { type: npy } }",
        "features: { dir: data/features, format: { type: npy }, append: [{ dir: data/flow, suffix: .npy, format: { type: npy } }] }",
    );
    place.write("net.yaml", config.replace("input_dim: 8", "input_dim: 16"));
    place.ok(&["train", "net.yaml", "--out", "run"]);
    let file = format!("data/features/{}.npy", tested[0]);
    place.ok(&["predict", "run", &file, "--out", "found.json"]);
    assert_eq!(ids(&place.json("found.json")), [tested[0].as_str()]);
}

#[test]
fn detections_without_length_are_never_written() {
    let place = Place::new();
    place.ok(&["train", "net.yaml", "--out", "run"]);
    let file = "data/features/synth_test_0001.npy";
    let lengths = |name: &str| -> Vec<f64> {
        let found = place.json(name);
        let all = found["results"].as_object().unwrap().values();
        all.flat_map(|one| one.as_array().unwrap())
            .map(|one| one["segment"][1].as_f64().unwrap() - one["segment"][0].as_f64().unwrap())
            .collect()
    };
    let mut counts = Vec::new();
    for dialect in ["tridet", "clean"] {
        let dialect = format!("evaluation.dialect={dialect}");
        let predict = [
            "predict",
            "run",
            file,
            "--fps",
            FPS,
            "--duration",
            "1",
            "--set",
            &dialect,
        ];
        // Few places, so that it matters whether candidates outside of the recording take some of them.
        let few = [
            "--set",
            "inference.suppression.max_detections=20",
            "--out",
            "found.json",
        ];
        let output = place.tal(&[&predict[..], &few].concat());
        let message = text(&output.stderr);
        assert!(output.status.success(), "{message}");
        assert!(
            message.contains("do not fit a duration of 1 s"),
            "{message}"
        );
        let lengths = lengths("found.json");
        assert!(lengths.iter().all(|length| *length > 0.0), "{lengths:?}");
        counts.push(lengths.len());
    }
    assert!(counts[0] < counts[1], "{counts:?}");
}
