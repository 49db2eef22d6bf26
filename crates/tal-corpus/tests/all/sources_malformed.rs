//! Annotations in the formats of their publishers: every mistake is an error that says where and what would be right.

use std::path::{Path, PathBuf};

use tal_corpus::source::{self, ClassList, SourceFormat, SourceOptions};

fn error(format: SourceFormat, path: &str, text: &[u8], options: &SourceOptions) -> String {
    match source::parse(format, &[(PathBuf::from(path), text.to_vec())], options) {
        Ok(found) => panic!("{format:?} {path} was read: {found:?}"),
        Err(error) => error.to_string(),
    }
}

fn check(format: SourceFormat, path: &str, table: &[(&str, &str)]) {
    for (text, expected) in table {
        let found = error(format, path, text.as_bytes(), &SourceOptions::default());
        assert_eq!(found, format!("{path}: {expected}"), "{text}");
    }
}

#[test]
fn activity_net() {
    check(
        SourceFormat::ActivityNet,
        "a.json",
        &[
            (
                "{\"database\": {,",
                "line 1, column 15: key must be a string",
            ),
            (
                "{}",
                "field \"database\" is missing; expected an object from recording ids to recordings",
            ),
            (
                r#"{"database": {"r": 7}}"#,
                "recording \"r\": field \"recording\" is 7; expected an object",
            ),
            (
                r#"{"database": {"r": {"annotations": []}}}"#,
                "recording \"r\": field \"subset\" is missing; expected training, validation or testing",
            ),
            (
                r#"{"database": {"r": {"subset": "t", "duration": "long"}}}"#,
                "recording \"r\": field \"duration\" is \"long\"; expected seconds above 0",
            ),
            (
                r#"{"database": {"r": {"subset": "t", "annotations": {}}}}"#,
                "recording \"r\": field \"annotations\" is {}; expected a list",
            ),
            (
                r#"{"database": {"r": {"subset": "t", "annotations": [{"segment": [1, 2]}]}}}"#,
                "recording \"r\", annotation 0: field \"label\" is missing; expected the name of a class",
            ),
            (
                r#"{"database": {"r": {"subset": "t", "annotations": [{"segment": [1, "inf"], "label": "x"}]}}}"#,
                "recording \"r\", annotation 0: field \"segment\" is [1,\"inf\"]; expected two finite numbers, [start, end] in seconds",
            ),
            (
                r#"{"database": {"r": {"subset": "t"}, "r": {"subset": "t"}}}"#,
                "recording \"r\" occurs twice; give each recording an id of its own",
            ),
            (
                r#"{"taxonomy": 3, "database": {}}"#,
                "field \"taxonomy\" is 3; expected a list of nodes with nodeName and parentName",
            ),
            (
                r#"{"taxonomy": [{}], "database": {}}"#,
                "taxonomy, node 0: field \"nodeName\" is missing; expected the name of a node",
            ),
            (
                r#"{"taxonomy": [{"nodeName": "Surfing"}],
                    "database": {"r": {"subset": "t", "annotations": [{"segment": [1, 2], "label": "Surfin"}]}}}"#,
                "recording \"r\": label \"Surfin\" is not a class of the list of classes in the file; is \"Surfing\" meant?",
            ),
        ],
    );
}

#[test]
fn texts_of_thumos() {
    let video = "video_validation_0000001";
    check(
        SourceFormat::Thumos,
        "Diving_val.txt",
        &[
            (
                &format!("{video} 1 2\n{video} 1"),
                &format!(
                    "line 2: \"{video} 1\"; expected three fields: video, start and end in seconds"
                ),
            ),
            (
                &format!("{video} 1 nan"),
                &format!("line 1: \"{video} 1 nan\"; expected a video and two numbers of seconds"),
            ),
            (
                "a 1 2",
                "nothing says which subset recording \"a\" belongs to; name one for such recordings (--default-subset)",
            ),
        ],
    );
    for path in ["Diving.txt", "_val.txt", "Diving_validation.txt"] {
        let expected =
            "the file's name does not fit the format; expected CLASS_val.txt or CLASS_test.txt";
        check(SourceFormat::Thumos, path, &[("", expected)]);
    }
    let found = error(
        SourceFormat::MultiThumos,
        "Run.txt",
        b"\n\xff 1 2\n",
        &SourceOptions::default(),
    );
    assert_eq!(
        found,
        "Run.txt: line 2: \"bytes that are not text\"; expected UTF-8"
    );
}

#[test]
fn json_of_multi_thumos() {
    let expected = "[class, start, end]: a whole number from 0 and two of seconds";
    check(
        SourceFormat::MultiThumos,
        "m.json",
        &[
            (
                "[]",
                "line 1, column 0: invalid type: sequence, expected an object from recording ids to recordings",
            ),
            (
                r#"{"v": {"subset": "t"}}"#,
                "recording \"v\": field \"actions\" is missing; expected a list of [class, start, end]",
            ),
            (
                r#"{"v": {"subset": "t", "actions": [[1, 2, 3], [1, 2]]}}"#,
                &format!(
                    "recording \"v\", action 1: field \"actions\" is [1,2]; expected {expected}"
                ),
            ),
            (
                r#"{"v": {"subset": "t", "actions": [[-1, 2, 3]]}}"#,
                &format!(
                    "recording \"v\", action 0: field \"actions\" is [-1,2,3]; expected {expected}"
                ),
            ),
            (
                r#"{"v": {"subset": "t", "actions": [[1.5, 2, 3]]}}"#,
                &format!(
                    "recording \"v\", action 0: field \"actions\" is [1.5,2,3]; expected {expected}"
                ),
            ),
            (
                r#"{"v": {"subset": "t", "actions": [[4294967295, 2, 3]]}}"#,
                &format!(
                    "recording \"v\", action 0: field \"actions\" is [4294967295,2,3]; expected {expected}"
                ),
            ),
        ],
    );
}

#[test]
fn tables_of_epic_kitchens() {
    let head = "video_id,start_timestamp,stop_timestamp,verb_class\n";
    let time = "expected hours:minutes:seconds, such as 00:01:07.50";
    check(
        SourceFormat::EpicVerbs,
        "EPIC_100_train.csv",
        &[
            (
                "video_id,start_timestamp\n",
                "no column \"stop_timestamp\" in the first line; expected video_id,start_timestamp,stop_timestamp,verb_class",
            ),
            (
                &format!("{head}P01_01,0:0:1,00:00:61.2,3\n"),
                &format!("line 2, column \"stop_timestamp\": \"00:00:61.2\"; {time}"),
            ),
            (
                &format!("{head}P01_01,0:0:1,0:0:2,3\nP01_01,1.5,0:0:2,3\n"),
                &format!("line 3, column \"start_timestamp\": \"1.5\"; {time}"),
            ),
            (
                &format!("{head}P01_01,0:0:1,0:0:2,open\n"),
                "line 2, column \"verb_class\": \"open\"; expected a whole number from 0",
            ),
            (
                &format!("{head},0:0:1,0:0:2,1\n"),
                "line 2, column \"video_id\": \"\"; expected the id of a video, such as P01_01",
            ),
            (
                &format!("{head}P01_01,0:0:1\n"),
                "line 2: \"2 fields\"; expected 4, as in the first line",
            ),
        ],
    );
    let text = format!("{head}P01_01,0:0:1,0:0:2,97\n");
    let found = error(
        SourceFormat::EpicVerbs,
        "my.csv",
        text.as_bytes(),
        &SourceOptions::default(),
    );
    assert!(
        found.starts_with("my.csv: nothing says which subset recording \"P01_01\""),
        "{found}"
    );
    let options = SourceOptions {
        class_names: Some(ClassList::parse(b"0 take\n1 put\n", Path::new("v.txt")).unwrap()),
        ..SourceOptions::default()
    };
    let found = error(
        SourceFormat::EpicVerbs,
        "train.csv",
        text.as_bytes(),
        &options,
    );
    assert_eq!(
        found,
        "train.csv: recording \"P01_01\": label 97 is not a class of the given class list"
    );
}

#[test]
fn tables_of_charades() {
    let row = |actions: &str| format!("id,actions,length\nA,{actions},3.5\n");
    let wrong = |cell: &str| {
        format!(
            "line 2, column \"actions\": {cell:?}; expected class, start and end, such as c092 11.90 21.20, with semicolons between"
        )
    };
    for actions in [
        "c092 1",
        "92 1 2",
        "c092 1 2;",
        "c 1 2",
        "cc1 1 2",
        "c092 1 inf",
        "c092 1 2,c1 1 2",
    ] {
        if actions.contains(',') {
            let expected = "line 2: \"4 fields\"; expected 3, as in the first line";
            check(
                SourceFormat::Charades,
                "Charades_v1_test.csv",
                &[(&row(actions), expected)],
            );
        } else {
            check(
                SourceFormat::Charades,
                "Charades_v1_test.csv",
                &[(&row(actions), &wrong(actions))],
            );
        }
    }
    check(
        SourceFormat::Charades,
        "Charades_v1_test.csv",
        &[
            (
                "id,actions\n",
                "no column \"length\" in the first line; expected id,actions,length",
            ),
            (
                "id,actions,length\nA,,0\n",
                "line 2, column \"length\": \"0\"; expected seconds above 0",
            ),
            (
                "id,actions,length\nA,,1\nA,,1\n",
                "recording \"A\" occurs twice; give each recording an id of its own",
            ),
        ],
    );
}

#[test]
fn moments_of_ego4d() {
    let clip = |clip: &str| format!(r#"{{"videos": [{{"split": "val", "clips": [{clip}]}}]}}"#);
    let labels = |labels: &str| {
        clip(&format!(
            r#"{{"clip_uid": "c", "video_start_sec": 0, "video_end_sec": 1, "annotations": [{{"labels": [{labels}]}}]}}"#
        ))
    };
    check(
        SourceFormat::Ego4dMoments,
        "m.json",
        &[
            ("[]", "field \"file\" is []; expected an object"),
            ("{}", "field \"videos\" is missing; expected a list"),
            (
                r#"{"videos": [{"clips": []}]}"#,
                "video 0: field \"split\" is missing; expected train, val or test",
            ),
            (
                &clip("{}"),
                "video 0, clip 0: field \"clip_uid\" is missing; expected the id of a clip",
            ),
            (
                &clip(r#"{"clip_uid": "c", "video_start_sec": 1}"#),
                "video 0, clip 0: field \"video_end_sec\" is missing; expected a number of seconds",
            ),
            (
                &labels(r#"{"start_time": 1, "end_time": null, "label": "x"}"#),
                "video 0, clip 0, annotation 0, label 0: field \"end_time\" is null; expected a number of seconds",
            ),
            (
                &labels(r#"{"start_time": 1, "end_time": 2, "label": "x", "primary": 1}"#),
                "video 0, clip 0, annotation 0, label 0: field \"primary\" is 1; expected true or false",
            ),
        ],
    );
}

#[test]
fn own_tables() {
    let head = "recording,start,end,label,subset,duration,label_id\n";
    check(
        SourceFormat::Csv,
        "a.csv",
        &[
            (
                "recording,start\n",
                "no column \"end\" in the first line; expected recording,start,end,label",
            ),
            (
                &format!("{head}a,1,x,run,t,9,0\n"),
                "line 2, column \"end\": \"x\"; expected a finite number of seconds",
            ),
            (
                &format!("{head}a,1,,run,t,9,0\n"),
                "line 2, column \"end\": \"\"; expected a finite number of seconds",
            ),
            (
                &format!("{head}a,1,2,,t,9,0\n"),
                "line 2, column \"label\": \"\"; expected the name of a class",
            ),
            (
                &format!("{head}a,1,2,run,t,9,0\na,1,2,run,u,9,0\n"),
                "line 3, column \"subset\": \"u\"; expected the same as in the recording's first row",
            ),
            (
                &format!("{head}a,1,2,run,t,-9,0\n"),
                "line 2, column \"duration\": \"-9\"; expected seconds above 0",
            ),
            (
                &format!("{head}a,1,2,run,t,9,0\na,1,2,jump,t,9,0\n"),
                "line 3, column \"label_id\": \"0\"; expected one id per label (class id 0 has two names, \"run\" and \
                 \"jump\"; give each label an id of its own)",
            ),
            (
                &format!("{head}a,1,2,run,t,9,\n"),
                "line 2, column \"label_id\": \"\"; expected a whole number from 0",
            ),
        ],
    );
}

#[test]
fn options_name_what_exists() {
    let text = br#"{"database": {"r": {"subset": "training", "annotations": [{"segment": [1, 2], "label": "Diving"}]}}}"#;
    let mut options = SourceOptions {
        drop_classes: vec!["diving".into()],
        ..SourceOptions::default()
    };
    let found = error(SourceFormat::Json, "a.json", text, &options);
    assert_eq!(
        found,
        "class \"diving\" does not occur in the annotations; is \"Diving\" meant?"
    );
    options.drop_classes.clear();
    options
        .subset_map
        .insert("validation".into(), "test".into());
    let found = error(SourceFormat::Json, "a.json", text, &options);
    assert_eq!(
        found,
        "subset \"validation\" does not occur in the annotations; they have training"
    );
}

#[test]
fn one_recording_in_two_files_is_an_error() {
    let text = b"id,actions,length\nA,,1\n".to_vec();
    let files = [
        (PathBuf::from("Charades_v1_train.csv"), text.clone()),
        (PathBuf::from("Charades_v1_test.csv"), text),
    ];
    let error = source::parse(SourceFormat::Charades, &files, &SourceOptions::default());
    assert_eq!(
        error.unwrap_err().to_string(),
        "Charades_v1_test.csv: recording \"A\" occurs twice; give each recording an id of its own"
    );
}

/// Every prefix of a file, and the file with every byte damaged, is read or refused, without a panic; what is read holds.
#[test]
fn damaged_files_do_not_panic() {
    let all: [(SourceFormat, &str, &[u8]); 9] = [
        (
            SourceFormat::Json,
            "a.json",
            include_bytes!("../fixtures/sources/shared.json"),
        ),
        (
            SourceFormat::Csv,
            "a.csv",
            include_bytes!("../fixtures/sources/instances.csv"),
        ),
        (
            SourceFormat::ActivityNet,
            "a.json",
            include_bytes!("../fixtures/sources/activity_net.json"),
        ),
        (
            SourceFormat::Thumos,
            "Diving_val.txt",
            include_bytes!("../fixtures/sources/Diving_val.txt"),
        ),
        (
            SourceFormat::MultiThumos,
            "m.json",
            include_bytes!("../fixtures/sources/multi_thumos.json"),
        ),
        (
            SourceFormat::EpicVerbs,
            "EPIC_100_train.csv",
            include_bytes!("../fixtures/sources/EPIC_100_train.csv"),
        ),
        (
            SourceFormat::EpicNouns,
            "EPIC_100_train.csv",
            include_bytes!("../fixtures/sources/EPIC_100_train.csv"),
        ),
        (
            SourceFormat::Charades,
            "Charades_v1_train.csv",
            include_bytes!("../fixtures/sources/Charades_v1_train.csv"),
        ),
        (
            SourceFormat::Ego4dMoments,
            "moments_train.json",
            include_bytes!("../fixtures/sources/moments_train.json"),
        ),
    ];
    let options = SourceOptions::default();
    for (format, path, bytes) in all {
        let read = |bytes: &[u8]| {
            source::parse(format, &[(PathBuf::from(path), bytes.to_vec())], &options)
        };
        assert!(
            !read(bytes).unwrap().truth.recordings.is_empty(),
            "{format:?}"
        );
        for length in 0..bytes.len() {
            let prefix = read(&bytes[..length]);
            let is_json = path.ends_with("json");
            let is_whole = bytes[length..].trim_ascii().is_empty();
            assert!(
                !is_json || is_whole || prefix.is_err(),
                "{format:?}: {length} bytes"
            );
            let mut damaged = bytes.to_vec();
            for byte in [0, 0xff, b'"', b',', b'9', b'-'] {
                damaged[length] = byte;
                if let Ok(found) = read(&damaged) {
                    let mut instances = found.truth.recordings.iter().flat_map(|r| &r.instances);
                    assert!(
                        instances.all(|i| i.segment.length() > 0.0
                            && found.truth.classes.name(i.label).is_some())
                    );
                }
            }
        }
    }
}
