//! Options that change nothing say so.

use serde_json::json;

use crate::bad_input::{FAILED, USAGE, refused};
use crate::support::{Place, text, words};

/// Runs a command that must succeed, and returns its messages.
fn told(place: &Place, args: &[&str]) -> String {
    let output = place.tal(args);
    let message = text(&output.stderr);
    assert!(output.status.success(), "{args:?}: {message}");
    message
}

/// Two recordings and their detections.
fn evaluation(place: &Place) {
    let actions = json!([{"segment": [1, 3], "label": "run"}]);
    let recording = json!({"subset": "test", "duration": 20, "annotations": actions});
    place.write(
        "gt.json",
        json!({"database": {"a": recording, "b": recording}}).to_string(),
    );
    let found = json!([{"segment": [1, 3], "label": "run", "score": 0.9}]);
    place.write("det.json", json!({"results": {"a": found}}).to_string());
}

#[test]
fn blocked_recordings_that_are_none() {
    let place = Place::without_data();
    evaluation(&place);
    let evaluate = |list: &str| {
        place.write("list", list);
        told(&place, &words("evaluate gt.json det.json --blocked list"))
    };
    assert_eq!(evaluate("b\n"), "");
    assert_eq!(evaluate(r#"{"b": "gone"}"#), "");
    let message = evaluate("v_a\nv_b\n");
    for part in [
        "2 of 2 ids are no recordings of gt.json: \"v_a\", \"v_b\"",
        "nothing is left out",
    ] {
        assert!(message.contains(part), "{message}");
    }
    let message = evaluate(r#"["b", "c"]"#);
    assert!(
        message.contains("1 of 2 ids are no recordings of gt.json: \"c\""),
        "{message}"
    );
    assert!(message.contains("the others are left out"), "{message}");
    assert!(evaluate("\n").contains("has no id, nothing is left out"));
    let many: Vec<String> = (0..20_000).map(|i| format!("id_{i}")).collect();
    assert!(evaluate(&many.join("\n")).len() < 1000);
    for list in [r#"{"blocked": ["b"]}"#, r#"{"videos": {"b": 1}}"#] {
        place.write("list", list);
        let args = words("evaluate gt.json det.json --blocked list");
        refused(
            &place,
            &args,
            FAILED,
            &[
                "list: is no list of recording ids",
                "holds a list or an object",
            ],
        );
    }
}

#[test]
fn blocked_recordings_of_a_configuration() {
    let place = Place::new();
    let args = words("train net.yaml --out run --set evaluation.blocked=[nobody]");
    let message = told(&place, &args);
    assert!(
        message.contains("evaluation.blocked: 1 of 1 ids are no recordings of test: \"nobody\""),
        "{message}"
    );
}

#[test]
fn conversions_with_options_for_nothing() {
    let place = Place::without_data();
    place.write(
        "t.csv",
        "recording,start,end,label,subset,fps,duration\nx,1,2,run,training,30,9\ny,1,2,jump,test,30,9\n",
    );
    place.write("classes.txt", "jump\nrun\nfall\nwalk\n");
    place.write("info.csv", "video_id,fps\nv_x,25\nv_y,25\n");
    place.write("some.csv", "video_id,fps\nx,25\nz,25\n");
    let convert = words("data convert annotations t.csv --from csv --out out.json --force");
    let with = |more: &[&str]| told(&place, &[&convert[..], more].concat());
    assert_eq!(with(&["--video-info", "some.csv"]), "");
    assert!(with(&["--fps", "25"]).contains("--fps 25 has no effect"));
    let message = with(&["--default-subset", "training"]);
    assert!(
        message.contains("--default-subset training has no effect"),
        "{message}"
    );
    let message = with(&["--class-names", "classes.txt"]);
    assert!(
        message.contains("2 of 4 classes have no annotation: \"fall\", \"walk\""),
        "{message}"
    );
    let convert = words("data convert annotations t.csv --from csv --out new.json");
    for (more, code, parts) in [
        (
            &["--video-info", "info.csv"][..],
            FAILED,
            &[
                "no recording of --video-info is in the annotations",
                "\"v_x\", \"v_y\"",
                "\"x\", \"y\"",
            ][..],
        ),
        (
            &["--drop-class", "rnu"],
            USAGE,
            &["\"rnu\" does not occur", "\"run\""],
        ),
        (
            &["--subset-map", "val=test"],
            USAGE,
            &["\"val\" does not occur"],
        ),
        (
            &["--drop-class", "run", "--drop-class", "jump"],
            FAILED,
            &["nothing is left: all 2 annotations", "\"jump\", \"run\""],
        ),
    ] {
        refused(&place, &[&convert[..], more].concat(), code, parts);
    }
    // Nothing to convert is an error, too.
    place.write("empty.csv", "recording,start,end,label\n");
    let empty = words("data convert annotations empty.csv --from csv --out new.json");
    refused(&place, &empty, FAILED, &["no recording"]);
}

#[test]
fn thresholds_that_leave_nothing() {
    let place = Place::new();
    place.ok(&["train", "net.yaml", "--out", "run"]);
    let predict =
        words("predict run data/features/synth_test_0001.npy --min-score 2 --out found.csv");
    let output = place.tal(&predict);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(USAGE), "{message}");
    assert!(message.contains("--min-score 2: no detection is left, the best has the score"));
    assert!(!place.path("found.csv").exists());
}
