//! Annotation files as they are found: faults of single annotations, other layouts, other encodings.

use std::path::Path;

use tal_core::GroundTruth;
use tal_data::annotations::{self, SegmentRule};

fn parse(text: &str, rule: SegmentRule) -> Result<GroundTruth, String> {
    annotations::parse_with(text.as_bytes(), Path::new("a.json"), None, rule)
        .map_err(|error| error.to_string())
}

const FAULTY: &str = r#"{"database": {"r": {"subset": "training", "annotations": [
    {"segment": [0, 1], "label": "run"}, {"segment": [9, 4], "label": "fall"},
    {"segment": [3, 3], "label": "jump"}, {"segment": ["5", "6.5"], "label": "run"}]}}}"#;

#[test]
fn one_rule_decides_on_reversed_and_empty_annotations() {
    let num = |rule| parse(FAULTY, rule).unwrap().recordings[0].instances.len();
    assert_eq!(num(SegmentRule::USUAL), 2);
    assert_eq!(num(SegmentRule::EVALUATION), 3);
    assert_eq!(num(SegmentRule::ALL), 4);
    assert_eq!(
        parse(FAULTY, SegmentRule::STRICT).unwrap_err(),
        "a.json: recording \"r\", annotation 1: segment [9, 4] ends before it starts; expected start <= end (seconds)"
    );
    let empty = FAULTY.replace("[9, 4]", "[4, 9]");
    assert_eq!(
        parse(&empty, SegmentRule::STRICT).unwrap_err(),
        "a.json: recording \"r\", annotation 2: segment [3, 3] has no length; expected start < end (seconds)"
    );
    // Ids do not depend on what is left out: fall, jump, run.
    let truth = parse(FAULTY, SegmentRule::USUAL).unwrap();
    assert_eq!(truth.classes.id("run"), Some(2));
    let segment = truth.recordings[0].instances[1].segment;
    assert_eq!((segment.start, segment.end), (5.0, 6.5));
}

#[test]
fn numbers_may_be_texts() {
    let text = r#"{"database": {"r": {"subset": "training", "duration": "12.5", "fps": " 30 ", "annotations": [
        {"segment": ["1", "2.5"], "label": "run", "label_id": "3"}]}}}"#;
    let truth = parse(text, SegmentRule::USUAL).unwrap();
    assert_eq!(truth.recordings[0].duration, Some(12.5));
    assert_eq!(truth.recordings[0].fps, Some(30.0));
    assert_eq!(truth.recordings[0].instances[0].label, 3);
    for (old, new) in [("12.5", "long"), ("2.5\"]", "inf\"]"), ("\"3\"", "\"x\"")] {
        let error = parse(&text.replace(old, new), SegmentRule::USUAL).unwrap_err();
        assert!(error.contains("expected"), "{error}");
    }
}

#[test]
fn another_layout_is_recognised() {
    for (text, part) in [
        (
            "[{\"id\": 1}]",
            "a list; expected an object with \"database\"",
        ),
        ("", "the file is empty"),
        (" \n", "the file is empty"),
        (
            r#"{"v_a": {"duration_second": 10, "annotations": []}}"#,
            "the layout of BSN and mmaction2, with recording ids that belong below \"database\"",
        ),
        (
            r#"{"v_a": {"annotations": []}}"#,
            "--from bsn --default-subset NAME",
        ),
        (
            r#"{"a": {"duration": 1, "actions": [[0, 1, 2]]}}"#,
            "--from multithumos",
        ),
        (r#"{"version": 1, "videos": []}"#, "--from ego4d-mq"),
        (r#"{"version": 1, "results": {}}"#, "a file of detections"),
        (r#"{"a": 1}"#, "known layouts are this one"),
        ("{}", "field \"database\" is missing"),
    ] {
        let error = parse(text, SegmentRule::USUAL).unwrap_err();
        assert!(error.contains(part), "{text}: {error}");
        assert!(error.starts_with("a.json: "), "{error}");
    }
}

#[test]
fn every_encoding_of_a_text_file_is_read() {
    let expected = parse(FAULTY, SegmentRule::USUAL).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.json");
    let units = || [0xfeff].into_iter().chain(FAULTY.encode_utf16());
    for bytes in [
        format!("\u{feff}{FAULTY}").into_bytes(),
        units().flat_map(u16::to_le_bytes).collect(),
        units().flat_map(u16::to_be_bytes).collect(),
        FAULTY.encode_utf16().flat_map(u16::to_le_bytes).collect(),
    ] {
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(annotations::read(&path, None).unwrap(), expected);
        assert_eq!(annotations::parse(&bytes, &path, None).unwrap(), expected);
    }
}
