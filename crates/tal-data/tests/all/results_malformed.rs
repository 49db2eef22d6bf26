//! Malformed detections: an error that says where and what, never a panic.

use std::path::Path;

use tal_core::{ClassMap, Detection, DetectionSet, Segment};
use tal_data::results;

fn classes() -> ClassMap {
    ClassMap::from_names(["run", "jump", "0"]).unwrap()
}

fn json(text: &str) -> Result<DetectionSet, String> {
    results::parse_json(text.as_bytes(), Path::new("d.json"), &classes()).map_err(|e| e.to_string())
}

fn csv(text: &str) -> Result<DetectionSet, String> {
    results::parse_csv(text.as_bytes(), Path::new("d.csv"), &classes()).map_err(|e| e.to_string())
}

fn one(start: f64, end: f64, label: u32, score: f64) -> DetectionSet {
    let segment = Segment::new(start, end);
    let detection = Detection {
        segment,
        label,
        score,
    };
    DetectionSet::from([("a".into(), vec![detection])])
}

/// The error of a file whose second detection is this one.
fn entry(text: &str) -> String {
    let fine = r#"{"label": "run", "score": 1, "segment": [0, 1]}"#;
    json(&format!("{{\"results\": {{\"a\": [\n{fine},\n{text}]}}}}")).unwrap_err()
}

#[test]
fn json_entries() {
    for (text, part) in [
        (
            r#"{"label": "swim", "score": 1, "segment": [0, 1]}"#,
            "label \"swim\" is not a class",
        ),
        (
            r#"{"label": "run", "score": 1, "segment": [2, 1]}"#,
            "segment [2, 1]; expected finite start <= end (seconds)",
        ),
        (
            r#"{"label": "run", "score": NaN, "segment": [0, 1]}"#,
            "at line 3 column 27 (NaN is not a number; expected a finite one)",
        ),
        (
            r#"{"label": "run", "score": 1, "segment": [0, Infinity]}"#,
            "(Infinity is not a number; expected a finite one)",
        ),
        (
            r#"{"label": "run", "score": "NaN", "segment": [0, 1]}"#,
            "invalid value: string \"NaN\", expected a number at line 3 column",
        ),
        (
            r#"{"label": "run", "score": null, "segment": [0, 1]}"#,
            "invalid type: null, expected a number at line 3 column",
        ),
        (
            r#"{"label": "run", "score": 1e999, "segment": [0, 1]}"#,
            "number out of range at line 3 column",
        ),
        (
            r#"{"label": true, "score": 1, "segment": [0, 1]}"#,
            "invalid type: boolean `true`, expected the name or the id of a class at line 3",
        ),
        (
            r#"{"label": "run", "score": [1], "segment": [0, 1]}"#,
            "invalid type: sequence, expected a number at line 3",
        ),
        (
            r#"{"label": "run", "score": 1, "segment": [0]}"#,
            "invalid length 1, expected an array of length 2 at line 3",
        ),
        (
            r#"{"label": "run", "score": 1, "segment": {}}"#,
            "invalid type: map, expected an array of length 2 at line 3",
        ),
        (
            r#"{"label": "run", "score": 1}"#,
            "missing field `segment` at line 3",
        ),
        (
            r#"{"label": "run", "score": 1, "score": 1, "segment": [0, 1]}"#,
            "duplicate field `score` at line 3",
        ),
        (
            "7",
            "invalid type: integer `7`, expected a detection with segment, score and label at line 3",
        ),
    ] {
        let error = entry(text);
        assert!(
            error.starts_with("d.json: recording \"a\", detection 1: "),
            "{error}"
        );
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[test]
fn json_files() {
    for (text, part) in [
        (
            "",
            "d.json: the file is empty; expected an object with \"results\"",
        ),
        ("\u{feff}", "d.json: the file is empty"),
        ("  ", "EOF while parsing a value at line 1 column 2"),
        (
            "[]",
            "invalid type: sequence, expected an object with \"results\" at line 1 column 1",
        ),
        ("\0\0", "expected value at line 1 column 1"),
        ("{}", "missing field `results` at line 1 column 2"),
        (
            r#"{"results": []}"#,
            "invalid type: sequence, expected an object from recording ids to lists of detections",
        ),
        (
            r#"{"results": {"a": {}}}"#,
            "invalid type: map, expected a list of detections of recording \"a\"",
        ),
        (
            r#"{"results": {"a": [], "a": []}}"#,
            "recording \"a\" occurs twice at line 1",
        ),
        (
            r#"{"results": {}, "results": {}}"#,
            "\"results\" occurs twice at line 1",
        ),
        (
            r#"{"results": {}} x"#,
            "trailing characters at line 1 column 17",
        ),
    ] {
        let error = json(text).unwrap_err();
        assert!(error.contains(part), "{text}: {error}");
    }
    let long = format!("{{\"results\": \"{}\"}}", "x".repeat(100_000));
    assert!(json(&long).unwrap_err().len() < 400);
}

#[test]
fn json_that_is_unusual_but_right() {
    let entry = r#"{"note": {"deep": [[1]]}, "segment": [0, 1], "score": 0.5, "label": "class_7"}"#;
    let text = format!(
        "\u{feff}{{\r\n\"other\": [[], {{}}],\r\n\"results\": {{\"a\": [{entry}]}}\r\n}}\r\n"
    );
    assert_eq!(json(&text).unwrap(), one(0.0, 1.0, 7, 0.5));
}

#[test]
fn every_truncation_of_json_is_an_error() {
    let text = "\u{feff}{\"version\": \"1\", \"results\": {\"é\\u00e9\": [{\"label\": \"run\", \"score\": 0.5e-1, \"segment\": [0, 1.25]}]}, \"external_data\": {\"a\": null}}";
    json(text).unwrap();
    for length in 0..text.len() {
        let cut = &text.as_bytes()[..length];
        let error = results::parse_json(cut, Path::new("d.json"), &classes()).unwrap_err();
        assert!(error.to_string().starts_with("d.json: "), "{error}");
    }
}

#[test]
fn csv_rows() {
    for (row, part) in [
        (
            "a,0,1,swim,1",
            "line 3, recording \"a\": label \"swim\" is not a class",
        ),
        (
            "a,0,1,-1,1",
            "line 3, recording \"a\": label \"-1\" is not a class",
        ),
        ("a,0,1,+1,1", "label \"+1\" is not a class"),
        ("a,0,1,,1", "no label, but other detections have one"),
        ("a,0,1,4294967296,1", "label \"4294967296\" is not a class"),
        (
            "a,2,1,run,1",
            "line 3, recording \"a\": segment [2, 1]; expected finite start <= end (seconds)",
        ),
        (
            "a,0,1,run,NaN",
            "line 3, recording \"a\": score NaN; expected a finite number",
        ),
        (
            "a,0,1,run,",
            "line 3, column \"score\": \"\" is not a number",
        ),
        ("a,0,inf,run,1", "line 3, recording \"a\": segment [0, inf]"),
        (
            "a,zero,1,run,1",
            "line 3, column \"start\": \"zero\" is not a number",
        ),
        (
            "a,0,1,run",
            "line 3 has 4 fields; expected 5, as in the first line",
        ),
        ("a,0,1,run,1,2", "line 3 has 6 fields; expected 5"),
        ("\"a,0,1,run,1", "line 3 has 1 fields; expected 5"),
    ] {
        let error = csv(&format!(
            "recording,start,end,label,score\na,0,1,run,1\n{row}\n"
        ))
        .unwrap_err();
        assert!(
            error.starts_with("d.csv: ") && error.contains(part),
            "{row}: {error}"
        );
    }
    // Empty lines and line ends of two characters do not change the number.
    for end in ["\n", "\r\n"] {
        for (row, part) in [
            ("a,0,1,swim,1", "line 5, recording"),
            ("a,x,1,run,1", "line 5, column"),
            ("a,0", "line 5 has"),
        ] {
            let rows = [
                "recording,start,end,label,score",
                "a,0,1,run,1",
                "",
                "",
                row,
            ];
            let error = csv(&rows.join(end)).unwrap_err();
            assert!(error.contains(part), "{row}: {error}");
        }
    }
    let bytes = b"recording,start,end,label,score\n\xff,0,1,run,1\n";
    let error = results::parse_csv(bytes, Path::new("d.csv"), &classes()).unwrap_err();
    assert_eq!(error.to_string(), "d.csv: line 2 is not UTF-8 text");
}

#[test]
fn csv_headers() {
    for (text, part) in [
        (
            "",
            "no column \"recording\" in the first line; expected recording,start,end,label,score or video-id,t-start,t-end,label,score",
        ),
        ("recording,start,end,label\n", "no column \"score\""),
        ("recording;start;end;label\n", "no column \"score\""),
        (
            "recording,start,start,end,label,score\n",
            "column \"start\" in the first line repeats \"start\"",
        ),
        (
            "recording,video-id,start,end,label,score\n",
            "column \"video-id\" in the first line repeats \"recording\"",
        ),
    ] {
        let error = csv(text).unwrap_err();
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[test]
fn data_frames_are_tables_too() {
    let expected = one(0.5, 2.0, 1, 0.25);
    for text in [
        ",video-id,t-start,t-end,label,score\n0,a,0.5,2.0,1,0.25\n",
        "\u{feff}label,score,video-id,t-end,t-start\r\njump,0.25,a,2,0.5\r\n",
        "video-id\tt-start\tt-end\tlabel\tscore\na\t0.5\t2.0\tjump\t2.5e-1\n",
        "recording,start,end,label,score,length,note\na,0.5,2,class_1,0.25,1.5,\"x, y\"",
    ] {
        assert_eq!(csv(text).unwrap(), expected, "{text}");
    }
    // The class with the name "0" has the id 2.
    let text = "video-id,t-start,t-end,label,score\na,0.5,2,0,0.25\n";
    assert_eq!(csv(text).unwrap(), one(0.5, 2.0, 2, 0.25));
}

#[test]
fn every_truncation_of_a_table_ends_well() {
    let text = "\u{feff}recording,start,end,label,score\n\"é\",0,1,run,0.5\nb,1,2,\"jump\",0.25\n";
    assert_eq!(csv(text).unwrap().len(), 2);
    for length in 0..text.len() {
        // What is left may be a shorter table.
        if let Err(error) =
            results::parse_csv(&text.as_bytes()[..length], Path::new("d.csv"), &classes())
        {
            assert!(error.to_string().starts_with("d.csv: "), "{error}");
        }
    }
}
