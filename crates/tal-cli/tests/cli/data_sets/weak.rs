//! `tal data clicks` and `tal data clips`.

use tal_data::annotations;
use tal_data::clicks::Clicks;

use crate::bad_input::{FAILED, USAGE, refused};
use crate::support::{Place, text, words};

#[test]
fn clicks_are_drawn_from_annotations() {
    let place = Place::new();
    let printed = place.ok(&["data", "clicks", "data/annotations.json", "--out", "c.json"]);
    for part in [
        "clicks in",
        "11 recordings",
        "background",
        "marks to set",
        "full annotation",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    let clicks = Clicks::read(&place.path("c.json")).unwrap();
    let truth = annotations::read(&place.path("data/annotations.json"), None).unwrap();
    assert_eq!(clicks.iter().count(), 11);
    assert!(clicks.len() >= 11);
    assert!(clicks.in_actions(&truth.recordings).is_empty());

    // A configuration means its training subsets; the clicks of a recording are the same.
    let draw = |out: &str, more: &[&str]| {
        place.ok(&[&["data", "clicks", "net.yaml", "--out", out], more].concat());
        Clicks::read(&place.path(out)).unwrap()
    };
    let training = draw("t.json", &[]);
    assert_eq!(training.iter().count(), 8);
    for (id, own) in training.iter() {
        assert_eq!(own, clicks.of(id));
    }
    assert_eq!(draw("u.json", &["--subset", "TEST"]).iter().count(), 3);
    assert_eq!(
        draw("v.json", &["--per-stretch", "2"]).len(),
        2 * training.len()
    );
    assert_ne!(draw("w.json", &["--seed", "2"]), training);
    let fewer = draw("x.json", &["--min-length", "1.5"]);
    assert!(fewer.len() < training.len() && !fewer.is_empty());
    let jittered = draw("y.json", &["--jitter", "3"]);
    assert_eq!(jittered.len(), training.len());
    assert!(!jittered.in_actions(&truth.recordings).is_empty());
    assert!(
        jittered
            .check_durations(&truth.recordings, &place.path("y.json"))
            .is_ok()
    );
}

#[test]
fn clips_train_like_any_data_set() {
    let place = Place::new();
    place.ok(&["data", "clicks", "data/annotations.json", "--out", "c.json"]);
    let printed = place.ok(&words(
        "data clips net.yaml --length 4 --clicks c.json --out clips",
    ));
    for part in [
        "recordings",
        "classes per clip",
        "left out",
        "clicks",
        "--overlay clips/dataset.yaml",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    let truth = annotations::read(&place.path("clips/annotations.json"), Some(3)).unwrap();
    assert!(truth.recordings.len() > 11);
    let clicks = Clicks::read(&place.path("clips/clicks.json")).unwrap();
    assert!(!clicks.is_empty());
    assert!(clicks.in_actions(&truth.recordings).is_empty());
    assert!(
        clicks
            .check_durations(&truth.recordings, &place.path("c.json"))
            .is_ok()
    );

    let overlay = ["--overlay", "clips/dataset.yaml"];
    let checked = place.tal(&[&["data", "check", "net.yaml"], &overlay[..]].concat());
    let report = text(&checked.stdout);
    assert!(checked.status.success(), "{report}");
    assert!(!report.contains("feature_length"), "{report}");
    place.ok(&[
        &words("train net.yaml --out run --set train.epochs=1"),
        &overlay[..],
    ]
    .concat());
    place.ok(&["test", "run", "--subset", "test"]);
    // Clicks can be drawn for the clips, too.
    let args = ["data", "clicks", "net.yaml", "--out", "d.json"];
    place.ok(&[&args[..], &overlay].concat());
    assert!(!Clicks::read(&place.path("d.json")).unwrap().is_empty());
}

#[test]
fn clicks_are_checked() {
    let place = Place::new();
    let truth = annotations::read(&place.path("data/annotations.json"), None).unwrap();
    let first = &truth.recordings[0];
    let action = first.instances[0].segment;
    let inside = [
        0.0,
        action.center(),
        0.25 * action.start + 0.75 * action.end,
    ];
    let clicks =
        serde_json::json!({"version": 1, "clicks": {(first.id.as_str()): inside, "nobody": [1]}});
    place.write("c.json", clicks.to_string());
    let args = words("data check net.yaml --quick --json check.json --clicks c.json");
    let printed = place.ok(&args);
    for part in [
        "click_in_action",
        "(and 1 more in it)",
        "click_of_unknown_recording",
        "nobody",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    assert_eq!(place.json("check.json")["num_warnings"], 2);
    let clicks = serde_json::json!({"version": 1, "clicks": {(first.id.as_str()): [1e4]}});
    place.write("c.json", clicks.to_string());
    let output = place.tal(&args);
    assert_eq!(output.status.code(), Some(FAILED));
    assert!(text(&output.stdout).contains("click_outside"));
    place.write("c.json", "{}");
    let output = place.tal(&args);
    assert_eq!(output.status.code(), Some(FAILED));
    assert!(text(&output.stdout).contains("clicks_unreadable"));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let place = Place::new();
    place.write("old.json", "{}");
    let clicks = ["data", "clicks", "data/annotations.json", "--out"];
    for (more, parts) in [
        (&["old.json"][..], &["--out old.json", "--force"][..]),
        (&["c.txt"], &["--out c.txt", ".json"]),
        (&["no/c.json"], &["there is no folder no"]),
        (
            &["c.json", "--subset", "validation"],
            &["--subset validation", "training, test"],
        ),
        (&["c.json", "--jitter=-1"], &["--jitter", "at least 0"]),
        (
            &["c.json", "--per-stretch", "0"],
            &["--per-stretch", "at least 1"],
        ),
        (
            &["c.json", "--set", "train.seed=1"],
            &["--set", "configuration"],
        ),
    ] {
        refused(&place, &[&clicks[..], more].concat(), USAGE, parts);
    }
    place.write(
        "labels.json",
        r#"{"database": {"r": {"subset": "training", "duration": 3, "labels": ["run"]}}}"#,
    );
    let args = ["data", "clicks", "labels.json", "--out", "c.json"];
    refused(
        &place,
        &args,
        USAGE,
        &["labels.json", "no recording in any subset has segments"],
    );
    place.write("no.json", r#"{"database": {"r": {"subset": "training"}}}"#);
    let args = ["data", "clicks", "no.json", "--out", "c.json"];
    refused(&place, &args, FAILED, &["\"r\" has no duration"]);
    assert!(!place.path("c.json").exists());

    let clips = ["data", "clips", "net.yaml", "--out"];
    place.write(
        "bad.json",
        r#"{"version": 1, "clicks": {"synth_test_0001": [1e6]}}"#,
    );
    place.write("typo.json", r#"{"version": 1, "click": {}}"#);
    for (more, code, parts) in [
        (
            &["data", "--length", "4"][..],
            USAGE,
            &["--out data", "not empty"][..],
        ),
        (&["clips", "--length", "0"], USAGE, &["--length", "above 0"]),
        (
            &["clips", "--length", "4", "--stride", "5"],
            USAGE,
            &["--stride 5", "--length 4"],
        ),
        (
            &["clips", "--length", "4", "--min-share", "2"],
            USAGE,
            &["--min-share", "from 0 to 1"],
        ),
        (
            &["clips", "--length", "0.001"],
            USAGE,
            &["length is 0.001", "0.01"],
        ),
        (
            &["clips", "--length", "4", "--subset", "x"],
            USAGE,
            &["--subset x", "training, test"],
        ),
        (
            &["clips", "--length", "4", "--clicks", "bad.json"],
            FAILED,
            &["bad.json", "synth_test_0001", "1000000 s", "lasts"],
        ),
        (
            &["clips", "--length", "4", "--clicks", "typo.json"],
            FAILED,
            &["typo.json: line 1", "unknown field `click`"],
        ),
        (
            &["clips", "--length", "4", "--clicks", "none.json"],
            FAILED,
            &["cannot read click file none.json"],
        ),
    ] {
        refused(&place, &[&clips[..], more].concat(), code, parts);
        assert!(!place.path("clips").exists());
    }
}
