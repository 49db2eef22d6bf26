//! Detections survive a file, and wrong files are told what is wrong.

use std::path::PathBuf;

use proptest::prelude::*;
use tal_core::{ClassMap, Detection, DetectionSet, Segment};
use tal_data::results;

fn classes() -> ClassMap {
    ClassMap::from_names(["run", "jump, twice", "say \"no\""]).unwrap()
}

fn detections() -> impl Strategy<Value = DetectionSet> {
    let detection = (0.0..1e4f64, 0.0..1e3f64, 0..4u32, 0.0..1.0f64).prop_map(
        |(start, length, label, score)| Detection {
            segment: Segment::new(start, start + length),
            label,
            score,
        },
    );
    let ids = "[a-z,\" ]{0,3}x";
    proptest::collection::btree_map(ids, proptest::collection::vec(detection, 1..5), 0..4).prop_map(
        |set| {
            // Leading spaces are trimmed when a table is read.
            set.into_iter()
                .map(|(id, d)| (format!("r{id}"), d))
                .collect()
        },
    )
}

proptest! {
    // Few, since each case syncs files to the disk.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn all_formats_keep_every_bit(set in detections()) {
        let folder = tempfile::tempdir().unwrap();
        for name in ["d.json", "d.CSV", "d.tsv", "d.jsonl"] {
            let path = folder.path().join(name);
            results::write(&path, &set, &classes()).unwrap();
            prop_assert_eq!(&results::read(&path, &classes()).unwrap(), &set);
        }
    }
}

#[test]
fn the_json_has_the_published_form() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.json");
    let found = Detection {
        segment: Segment::new(0.5, 2.0),
        label: 0,
        score: 0.25,
    };
    let set = DetectionSet::from([("a".into(), vec![found]), ("b".into(), Vec::new())]);
    results::write(&path, &set, &classes()).unwrap();
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "{\"version\":\"VERSION 1.3\",\"results\":{\"a\":[{\"label\":\"run\",\"score\":0.25,\"segment\":[0.5,2.0]}],\"b\":[]},\"external_data\":{}}\n"
    );
    assert_eq!(results::read(&path, &classes()).unwrap(), set);
}

/// The error of reading a file with this content, without the folder's name.
fn error_of(name: &str, text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let error = results::read(&path, &classes()).unwrap_err().to_string();
    error.replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn wrong_files_are_told_what_is_wrong() {
    let json = |entry: &str| format!("{{\"results\": {{\"a\": [{entry}]}}}}");
    assert_eq!(
        error_of(
            "d.json",
            &json(r#"{"label": "swim", "score": 1, "segment": [0, 1]}"#)
        ),
        "d.json: recording \"a\", detection 0: label \"swim\" is not a class; the classes begin with jump, twice, run, say \"no\""
    );
    assert_eq!(
        error_of(
            "d.json",
            &json(r#"{"label": "run", "score": 1, "segment": [2, 1]}"#)
        ),
        "d.json: recording \"a\", detection 0: segment [2, 1]; expected finite start <= end (seconds)"
    );
    assert!(
        error_of("d.json", r#"{"results": {"a": [], "a": []}}"#)
            .contains("recording \"a\" occurs twice")
    );
    assert!(error_of("d.json", "{").contains("EOF while parsing an object at line 1 column 1"));
    assert_eq!(
        error_of("d.txt", ""),
        "d.txt: unknown format; expected a name that ends in .json, .jsonl, .csv or .tsv, or in .pkl to read a pickle"
    );
    let head = "recording,start,end,label,score\n";
    assert_eq!(
        error_of("d.csv", &format!("{head}a,0,1,run,0.5\na,0,1,run,inf\n")),
        "d.csv: line 3, recording \"a\": score inf; expected a finite number"
    );
    assert!(
        error_of("d.csv", &format!("{head}a,zero,1,run,0.5\n"))
            .contains("line 2, column \"start\": \"zero\" is not a number")
    );
    assert!(error_of("d.csv", &format!("{head}a,0,1\n")).contains("line 2 has 3 fields"));
    assert!(
        error_of("d.csv", "recording,start,end,label\na,0,1,run\n")
            .contains("no column \"score\" in the first line")
    );
}

#[test]
fn a_missing_file_is_named() {
    let error = results::read(&PathBuf::from("no/such.json"), &classes()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot read detections from no/such.json: ")
    );
}

#[test]
fn lines_hold_a_recording_or_a_detection() {
    let parse = |text: &str| {
        results::parse_json_lines(text.as_bytes(), &PathBuf::from("d.jsonl"), &classes())
            .map_err(|error| error.to_string())
    };
    let whole = r#"{"recording": "a", "duration": 9, "detections": [{"label": "run", "score": 0.5, "segment": [1, 2]}, {"label": 1, "score": "0.25", "segment": [3, 4]}]}
{"recording": "b", "detections": []}
"#;
    let single = r#"{"recording": "a", "start": 1, "end": 2, "label": "run", "score": 0.5}

{"recording": "a", "start": 3, "end": 4, "label": "jump, twice", "score": 0.25}
{"recording": "b"}"#;
    let set = parse(whole).unwrap();
    assert_eq!(set, parse(single).unwrap());
    assert_eq!((set["a"].len(), set["b"].len()), (2, 0));
    for (text, part) in [
        ("[]", "line 1: "),
        ("{\"recording\": \"a\", \"detections\": []}\n{", "line 2: "),
        ("{\"detections\": []}", "missing field `recording`"),
        (
            "{\"recording\": \"a\", \"start\": 1}",
            "without end or score",
        ),
        (
            "{\"recording\": \"a\", \"detections\": []}\n{\"recording\": \"a\", \"detections\": []}",
            "line 2: recording \"a\" occurs twice",
        ),
        (
            "{\"recording\": \"a\", \"start\": 1, \"end\": 2, \"label\": \"walk\", \"score\": 1}",
            "line 1: recording \"a\", detection 0: label \"walk\" is not a class",
        ),
        (
            "{\"recording\": \"a\", \"start\": 3, \"end\": 2, \"label\": \"run\", \"score\": 1}",
            "segment [3, 2]",
        ),
    ] {
        let message = parse(text).unwrap_err();
        assert!(message.contains(part), "{text}: {message}");
    }
}

#[test]
fn merging_finds_what_is_double_or_missing() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let line =
        |id: usize| format!("{{\"recording\":\"{id}\",\"file\":\"{id}.npy\",\"detections\":[]}}\n");
    for shard in 0..3 {
        let lines: String = (0..10).filter(|id| id % 3 == shard).map(line).collect();
        std::fs::write(path(&format!("shard-{shard}-of-3.jsonl")), lines).unwrap();
    }
    let list: String = (0..12).map(|id| format!("{id}.npy\n")).collect();
    std::fs::write(path("list.txt"), list).unwrap();
    let mut out = Vec::new();
    let list = path("list.txt");
    let inputs = [folder.path().to_owned()];
    let report = results::merge(&inputs, Some(&list), &mut out).unwrap();
    // The order is that of one process.
    let expected: String = (0..10).map(line).collect();
    assert_eq!(String::from_utf8(out).unwrap(), expected);
    assert_eq!((report.num_recordings, report.num_double), (10, 0));
    assert_eq!(
        (report.num_missing, &report.missing[..]),
        (2, &["10.npy".to_owned(), "11.npy".to_owned()][..])
    );

    let mut out = Vec::new();
    let again = [folder.path().to_owned(), path("shard-1-of-3.jsonl")];
    let report = results::merge(&again, None, &mut out).unwrap();
    assert_eq!((report.num_recordings, report.num_double), (10, 3));
    assert_eq!(String::from_utf8(out).unwrap().lines().count(), 10);
    std::fs::write(path("shard-1-of-3.jsonl"), "{\"recording\": 1}\n").unwrap();
    let message = results::merge(&inputs, None, &mut Vec::<u8>::new())
        .unwrap_err()
        .to_string();
    assert!(message.contains("shard-1-of-3.jsonl: line 1"), "{message}");
}
