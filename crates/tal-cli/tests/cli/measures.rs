//! `tal evaluate --measure` on annotations so few that the figures can be computed by hand.

use serde_json::{Value, json};

use crate::bad_input::{FAILED, USAGE, refused};
use crate::support::Place;

/// One recording of 100 frames: run in 0 … 40, jump in 50 … 90; found: run as annotated, jump 10 frames late, a run too much.
fn place() -> Place {
    let place = Place::without_data();
    let truth = json!({"database": {
        "a": {"subset": "test", "duration": 10.0, "fps": 10.0, "annotations": [
            {"segment": [0.0, 4.0], "label": "run"},
            {"segment": [5.0, 9.0], "label": "jump"},
        ]},
    }});
    let found = json!({"results": {"a": [
        {"label": "run", "score": 0.9, "segment": [0.0, 4.0]},
        {"label": "jump", "score": 0.8, "segment": [6.0, 9.0]},
        {"label": "run", "score": 0.2, "segment": [9.5, 10.0]},
    ]}});
    place.write("truth.json", truth.to_string());
    place.write("found.json", found.to_string());
    place
}

const BASIC: [&str; 5] = [
    "evaluate",
    "truth.json",
    "found.json",
    "--json",
    "figures.json",
];

fn measured(place: &Place, more: &[&str]) -> (String, Value) {
    let printed = place.ok(&[&BASIC[..], more].concat());
    (printed, place.json("figures.json"))
}

fn close(value: &Value, expected: f64) {
    let found = value.as_f64().unwrap();
    assert!((found - expected).abs() < 1e-12, "{found} {expected}");
}

#[test]
fn a_table_holds_several_measures() {
    let place = place();
    let all = "map,frame,frame-map,segment,event,spotting,mabe,misalignment,bouts,kappa";
    let (printed, json) = measured(
        &place,
        &["--measure", all, "--min-score", "0.5", "--per-class"],
    );
    let found = &json["measures"];
    close(&found["frame"]["micro"]["precision"], 1.0);
    close(&found["frame"]["micro"]["recall"], 70.0 / 80.0);
    close(&found["frame"]["macro"]["recall"], (1.0 + 0.75) / 2.0);
    assert_eq!(found["frame"]["classes"][0]["class"], "jump");
    close(&found["frame_map"]["classes"][1]["average_precision"], 1.0);
    // Of the jump 30 of 40 frames are found alone, the others come with all 100.
    let ap = 0.75 + 0.25 * 40.0 / 100.0;
    close(&found["frame_map"]["classes"][0]["average_precision"], ap);
    let segments = &found["segment"]["without_background"];
    close(&segments["accuracy"], 0.9);
    close(&segments["edit"], 1.0);
    assert_eq!(segments["f1"], json!([1.0, 1.0, 1.0]));
    close(&found["event"]["micro"]["f1"], 0.5);
    close(&found["spotting"]["average_map"], 1.0);
    close(&found["mabe"]["f_beta"], (1.0 + 60.0 / 70.0) / 2.0);
    close(&found["misalignment"][0]["time"]["underfill_start"], 1.0);
    assert_eq!(found["misalignment"][1]["events"]["correct"], 1);
    close(&found["bouts"][0]["found"]["total"], 3.0);
    close(&found["bouts"][0]["truth"]["share"], 0.4);
    close(&found["kappa"]["all"]["observed"], 0.9);
    close(&found["map"]["average_map"], 1.0);
    assert_eq!(json["compared"]["num_kept_detections"], 2);
    for text in [
        "mAP, average",
        "frame F1, macro",
        "segment F1@25",
        "event recall, micro",
        "spotting mAP, 3 s",
        "MABe F-beta, beta 1",
        "underfill start",
        "fragmenting",
        "by chance [%]",
        "frame AP [%]",
        "2 of 3 detections (score at least 0.5), 2 annotations, 1 recordings of test; one class at a time, 10 frames per second.",
    ] {
        assert!(printed.contains(text), "{text}\n{printed}");
    }
}

#[test]
fn rules_are_options() {
    let place = place();
    let (_, json) = measured(&place, &["--measure", "event", "--collar", "1"]);
    let event = &json["measures"]["event"];
    close(&event["micro"]["precision"], 2.0 / 3.0);
    close(&event["micro"]["recall"], 1.0);
    let (_, json) = measured(
        &place,
        &[
            "--measure",
            "event",
            "--ends",
            "offset",
            "--percentage",
            "0",
        ],
    );
    close(&json["measures"]["event"]["micro"]["recall"], 1.0);
    let (printed, json) = measured(
        &place,
        &[
            "--measure",
            "frame",
            "--measure",
            "segment",
            "--bin",
            "1",
            "--overlap",
            "80",
        ],
    );
    close(&json["compared"]["frame_rate"], 1.0);
    assert_eq!(
        json["measures"]["segment"]["without_background"]["overlaps"],
        json!([0.8])
    );
    assert!(printed.contains("3 detections of any score"), "{printed}");
    // Without the runs only the jump is left.
    let (_, json) = measured(&place, &["--measure", "frame,bouts", "--background", "run"]);
    close(&json["measures"]["frame"]["micro"]["precision"], 1.0);
    assert_eq!(json["measures"]["bouts"].as_array().unwrap().len(), 1);
}

#[test]
fn two_annotators_are_compared() {
    let place = place();
    let second = json!({"database": {
        "a": {"subset": "test", "annotations": [
            {"segment": [0.0, 4.0], "label": "run", "label_id": 0},
            {"segment": [5.0, 9.0], "label": "jump", "label_id": 1},
        ]},
    }});
    place.write("second.json", second.to_string());
    let printed = place.ok(&[
        "evaluate",
        "truth.json",
        "second.json",
        "--measure",
        "kappa",
    ]);
    assert!(printed.contains("1.000"), "{printed}");
    let other = second.to_string().replace("jump", "swim");
    place.write("other.json", other);
    let command = ["evaluate", "truth.json", "other.json", "--measure", "kappa"];
    refused(
        &place,
        &command,
        FAILED,
        &["other.json", "\"swim\"", "begin with jump, run"],
    );
}

#[test]
fn wrong_options_are_named() {
    let place = place();
    let with = |more: &[&'static str]| [&["evaluate", "truth.json", "found.json"], more].concat();
    let cases: [(&[&str], &[&str]); 5] = [
        (&["--frame-rate", "5"], &["--measure"]),
        (&["--measure", "frame", "--recall"], &["--recall"]),
        (&["--measure", "f1"], &["frame-map", "kappa"]),
        (
            &["--measure", "frame", "--background", "runn"],
            &["--background runn", "did you mean run?"],
        ),
        (
            &["--measure", "event", "--percentage", "101"],
            &["from 0 to 100"],
        ),
    ];
    for (more, texts) in cases {
        refused(&place, &with(more), USAGE, texts);
    }
    let truth = place.json("truth.json").to_string();
    place.write("truth.json", truth.replace("\"fps\":10.0,", ""));
    refused(
        &place,
        &with(&["--measure", "kappa"]),
        USAGE,
        &["no frame rate", "--frame-rate or --bin"],
    );
    // Events need none.
    place.ok(&with(&["--measure", "event"]));
}
