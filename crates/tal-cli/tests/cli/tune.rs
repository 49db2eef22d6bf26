//! `tal tune`, and the commands that read its file.

use serde_json::json;

use crate::bad_input::{USAGE, refused};
use crate::support::{Place, text};

/// Annotations of two subsets and detections: right ones score at least 0.6, wrong ones at most 0.4.
fn made() -> Place {
    let place = Place::without_data();
    let (mut database, mut results) = (json!({}), json!({}));
    for (id, subset) in [("v1", "validation"), ("v2", "validation"), ("t1", "test")] {
        let mut rows = Vec::new();
        for (start, score) in [(1.0, 0.9), (21.0, 0.6), (41.0, 0.7)] {
            rows.push(json!({"label": "jump", "score": score, "segment": [start, start + 8.0]}));
            rows.push(json!({"label": "jump", "score": score - 0.5, "segment": [start + 10.0, start + 16.0]}));
        }
        let truth = rows
            .iter()
            .filter(|row| row["score"].as_f64().unwrap() > 0.5);
        let truth: Vec<_> = truth
            .map(|row| json!({"label": "jump", "label_id": 0, "segment": row["segment"]}))
            .collect();
        database[id] =
            json!({"subset": subset, "duration": 60.0, "fps": 10.0, "annotations": truth});
        results[id] = json!(rows);
    }
    place.write("truth.json", json!({"database": database}).to_string());
    place.write("found.json", json!({"results": results}).to_string());
    place
}

#[test]
fn thresholds_are_found_applied_and_not_reported_on_their_own_recordings() {
    let place = made();
    let tune = [
        "tune",
        "found.json",
        "--ground-truth",
        "truth.json",
        "--subset",
        "validation",
        "--measure",
        "frame",
        "--out",
        "rules.yaml",
    ];
    let printed = place.ok(&tune);
    assert!(
        printed.contains("100.00 % with these rules, on 2 recordings of validation"),
        "{printed}"
    );
    let rules = place.read("rules.yaml");
    for part in [
        "thresholds:",
        "sha256:",
        "- v1",
        "- v2",
        "- validation",
        "measure:",
    ] {
        assert!(rules.contains(part), "{part}: {rules}");
    }
    assert!(!rules.contains("t1"));

    let evaluate = |subset: &str, more: &[&str]| {
        let args = [
            "evaluate",
            "truth.json",
            "found.json",
            "--measure",
            "frame",
            "--json",
            "figures.json",
            "--subset",
        ];
        place.tal(&[&args[..], &[subset], more].concat())
    };
    let f1 = || {
        place.json("figures.json")["measures"]["frame"]["macro"]["f1"]
            .as_f64()
            .unwrap()
    };
    assert!(evaluate("test", &[]).status.success());
    let untuned = f1();
    let output = evaluate("test", &["--thresholds", "rules.yaml"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("With the rules of rules.yaml."));
    assert!(f1() == 1.0 && untuned < 0.8, "{untuned}");

    // On the recordings of the search, only with a word about it.
    let output = evaluate("validation", &["--thresholds", "rules.yaml"]);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        message.contains("tuned on 2 of these recordings") && message.contains("--tuned-here"),
        "{message}"
    );
    let output = evaluate(
        "validation",
        &["--thresholds", "rules.yaml", "--tuned-here"],
    );
    assert!(
        text(&output.stdout)
            .contains("tuned on 2 of these recordings: figures of others will be lower")
    );
    // mAP, too.
    let output = place.tal(&[
        "evaluate",
        "truth.json",
        "found.json",
        "--thresholds",
        "rules.yaml",
    ]);
    assert_eq!(output.status.code(), Some(2));

    for (args, part) in [
        (
            &["tune", "found.json", "--measure", "frame", "--subset", "x"][..],
            "--out",
        ),
        (
            &[
                "tune",
                "found.json",
                "--measure",
                "frame",
                "--subset",
                "x",
                "--out",
                "r.yaml",
            ],
            "--ground-truth",
        ),
        (
            &[
                "tune",
                "found.json",
                "--measure",
                "map",
                "--subset",
                "x",
                "--out",
                "r.yaml",
                "--ground-truth",
                "truth.json",
            ],
            "--subset x: truth.json has the subsets validation, test",
        ),
    ] {
        refused(&place, args, USAGE, &[part]);
    }
}

#[test]
fn a_run_is_tuned_and_its_rules_are_used() {
    let place = Place::new();
    place.ok(&["train", "net.yaml", "--out", "run"]);
    for (measure, more) in [
        ("map", &[][..]),
        ("event", &["--collar", "1"]),
        ("segment", &[]),
    ] {
        let out = format!("{measure}.yaml");
        let args = [
            "tune",
            "run",
            "--subset",
            "test",
            "--measure",
            measure,
            "--out",
            &out,
        ];
        let printed = place.ok(&[&args[..], more].concat());
        assert!(printed.contains("sigma of Soft-NMS"), "{printed}");
    }
    // The best sigma gives the figure that the search found.
    let map = place.read("map.yaml");
    let figure = |name: &str| -> f64 {
        let line = map
            .lines()
            .find_map(|line| line.trim().strip_prefix(name))
            .unwrap();
        line.trim().parse().unwrap()
    };
    assert!(figure("value:") >= figure("untuned:"));
    let output = place.tal(&["test", "run", "--thresholds", "map.yaml"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    let printed = place.ok(&[
        "test",
        "run",
        "--thresholds",
        "map.yaml",
        "--tuned-here",
        "--json",
        "eval.json",
    ]);
    assert!(
        printed.contains("tuned on 3 of these recordings"),
        "{printed}"
    );
    let found = place.json("eval.json")["average_map"].as_f64().unwrap();
    assert!(
        (found - figure("value:")).abs() < 1e-9,
        "{found} {}",
        figure("value:")
    );
    // Without --out, the rules lie in the run.
    place.ok(&["tune", "run", "--subset", "training", "--measure", "frame"]);
    place.ok(&["test", "run", "--thresholds", "run/thresholds.yaml"]);
    place.ok(&[
        "predict",
        "run",
        "data/features/synth_test_*.npy",
        "--thresholds",
        "run/thresholds.yaml",
    ]);
}
