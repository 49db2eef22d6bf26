//! Annotation tools: their files read and written, drafts of detections.

use crate::bad_input::{FAILED, USAGE, refused};
use crate::support::{Place, text, words};

const BORIS: &str = r#"{"project_format_version": "7.0", "subjects_conf": {},
 "behaviors_conf": {"0": {"type": "State event", "code": "groom"}, "1": {"type": "Point event", "code": "bite"}},
 "observations": {"first": {"file": {"1": ["films/a.mp4"]},
   "events": [[1.5, "rat", "groom", "paw", "", 38], [2.0, "", "bite", "", "hard", 50], [2.5, "rat", "groom", "paw", "", 63]],
   "media_info": {"length": {"films/a.mp4": 52.7}, "fps": {"films/a.mp4": 25.0}}}}}"#;

/// Standard output and standard error of a run that succeeds.
fn told(place: &Place, command: &str) -> (String, String) {
    let output = place.tal(&words(command));
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command}\n{error}");
    (out, error)
}

#[test]
fn a_project_becomes_annotations_and_files_of_another_tool() {
    let place = Place::without_data();
    place.write("p.boris", BORIS);
    let convert = "data convert annotations p.boris --ids media --point-width 0.5";
    let (printed, warned) = told(
        &place,
        &format!("{convert} --modifiers-in-class --out a.json"),
    );
    assert!(
        printed.contains("a.json: 1 recordings, 2 annotations, 2 classes"),
        "{printed}"
    );
    assert!(
        warned.contains("1 subject, 1 comment cannot be written to annotations of data sets"),
        "{warned}"
    );
    let a = &place.json("a.json")["database"]["a"];
    assert_eq!(
        (a["duration"].as_f64(), a["fps"].as_f64()),
        (Some(52.7), Some(25.0))
    );
    assert_eq!(a["annotations"][0]["label"], "groom:paw");
    assert_eq!(
        a["annotations"][1]["segment"],
        serde_json::json!([1.75, 2.25])
    );

    let (printed, warned) = told(
        &place,
        "data convert annotations p.boris --to elan --media /films --out eaf",
    );
    assert!(
        printed.contains("eaf: 1 file of ELAN, 1 recordings, 2 annotations, 2 classes"),
        "{printed}"
    );
    assert!(warned.contains("1 modifier, 1 comment, 1 duration of recordings, 1 frame rate cannot be written to ELAN"), "{warned}");
    assert!(
        warned.contains("point events (1) become as short as ELAN allows"),
        "{warned}"
    );
    let eaf = place.read("eaf/first.eaf");
    assert!(eaf.contains("MEDIA_URL=\"file:///films/a.mp4\""), "{eaf}");
    let (printed, _) = told(
        &place,
        "data convert annotations eaf --subject rat --out again.json",
    );
    assert!(printed.contains("1 annotations"), "{printed}");
}

#[test]
fn formats_of_publishers_are_recognised_and_written_for_tools() {
    let place = Place::without_data();
    place.write(
        "t.csv",
        "recording,start,end,label\nx,1,2,run\ny,1,2,jump\n",
    );
    told(&place, "data convert annotations t.csv --out a.json");
    told(
        &place,
        "data convert annotations a.json --to via --out v.json",
    );
    told(&place, "data convert annotations v.json --to srt --out srt");
    assert_eq!(
        place.read("srt/x.srt"),
        "1\n00:00:01,000 --> 00:00:02,000\nrun\n\n"
    );
    place.write("odd.txt", "hello\n");
    let odd = words("data convert annotations odd.txt --out b.json");
    refused(
        &place,
        &odd,
        USAGE,
        &[
            "odd.txt",
            "begins with \"hello\"",
            "boris, boris-csv, elan",
            "--from",
        ],
    );
}

#[test]
fn requests_that_cannot_be_met() {
    let place = Place::without_data();
    place.write("p.boris", BORIS);
    place.write(
        "t.csv",
        "recording,start,end,label\nx,1,2,run\ny,1,2,jump\n",
    );
    for (command, code, parts) in [
        (
            "p.boris --out a.json",
            USAGE,
            &["point events (1) have no length", "--point-width"][..],
        ),
        (
            "p.boris --subject cat --out a.json",
            USAGE,
            &["--subject \"cat\"", "\"rat\""],
        ),
        (
            "p.boris --from elan --out a.json",
            FAILED,
            &["p.boris", "not well-formed"],
        ),
        (
            "p.boris --to elan --point-width 1 --out e",
            USAGE,
            &["--point-width"],
        ),
        (
            "p.boris --to elan --class-names c.txt --out e",
            USAGE,
            &["--class-names"],
        ),
        (
            "p.boris --point-width 1 --media x --out a.json",
            USAGE,
            &["--media"],
        ),
        ("t.csv --tier x --out a.json", USAGE, &["--tier"]),
        (
            "t.csv --to elan --out one.eaf",
            USAGE,
            &["one.eaf", "holds one recording, and there are 2", "folder"],
        ),
        (
            "t.csv --to elan --out t.csv",
            USAGE,
            &["t.csv", "is a file", ".eaf"],
        ),
        (
            "t.csv --to nothing --out a",
            USAGE,
            &["nothing", "textgrid"],
        ),
    ] {
        let command = format!("data convert annotations {command}");
        refused(&place, &words(&command), code, parts);
    }
}

#[test]
fn detections_become_drafts() {
    let place = Place::without_data();
    let found = |start: f64, end: f64, label: &str, score: f64| serde_json::json!({"segment": [start, end], "label": label, "score": score});
    let results = serde_json::json!({"results": {
        "a": [found(1.0, 3.0, "run", 0.9), found(2.0, 4.0, "jump", 0.6), found(5.0, 6.0, "jump", 0.1)],
        "b": []}});
    place.write("det.json", results.to_string());
    place.write("t.yaml", "jump: 0.5\ndefault: 0.2\n");
    let convert = "data convert detections det.json";
    let (printed, warned) = told(
        &place,
        &format!("{convert} --to boris --thresholds t.yaml --out d.boris"),
    );
    assert!(
        printed.contains("d.boris: 1 file of BORIS project, 2 recordings, 2 of 3 detections"),
        "{printed}"
    );
    assert_eq!(warned, "");
    let rows = &place.json("d.boris")["observations"]["a"]["events"];
    assert_eq!(
        rows[0],
        serde_json::json!([1.0, "", "run", "", "score 0.9000", "NA"])
    );
    told(
        &place,
        &format!("{convert} --to audacity --one-at-a-time --min-score 0.2 --out labels"),
    );
    assert_eq!(
        place.read("labels/a.txt"),
        "1.000000\t3.000000\trun\n3.000000\t4.000000\tjump\n"
    );
    assert_eq!(place.read("labels/b.txt"), "");
    place.write("bad.yaml", "jmp: 0.5\n");
    let bad = format!("{convert} --to elan --thresholds bad.yaml --out e");
    refused(
        &place,
        &words(&bad),
        USAGE,
        &["bad.yaml: \"jmp\" is not a class", "\"jump\", \"run\""],
    );
    let full = format!("{convert} --to elan --out labels");
    refused(&place, &words(&full), USAGE, &["labels", "not empty"]);
}
