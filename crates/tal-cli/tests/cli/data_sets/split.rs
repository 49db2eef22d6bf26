//! `tal data split`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::bad_input::{FAILED, USAGE, refused};
use crate::support::{Place, words};

/// 12 subjects with two recordings each and a field that this program does not know.
fn subjects(place: &Place) {
    let mut database = serde_json::Map::new();
    for subject in 0..12 {
        for take in ["a", "b"] {
            let annotations: Vec<Value> = (0..2 + subject % 3)
                .map(|n| {
                    let label = ["run", "jump"][n % 2];
                    serde_json::json!({"segment": [n, n + 1], "label": label, "label_id": n % 2})
                })
                .collect();
            database.insert(
                format!("s{subject:02}_{take}"),
                serde_json::json!({"subset": "all", "subject": subject, "annotations": annotations}),
            );
        }
    }
    let document = serde_json::json!({"version": "mine", "database": database});
    place.write("a.json", document.to_string());
}

fn subsets(annotations: &Value) -> BTreeMap<String, String> {
    let database = annotations["database"].as_object().unwrap();
    database
        .iter()
        .map(|(id, recording)| (id.clone(), recording["subset"].as_str().unwrap().to_owned()))
        .collect()
}

#[test]
fn subjects_are_split() {
    let place = Place::without_data();
    subjects(&place);
    let split = |more: &[&str]| place.ok(&[&["data", "split", "a.json"], more].concat());
    let printed = split(&[
        "--test-share",
        "0.25",
        "--group",
        "^s(\\d+)_",
        "--out",
        "b.json",
    ]);
    for part in ["recordings", "groups", "run", "jump", "training", "test"] {
        assert!(printed.contains(part), "{printed}");
    }
    let found = subsets(&place.json("b.json"));
    let test: BTreeSet<&str> = found
        .iter()
        .filter(|(_, s)| *s == "test")
        .map(|(id, _)| &id[..3])
        .collect();
    assert_eq!(test.len(), 3, "{found:?}");
    assert_eq!(found.values().filter(|s| *s == "test").count(), 6);
    for (id, subset) in &found {
        assert_eq!(subset == "test", test.contains(&id[..3]), "{id}");
    }
    // What the program does not know stays, and everything but the subsets.
    let (mut before, mut after) = (place.json("a.json"), place.json("b.json"));
    assert_eq!(after["database"]["s03_a"]["subject"], 3);
    for document in [&mut before, &mut after] {
        for recording in document["database"].as_object_mut().unwrap().values_mut() {
            recording.as_object_mut().unwrap().remove("subset");
        }
    }
    assert_eq!(before, after);
    // The same seed, the same subsets; the other rule for the same groups, too.
    split(&words("--test-share 0.25 --group-prefix _ --out c.json"));
    assert_eq!(place.read("b.json"), place.read("c.json"));
    split(&words(
        "--test-share 0.25 --seed 7 --group-prefix _ --out d.json",
    ));
    assert_ne!(place.read("b.json"), place.read("d.json"));
    // A part of the training set for validation; the test set stays.
    let args = words("data split b.json --validation-share 0.3 --subset Training --out e.json");
    place.ok(&args);
    let more = subsets(&place.json("e.json"));
    for (id, subset) in &found {
        assert_eq!(subset == "test", more[id] == "test");
    }
    assert!(more.values().any(|subset| subset == "validation"));
}

#[test]
fn folds_hold_every_recording_out_once() {
    let place = Place::without_data();
    subjects(&place);
    let printed = place.ok(&words(
        "data split a.json --folds 4 --group-prefix _ --out folds",
    ));
    assert!(printed.contains("fold4"), "{printed}");
    let mut held_out = BTreeMap::new();
    for fold in 1..=4 {
        let found = subsets(&place.json(&format!("folds/fold{fold}.json")));
        for (id, subset) in found {
            assert!(["training", "test"].contains(&subset.as_str()));
            *held_out.entry(id).or_insert(0) += usize::from(subset == "test");
        }
    }
    assert_eq!(held_out.len(), 24);
    assert!(held_out.values().all(|count| *count == 1), "{held_out:?}");
    let again = ["data", "split", "a.json", "--folds", "4", "--out", "folds"];
    refused(
        &place,
        &again,
        USAGE,
        &["fold1.json: the file exists", "--force"],
    );
    place.ok(&[&again[..], &["--force"]].concat());
}

#[test]
fn splits_that_cannot_be() {
    let place = Place::without_data();
    subjects(&place);
    place.write("file", "");
    let cases: [(&[&str], i32, &[&str]); 13] = [
        (&["--out", "b.json"], USAGE, &["--test-share", "--folds"]),
        (
            &["--test-share", "1", "--out", "b.json"],
            USAGE,
            &["above 0 and below 1"],
        ),
        (
            &["--test-share", "nan", "--out", "b.json"],
            USAGE,
            &["finite"],
        ),
        (&["--folds", "1", "--out", "b"], USAGE, &["at least 2"]),
        (
            &["--folds", "2", "--test-share", "0.2", "--out", "b"],
            USAGE,
            &["cannot be used with"],
        ),
        (
            &words("--test-share 0.5 --validation-share 0.5 --out b.json"),
            USAGE,
            &["must be below 1 together"],
        ),
        (
            &["--test-share", "0.2", "--group", "(", "--out", "b.json"],
            USAGE,
            &["--group", "unclosed"],
        ),
        (
            &["--test-share", "0.2", "--group", "^x", "--out", "b.json"],
            USAGE,
            &["--group ^x", "\"s00_a\""],
        ),
        (
            &words("--test-share 0.2 --group-prefix - --out b.json"),
            USAGE,
            &["--group-prefix -"],
        ),
        (
            &["--test-share", "0.2", "--group", "^s", "--out", "b.json"],
            USAGE,
            &["1 group(s)", "2 subsets"],
        ),
        (
            &["--test-share", "0.2", "--subset", "val", "--out", "b.json"],
            USAGE,
            &["--subset val", "all"],
        ),
        (
            &["--test-share", "0.2", "--out", "a.json"],
            USAGE,
            &["a.json: the file exists", "--force"],
        ),
        (
            &["--folds", "2", "--out", "file"],
            USAGE,
            &["--out file", "a folder"],
        ),
    ];
    for (more, code, parts) in cases {
        refused(
            &place,
            &[&["data", "split", "a.json"], more].concat(),
            code,
            parts,
        );
    }
    let missing = words("data split none.json --test-share 0.2 --out b.json");
    refused(&place, &missing, FAILED, &["none.json", "No such file"]);
}
