//! Errors in annotation files name file, recording, annotation, value and what would be right.

use std::path::Path;

use tal_data::annotations;

fn parse(text: &str, num_classes: Option<usize>) -> Result<tal_core::GroundTruth, String> {
    annotations::parse(text.as_bytes(), Path::new("a.json"), num_classes)
        .map_err(|error| error.to_string())
}

/// A file with one recording `r` and these annotations.
fn file(annotations: &str) -> String {
    format!(r#"{{"database": {{"r": {{"subset": "training", "annotations": [{annotations}]}}}}}}"#)
}

fn error_of(annotations: &str) -> String {
    parse(&file(annotations), Some(2)).unwrap_err()
}

#[test]
fn a_missing_file_is_named() {
    let error = annotations::read(Path::new("no/such.json"), None).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("cannot read annotation file no/such.json: "),
        "{text}"
    );
}

#[test]
fn syntax_errors_have_line_and_column() {
    assert_eq!(
        parse("{\"database\":\n {\"r\" 1}}", None).unwrap_err(),
        "a.json: line 2, column 7: expected `:`"
    );
    assert_eq!(
        parse("[1]", None).unwrap_err().split(':').next(),
        Some("a.json")
    );
    let not_finite = parse(&file(r#"{"segment": [0, NaN], "label": "x"}"#), None).unwrap_err();
    assert!(
        not_finite.contains("NaN is not a number; expected a finite one"),
        "{not_finite}"
    );
    let too_large = parse(&file(r#"{"segment": [0, 1e999], "label": "x"}"#), None).unwrap_err();
    assert!(too_large.contains("number out of range"), "{too_large}");
}

#[test]
fn every_prefix_of_a_file_is_an_error_and_no_panic() {
    let whole = file(r#"{"segment": [0, 1.5], "label": "x", "label_id": 0}"#);
    assert!(parse(&whole, Some(1)).is_ok());
    for length in 0..whole.len() {
        assert!(parse(&whole[..length], Some(1)).is_err(), "{length}");
    }
}

#[test]
fn wrong_fields_are_named_with_what_would_be_right() {
    let table = [
        (
            r#"{"segment": [0, 1], "label": "x", "label_id": 2}"#,
            "a.json: recording \"r\", annotation 0: label \"x\" has label_id 2; expected 0 to 1 (num_classes is 2)",
        ),
        (
            r#"{"segment": [0, 1], "label": "x", "label_id": -1}"#,
            "a.json: recording \"r\", annotation 0: field \"label_id\" is -1; expected a whole number from 0",
        ),
        (
            r#"{"segment": [0], "label": "x"}"#,
            "a.json: recording \"r\", annotation 0: field \"segment\" is [0]; expected two numbers, [start, end] in seconds",
        ),
        (
            r#"{"label": "x"}"#,
            "a.json: recording \"r\", annotation 0: field \"segment\" is missing; expected two numbers, [start, end] in seconds",
        ),
        (
            r#"{"segment": [0, 1], "label": 3}"#,
            "a.json: recording \"r\", annotation 0: field \"label\" is 3; expected the name of a class",
        ),
        (
            "7",
            "a.json: recording \"r\", annotation 0: field \"annotation\" is 7; expected an object",
        ),
    ];
    for (annotations, expected) in table {
        assert_eq!(error_of(annotations), expected);
    }
}

#[test]
fn wrong_recordings_are_named() {
    let table = [
        (
            "{}",
            "a.json: field \"database\" is missing; expected an object from recording ids to recordings; known layouts are this one, \
             and those of `tal data convert annotations --from`: csv, activitynet, hacs, bsn, thumos14, multithumos, \
             epic-kitchens-verb, epic-kitchens-noun, charades, ego4d-mq",
        ),
        (
            r#"{"database": {"r": {}}}"#,
            "a.json: recording \"r\": field \"subset\" is missing; expected a text, such as \"training\"",
        ),
        (
            r#"{"database": {"r": {"subset": "t", "fps": 0}}}"#,
            "a.json: recording \"r\": field \"fps\" is 0; expected frames per second above 0",
        ),
        (
            r#"{"database": {"r": {"subset": "t"}, "r": {"subset": "t"}}}"#,
            "a.json: recording \"r\" occurs twice; give each recording an id of its own",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(parse(text, None).unwrap_err(), expected);
    }
}

#[test]
fn conflicting_classes_are_errors() {
    let two_names = error_of(
        r#"{"segment": [0, 1], "label": "x", "label_id": 0}, {"segment": [0, 1], "label": "y", "label_id": 0}"#,
    );
    assert_eq!(
        two_names,
        "a.json: recording \"r\", annotation 1: class id 0 has two names, \"x\" and \"y\"; give each label an id of its own"
    );
    let two_ids = error_of(
        r#"{"segment": [0, 1], "label": "x", "label_id": 0}, {"segment": [0, 1], "label": "x", "label_id": 1}"#,
    );
    assert!(
        two_ids.contains("class \"x\" has two ids, 0 and 1"),
        "{two_ids}"
    );
    let no_id = error_of(
        r#"{"segment": [0, 1], "label": "x", "label_id": 0}, {"segment": [0, 1], "label": "y"}"#,
    );
    assert!(
        no_id.contains("annotation 1: label \"y\" has no label_id"),
        "{no_id}"
    );
}

#[test]
fn more_labels_than_classes_is_an_error() {
    let text = file(
        r#"{"segment": [0, 1], "label": "c"}, {"segment": [0, 1], "label": "a"}, {"segment": [0, 1], "label": "b"}"#,
    );
    assert_eq!(
        parse(&text, Some(2)).unwrap_err(),
        "a.json: 3 labels (a, b, c), but num_classes is 2; expected at most 2"
    );
    // Without ids, the sorted names count from 0.
    let truth = parse(&text, Some(3)).unwrap();
    let labels: Vec<u32> = truth.recordings[0]
        .instances
        .iter()
        .map(|i| i.label)
        .collect();
    assert_eq!(labels, [2, 0, 1]);
    assert_eq!(truth.classes.name(1), Some("b"));
}

#[test]
fn ids_are_taken_from_the_same_label_elsewhere() {
    let text = file(
        r#"{"segment": [0, 1], "label": "x"}, {"segment": [2, 3], "label": "x", "label_id": 4.0}"#,
    );
    let truth = parse(&text, None).unwrap();
    assert!(truth.recordings[0].instances.iter().all(|i| i.label == 4));
}

#[test]
fn the_order_of_the_file_is_kept_and_recordings_may_be_empty() {
    let text = r#"{"database": {
        "z": {"subset": "test", "duration": 2.5, "fps": 50, "subject": 3, "annotations": []},
        "a": {"subset": "Training", "duration": null}}}"#;
    let truth = parse(text, Some(2)).unwrap();
    let ids: Vec<&str> = truth.recordings.iter().map(|r| r.id.as_str()).collect();
    assert_eq!(ids, ["z", "a"]);
    assert_eq!(
        (truth.recordings[0].duration, truth.recordings[0].fps),
        (Some(2.5), Some(50.0))
    );
    assert_eq!(truth.recordings[1].duration, None);
    assert!(truth.recordings.iter().all(|r| r.instances.is_empty()));
}
