//! Detections as other programs write them.

use std::path::Path;

use tal_core::{ClassMap, Detection, DetectionSet, Segment};
use tal_data::results;

fn classes() -> ClassMap {
    ClassMap::from_names(["run", "jump", "7"]).unwrap()
}

fn json(text: &[u8]) -> Result<DetectionSet, String> {
    results::parse_json(text, Path::new("d.json"), &classes()).map_err(|e| e.to_string())
}

fn csv(text: &[u8]) -> Result<DetectionSet, String> {
    results::parse_csv(text, Path::new("d.csv"), &classes()).map_err(|e| e.to_string())
}

fn detection(start: f64, end: f64, label: u32, score: f64) -> Detection {
    let segment = Segment::new(start, end);
    Detection {
        segment,
        label,
        score,
    }
}

fn utf16(text: &str) -> Vec<u8> {
    let units = [0xfeff].into_iter().chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

#[test]
fn labels_may_be_ids_and_numbers_texts() {
    let label = |label: &str| {
        let text = format!(
            r#"{{"results": {{"a": [{{"label": {label}, "score": "0.5", "segment": ["1", 2]}}]}}}}"#
        );
        json(text.as_bytes()).map(|set| set["a"][0])
    };
    for (written, id) in [
        ("1", 1),
        ("1.0", 1),
        ("\"1\"", 1),
        ("\"class_1\"", 1),
        ("\"jump\"", 1),
        ("7", 2),
        ("9", 9),
    ] {
        assert_eq!(
            label(written).unwrap(),
            detection(1.0, 2.0, id, 0.5),
            "{written}"
        );
    }
    for written in ["-1", "1.5", "4294967295", "\"\"", "\"swim\""] {
        let error = label(written).unwrap_err();
        assert!(error.contains("is not a class"), "{written}: {error}");
    }
    let error = label("[1]").unwrap_err();
    assert!(
        error.contains("expected the name or the id of a class"),
        "{error}"
    );
}

#[test]
fn recordings_and_rows_keep_the_order_of_the_file() {
    let text = br#"{"results": {"b": [{"label": "run", "score": 1, "segment": [0, 1]}], "c": [], "a": []}}"#;
    let set = json(text).unwrap();
    assert_eq!(set.keys().collect::<Vec<_>>(), ["b", "c", "a"]);
    let text = b"recording,start,end,label,score\nb,0,1,run,1\na,0,1,run,1\nb,1,2,run,1\n";
    let set = csv(text).unwrap();
    assert_eq!(set.alternation(), Some(&[0, 1, 0][..]));
    // A file that is written keeps it, too.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.json");
    results::write(&path, &set, &classes()).unwrap();
    let again = results::read(&path, &classes()).unwrap();
    assert_eq!(again.keys().collect::<Vec<_>>(), ["b", "a"]);
}

#[test]
fn tables_may_have_semicolons_decimal_commas_quotes_and_empty_rows() {
    let expected = DetectionSet::from([("a".into(), vec![detection(0.5, 2.0, 1, 0.25)])]);
    for text in [
        "recording;start;end;label;score\na;0,5;2;jump;0,25\n",
        "recording;start;end;label;score\r\n;;;;\r\na;0.5;2;jump;0.25\r\n\r\n;;;;\r\n",
        "\"recording\",\"start\",\"end\",\"label\",\"score\"\n\"a\", \"0.5\", \"2\", 'jump',0.25\n",
        "recording\tstart\tend\tlabel\tscore\n\t\t\t\t\na\t0.5\t2\tjump\t0.25\n",
        "recording,start,end,label,score\n  \na,0.5,2,jump,0.25\n,,,,\n",
    ] {
        assert_eq!(
            csv(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}")),
            expected,
            "{text}"
        );
        assert_eq!(csv(&utf16(text)).unwrap(), expected, "UTF-16: {text}");
    }
    let error = csv(b"recording,start,end,label,score\n,,,,\na,0,1,run\n").unwrap_err();
    assert!(error.contains("line 3 has 4 fields"), "{error}");
}

#[test]
fn json_may_be_utf_16() {
    let text = r#"{"results": {"a": [{"label": "jump", "score": 0.25, "segment": [0.5, 2]}]}}"#;
    let expected = DetectionSet::from([("a".into(), vec![detection(0.5, 2.0, 1, 0.25)])]);
    assert_eq!(json(&utf16(text)).unwrap(), expected);
    assert_eq!(
        json(format!("\u{feff}{text}").as_bytes()).unwrap(),
        expected
    );
}

#[test]
fn proposals_have_no_class() {
    let proposal = detection(2.0, 6.0, Detection::NO_CLASS, 0.9);
    let expected = DetectionSet::from([("a".into(), vec![proposal])]);
    for text in [
        r#"{"results": {"a": [{"score": 0.9, "segment": [2, 6]}]}}"#,
        r#"{"results": {"a": [{"score": 0.9, "segment": [2, 6], "label": null}]}}"#,
        // How a class-agnostic run writes them.
        r#"{"results": {"a": [{"score": 0.9, "segment": [2, 6], "label": "action"}]}}"#,
    ] {
        assert_eq!(json(text.as_bytes()).unwrap(), expected, "{text}");
    }
    assert_eq!(
        csv(b"recording,start,end,score\na,2,6,0.9\n").unwrap(),
        expected
    );
    // They survive a file.
    let folder = tempfile::tempdir().unwrap();
    for name in ["p.json", "p.csv"] {
        let path = folder.path().join(name);
        results::write(&path, &expected, &classes()).unwrap();
        assert_eq!(results::read(&path, &classes()).unwrap(), expected);
    }
    // A class of that name is a class.
    let named = ClassMap::from_names(["action"]).unwrap();
    let text = br#"{"results": {"a": [{"score": 0.9, "segment": [2, 6], "label": "action"}]}}"#;
    let set = results::parse_json(text, Path::new("d.json"), &named).unwrap();
    assert_eq!(set["a"][0].label, 0);
    let error = json(br#"{"results": {"a": [{"score": 1, "segment": [2, 6], "label": "run"}, {"score": 1, "segment": [2, 6]}]}}"#);
    assert_eq!(
        error.unwrap_err(),
        "d.json: recording \"a\", detection 1: no label, but other detections have one; give each a label, or none"
    );
}
