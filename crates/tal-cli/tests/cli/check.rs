//! `tal data check` and `tal data stats`.

use std::fs;

use roxmltree::Document;
use serde_json::{Value, json};

use crate::bad_input::{FAILED, USAGE, refused};
use crate::support::{Place, text, words};

const CHECK: [&str; 5] = ["data", "check", "net.yaml", "--json", "check.json"];
const STATS: [&str; 5] = ["data", "stats", "net.yaml", "--json", "stats.json"];

fn codes(found: &Value) -> Vec<(&str, &str)> {
    let findings = found["findings"].as_array().unwrap().iter();
    findings
        .map(|one| {
            (
                one["severity"].as_str().unwrap(),
                one["code"].as_str().unwrap(),
            )
        })
        .collect()
}

#[test]
fn a_right_data_set_passes() {
    let place = Place::new();
    for more in [&[][..], &["--quick"]] {
        let printed = place.ok(&[&CHECK[..], more].concat());
        assert!(printed.contains("0 errors, 0 warnings"), "{printed}");
        assert_eq!(printed.contains("not read (--quick)"), !more.is_empty());
        let found = place.json("check.json");
        assert_eq!(found["num_errors"], 0);
        assert_eq!(found["quick"], !more.is_empty());
        assert_eq!(found["complete"], true);
        let training = &found["subsets"][0];
        assert_eq!(
            (&training["role"], &training["num_recordings"]),
            (&json!("training"), &json!(8))
        );
        let read = if more.is_empty() { 8 } else { 0 };
        assert_eq!(training["num_features_read"], read);
    }
}

#[test]
fn every_fault_is_named_and_fails() {
    let place = Place::new();
    let mut truth = place.json("data/annotations.json");
    let ids: Vec<String> = truth["database"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    truth["database"][&ids[0]]["annotations"][0]["segment"] = json!([5.0, 1.0]);
    truth["database"][&ids[1]]["annotations"] = json!([]);
    place.write("data/annotations.json", truth.to_string());
    fs::remove_file(place.path(&format!("data/features/{}.npy", ids[2]))).unwrap();
    place.write(&format!("data/features/{}.npy", ids[3]), "nothing");

    let output = place.tal(&CHECK);
    assert_eq!(output.status.code(), Some(FAILED));
    assert_eq!(
        text(&output.stderr).lines().last().unwrap(),
        "error: 3 errors in the data set"
    );
    let printed = text(&output.stdout);
    for (line, id) in [
        ("error: segment_reversed", &ids[0]),
        ("warning: recording_without_annotations", &ids[1]),
        ("error: feature_missing", &ids[2]),
        ("error: feature_unreadable", &ids[3]),
    ] {
        let mut lines = printed.lines().skip_while(|one| *one != line);
        assert!(lines.next().is_some(), "{line}: {printed}");
        assert!(
            lines.next().unwrap().trim().starts_with(&format!("{id}: ")),
            "{printed}"
        );
    }
    let found = place.json("check.json");
    let codes = codes(&found);
    for code in ["segment_reversed", "feature_missing", "feature_unreadable"] {
        assert!(codes.contains(&("error", code)), "{codes:?}");
    }
    for key in ["recording", "found", "expected", "count"] {
        assert!(found["findings"][0].get(key).is_some(), "{key}");
    }
}

#[test]
fn overrides_reach_the_check() {
    let place = Place::new();
    let output = place.tal(&[&CHECK[..], &["--set", "dataset.fps=32"]].concat());
    assert_eq!(output.status.code(), Some(FAILED));
    let found = place.json("check.json");
    let rate = codes(&found)
        .iter()
        .position(|one| *one == ("error", "feature_rate"));
    let expected = &found["findings"][rate.unwrap()]["expected"];
    assert_eq!(
        expected,
        "fps: 16; it gives the number of features of all 11 recordings exactly"
    );
}

#[test]
fn figures_are_told_written_and_drawn() {
    let place = Place::new();
    let printed = place.ok(&[&STATS[..], &["--plots", "plots/stats"]].concat());
    let figures = place.json("stats.json");
    let truth = place.json("data/annotations.json");
    let num_actions = |subset: &str| -> usize {
        let recordings = truth["database"].as_object().unwrap().values();
        let of_subset = recordings.filter(|one| one["subset"] == subset);
        of_subset
            .map(|one| one["annotations"].as_array().unwrap().len())
            .sum()
    };
    for (index, role) in ["training", "test"].into_iter().enumerate() {
        let subset = &figures["subsets"][index];
        assert_eq!(subset["role"], role);
        assert_eq!(subset["num_actions"], num_actions(role));
        assert_eq!(subset["num_recordings"], subset["num_lengths_read"]);
    }
    assert_eq!(figures["classes"].as_array().unwrap().len(), 3);
    assert_eq!(figures["levels"]["levels"].as_array().unwrap().len(), 4);
    assert_eq!(figures["max_seq_len"]["current"], 64);
    let advised = figures["max_seq_len"]["for_all"].as_u64().unwrap();
    assert!(advised.is_multiple_of(8));
    assert!(printed.contains("dataset.max_seq_len: 64"), "{printed}");
    for name in ["recording_seconds", "action_seconds", "classes", "levels"] {
        let svg = place.read(&format!("plots/stats/{name}.svg"));
        assert_eq!(
            Document::parse(&svg)
                .unwrap()
                .root_element()
                .tag_name()
                .name(),
            "svg"
        );
    }
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let place = Place::new();
    place.write("file", "");
    refused(
        &place,
        &["data", "check", "none.yaml"],
        USAGE,
        &["none.yaml"],
    );
    let json = ["data", "check", "net.yaml", "--json", "nowhere/check.json"];
    refused(
        &place,
        &json,
        USAGE,
        &["--json nowhere/check.json", "there is no folder"],
    );
    let plots = ["data", "stats", "net.yaml", "--plots", "file"];
    refused(&place, &plots, USAGE, &["--plots file", "is a file"]);
    let subset = words("data stats net.yaml --set dataset.test_subsets=[none]");
    refused(&place, &subset, FAILED, &["no recording in \"none\""]);
}
