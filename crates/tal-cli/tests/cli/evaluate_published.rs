//! `tal evaluate` on files as others publish them: equal scores, proposals, ids as labels, pickles, faulty annotations.

use std::path::Path;

use serde_json::{Value, json};

use crate::bad_input::{FAILED, USAGE, refused};
use crate::support::Place;

/// Annotations of two recordings.
fn place() -> Place {
    let place = Place::without_data();
    let truth = json!({"database": {
        "r1": {"subset": "test", "duration": 20.0, "annotations": [
            {"segment": [2.0, 6.0], "label": "jump", "label_id": 0},
            {"segment": [10.0, 12.0], "label": "run", "label_id": 1},
        ]},
        "r2": {"subset": "test", "duration": 20.0, "annotations": [
            {"segment": [5.0, 9.0], "label": "run", "label_id": 1},
        ]},
    }});
    place.write("truth.json", truth.to_string());
    place
}

/// The figures of `tal evaluate truth.json FILE` at tIoU 0.5 with more arguments, and what it printed.
fn figures(place: &Place, file: &str, more: &[&str]) -> (Value, String) {
    let args = [
        "evaluate",
        "truth.json",
        file,
        "--tiou",
        "0.5",
        "--json",
        "figures.json",
    ];
    let printed = place.ok(&[&args[..], more].concat());
    (place.json("figures.json"), printed)
}

fn map(place: &Place, file: &str, more: &[&str]) -> f64 {
    figures(place, file, more).0["average_map"]
        .as_f64()
        .unwrap()
}

#[track_caller]
fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
}

#[test]
fn the_order_of_the_file_decides_between_equal_scores() {
    let place = place();
    let right = json!([{"label": "run", "score": 0.5, "segment": [5.0, 9.0]}]);
    let wrong = json!([{"label": "run", "score": 0.5, "segment": [14.0, 16.0]}]);
    place.write(
        "found.json",
        json!({"results": {"r2": right, "r1": wrong}}).to_string(),
    );
    // Run has two annotations, jump one without a detection.
    near(map(&place, "found.json", &[]), 0.25);
    near(
        map(&place, "found.json", &["--dialect", "activitynet"]),
        0.125,
    );
    let (figures, printed) = figures(&place, "found.json", &["--ties"]);
    let ties = &figures["ties"];
    assert_eq!(
        (&ties["num_tied"], &ties["num_groups"]),
        (&json!(2), &json!(1))
    );
    near(ties["average_best"].as_f64().unwrap(), 0.25);
    near(ties["average_worst"].as_f64().unwrap(), 0.125);
    assert!(
        printed.contains("2 detections share their score"),
        "{printed}"
    );
    // A table keeps the order of its rows.
    place.write(
        "found.csv",
        "recording,start,end,label,score\nr1,14,16,run,0.5\nr2,5,9,run,0.5\nr1,10,12,run,0.5\n",
    );
    near(map(&place, "found.csv", &[]), (2.0 / 3.0) / 2.0);
    near(map(&place, "found.csv", &["--dialect", "activitynet"]), 0.5);
}

#[test]
fn ids_and_names_give_the_same_figures() {
    let place = place();
    let results = |jump: Value, run: Value| {
        json!({"results": {"r1": [{"label": jump, "score": 0.9, "segment": [2.0, 6.0]}],
            "r2": [{"label": run, "score": "0.8", "segment": [5.0, 9.0]}]}})
        .to_string()
    };
    place.write("names.json", results(json!("jump"), json!("run")));
    place.write("ids.json", results(json!(0), json!(1)));
    place.write(
        "ids.csv",
        "video-id;t-start;t-end;label;score\nr1;2;6;0;0,9\n;;;;\nr2;5;9;1;0,8\n",
    );
    for file in ["names.json", "ids.json", "ids.csv"] {
        near(map(&place, file, &[]), 0.75);
    }
}

#[test]
fn proposals_get_classes_or_are_compared_without() {
    let place = place();
    let proposals = json!({"results": {
        "r1": [{"score": 0.9, "segment": [2.0, 6.0]}, {"score": 0.7, "segment": [15.0, 18.0]}],
        "r2": [{"score": 0.8, "segment": [5.0, 9.0]}],
    }});
    place.write("found.json", proposals.to_string());
    let scores = json!({"results": {
        "r1": [{"label": "jump", "score": 0.9}, {"label": "run", "score": 0.1}],
        "r2": [{"label": "run", "score": 0.8}, {"label": "jump", "score": 0.2}],
    }});
    place.write("scores.json", scores.to_string());
    let with = |more: &[&str]| {
        map(
            &place,
            "found.json",
            &[&["--class-scores", "scores.json"], more].concat(),
        )
    };
    // Jump: right first. Run: 0.8 * 0.8 is first and right, the other of its two annotations is not found.
    near(with(&["--per-class"]), 0.75);
    // Without classes: right, right, wrong, of three annotations.
    let (found, printed) = figures(&place, "found.json", &["--recall", "--diagnose"]);
    near(found["average_map"].as_f64().unwrap(), 2.0 / 3.0);
    assert!(
        printed.contains("all annotations count as one class"),
        "{printed}"
    );
    assert_eq!(found["ap"].as_object().unwrap().len(), 1);
    assert!(found["average_recall"]["area"].as_f64().unwrap() > 0.0);
    // As a class-agnostic run writes them, in a table and in a pickle.
    let run = proposals
        .to_string()
        .replace("{\"score\"", "{\"label\":\"action\",\"score\"");
    place.write("run.json", run);
    near(map(&place, "run.json", &[]), 2.0 / 3.0);
    place.write(
        "found.tsv",
        "recording\tstart\tend\tscore\nr1\t2\t6\t0.9\nr2\t5\t9\t0.8\n",
    );
    near(map(&place, "found.tsv", &[]), 2.0 / 3.0);
    near(
        map(&place, "found.tsv", &["--class-scores", "scores.json"]),
        0.75,
    );
    let args = ["evaluate", "truth.json", "found.json", "--per-class"];
    refused(
        &place,
        &args,
        USAGE,
        &["--per-class", "no classes", "--class-scores"],
    );
    place.write(
        "names.json",
        json!({"results": {"r1": [{"label": "run", "score": 1, "segment": [0, 1]}]}}).to_string(),
    );
    let args = [
        "evaluate",
        "truth.json",
        "found.json",
        "--compare",
        "names.json",
    ];
    refused(&place, &args, FAILED, &["one of the two files"]);
}

#[test]
fn pickled_results_are_read_and_code_is_refused() {
    let place = Place::without_data();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tal-data/tests/fixtures/results");
    let file = |name: &str| fixtures.join(name).display().to_string();
    let annotation = |start: f64, end: f64, label: u32| json!({"segment": [start, end], "label": (["run", "jump"][label as usize]), "label_id": label});
    let truth = json!({"database": {
        "v_b": {"subset": "test", "annotations": [annotation(0.5, 2.5, 0), annotation(3.0, 4.0, 1)]},
        "v_a": {"subset": "test", "annotations": [annotation(4.25, 6.0, 0)]},
        "v_c": {"subset": "test", "annotations": []},
    }});
    place.write("truth.json", truth.to_string());
    for name in [
        "dict_numpy2.1.pkl",
        "frame_pandas1.5.pkl",
        "frame_pandas3.1_pyarrow.pkl",
    ] {
        near(map(&place, &file(name), &[]), 1.0);
        // Of three equal scores of jump the first is right, and the last in the file comes first elsewhere.
        near(
            map(&place, &file(name), &["--dialect", "actionformer"]),
            (1.0 + 1.0 / 3.0) / 2.0,
        );
    }
    let args = ["evaluate", "truth.json", &file("command.pkl")];
    refused(
        &place,
        &args,
        FAILED,
        &["command.pkl", "refused", "system", "no code is run"],
    );
}

#[test]
fn faulty_annotations_are_left_out_and_named_or_refused() {
    let place = place();
    let mut truth = place.json("truth.json");
    let faulty = json!([
        {"segment": [2.0, 6.0], "label": "jump", "label_id": 0},
        {"segment": [12.0, 10.0], "label": "run", "label_id": 1},
    ]);
    truth["database"]["r1"]["annotations"] = faulty;
    place.write("truth.json", truth.to_string());
    place.write(
        "found.json",
        json!({"results": {"r2": [{"label": "run", "score": 1, "segment": [5, 9]}]}}).to_string(),
    );
    near(map(&place, "found.json", &[]), 0.5);
    let output = place.tal(&["evaluate", "truth.json", "found.json"]);
    let warned = String::from_utf8(output.stderr).unwrap();
    assert!(
        warned.contains("1 that end before they start: \"r1\" annotation 1 (12 to 10 s)"),
        "{warned}"
    );
    let args = ["evaluate", "truth.json", "found.json", "--strict"];
    refused(
        &place,
        &args,
        FAILED,
        &["\"r1\", annotation 1", "ends before it starts"],
    );
}

#[test]
fn the_diagnosis_counts_as_detad_does_unless_told_otherwise() {
    let place = place();
    place.write(
        "found.json",
        json!({"results": {"r1": [{"label": "run", "score": 1, "segment": [10, 12]}]}}).to_string(),
    );
    let buckets = |more: &[&str]| {
        let (found, _) = figures(&place, "found.json", &[&["--diagnose"], more].concat());
        let all = found["diagnosis"]["characteristics"][2]["buckets"]
            .as_array()
            .unwrap()
            .clone();
        all.iter()
            .map(|b| b["num_instances"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(buckets(&[]), [1, 2, 0, 0]);
    assert_eq!(buckets(&["--count-instances", "class"]), [3, 0, 0, 0]);
    assert_eq!(buckets(&["--diagnosis-ties", "detad"]), [1, 2, 0, 0]);
}
