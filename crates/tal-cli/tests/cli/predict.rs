//! `tal predict` as people call it: inputs from everywhere, results to everywhere.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use serde_json::Value;
use tal_core::{ClassMap, DetectionSet};
use tal_data::features::npy;
use tal_data::{annotations, results};

use crate::bad_input::{USAGE, refused};
use crate::support::{Place, text};

/// A trained run in `run`, and copies of the test recordings in `new/a` and `new/b`.
fn trained() -> Place {
    let place = Place::new();
    place.ok(&["train", "net.yaml", "--out", "run"]);
    for folder in ["new/a", "new/b"] {
        fs::create_dir_all(place.path(folder)).unwrap();
    }
    for (number, name) in ["a/1", "a/2", "b/1"].into_iter().enumerate() {
        let from = format!("data/features/synth_test_{:04}.npy", number + 1);
        fs::copy(place.path(&from), place.path(&format!("new/{name}.npy"))).unwrap();
    }
    fs::write(place.path("new/b/notes.txt"), "").unwrap();
    place
}

fn classes(place: &Place) -> ClassMap {
    annotations::read(&place.path("data/annotations.json"), None)
        .unwrap()
        .classes
}

fn read(place: &Place, name: &str) -> DetectionSet {
    results::read(&place.path(name), &classes(place)).unwrap()
}

fn ids(set: &DetectionSet) -> Vec<&str> {
    set.keys().map(String::as_str).collect()
}

#[test]
fn inputs_come_from_folders_patterns_lists_and_the_standard_input() {
    let place = trained();
    place.write("list.txt", "new/a/1.npy\nnew/a/2.npy\n\nnew/b/1.npy\n");
    let whole = ["--below", "new", "--out", "found.jsonl"];
    for inputs in [
        &["new"][..],
        &["new/**/*.npy"],
        &["new/a", "new/b/?.npy"],
        &["@list.txt"],
        &["--list", "list.txt"],
    ] {
        place.ok(&[&["predict", "run"], inputs, &whole].concat());
        assert_eq!(
            ids(&read(&place, "found.jsonl")),
            ["a/1", "a/2", "b/1"],
            "{inputs:?}"
        );
    }
    // A folder is where ids begin, if nothing else is said.
    place.ok(&["predict", "run", "new", "--out", "found.json"]);
    assert_eq!(ids(&read(&place, "found.json")), ["a/1", "a/2", "b/1"]);

    let mut child = place
        .command(&["predict", "run", "-", "--below", "new", "--out", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let names = place.read("list.txt");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(names.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    // The standard output has nothing but results.
    place.write("piped.jsonl", &output.stdout);
    assert_eq!(read(&place, "piped.jsonl"), read(&place, "found.jsonl"));
    assert!(text(&output.stderr).contains("16 frames per second"));

    for (args, parts) in [
        (&["new/*.mp4"][..], &["new/*.mp4", "no file has a name"][..]),
        (&["new/b/none.npy"], &["new/b/none.npy", "cannot be read"]),
        (&["@none.txt"], &["none.txt"]),
        (
            &["new/a/1.npy", "new/b/1.npy"],
            &["both belong to the recording \"1\""],
        ),
    ] {
        let output = place.tal(&[&["predict", "run"], args].concat());
        let message = text(&output.stderr);
        assert!(!output.status.success());
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    }
}

#[test]
fn results_go_to_one_file_a_folder_or_the_standard_output() {
    let place = trained();
    let predict = |more: &[&str]| place.ok(&[&["predict", "run", "new"], more].concat());
    predict(&["--out", "found.json"]);
    let expected = read(&place, "found.json");
    assert!(expected.values().all(|rows| !rows.is_empty()));
    for name in ["found.jsonl", "found.csv", "found.tsv"] {
        predict(&["--out", name]);
        assert_eq!(read(&place, name), expected, "{name}");
    }
    for (format, more) in [
        ("json", &["--format", "json"][..]),
        ("csv", &["--format", "csv", "--out", "-"]),
        ("jsonl", &["--out", "-"]),
    ] {
        let name = format!("printed.{format}");
        place.write(&name, predict(more));
        assert_eq!(read(&place, &name), expected, "{format}");
    }
    let line: Value =
        serde_json::from_str(place.read("found.jsonl").lines().next().unwrap()).unwrap();
    assert_eq!(line["file"], "new/a/1.npy");
    assert!(line["duration"].as_f64().unwrap() > 0.0 && line["fps"] == 16.0);

    let printed = predict(&["--out", "each"]);
    assert!(printed.contains("in 3 recording(s): each"), "{printed}");
    for id in ["a/1", "a/2", "b/1"] {
        assert_eq!(read(&place, &format!("each/{id}.json"))[id], expected[id]);
    }
    predict(&["--out", "lines/", "--format", "jsonl"]);
    assert!(place.path("lines/b/1.jsonl").is_file());
    for (args, part) in [
        (
            &["--out", "found.txt"][..],
            "must end in .json or .jsonl or .csv or .tsv",
        ),
        (&["--format", "xml"], "--format xml"),
        (&["--out", "-", "--timeline"], "--timeline"),
        (&["--shard", "0/2"], "--out"),
    ] {
        refused(
            &place,
            &[&["predict", "run", "new"], args].concat(),
            USAGE,
            &[part],
        );
    }
}

#[test]
fn detections_are_chosen() {
    let place = trained();
    let predict = |more: &[&str]| {
        let args = [&["predict", "run", "new", "--out", "found.json"], more].concat();
        place.ok(&args);
        read(&place, "found.json")
    };
    let all = predict(&[]);
    let scores: Vec<f64> = all["a/1"].iter().map(|row| row.score).collect();
    let best = predict(&["--top", "2"]);
    assert!(best.iter().all(|(id, rows)| rows[..] == all[id][..2]));
    let classes = classes(&place);
    let (label, name) = classes.iter().nth(1).unwrap();
    let some = predict(&["--classes", name]);
    let expected: Vec<_> = all["a/1"]
        .iter()
        .filter(|row| row.label == label)
        .copied()
        .collect();
    assert_eq!(some["a/1"], expected);
    // The threshold of a class comes before the general one.
    let middle = scores[scores.len() / 2];
    place.write("rules.yaml", format!("default: {middle}\n{name}: 2\n"));
    let ruled = predict(&["--thresholds", "rules.yaml"]);
    let kept = |row: &&tal_core::Detection| row.label != label && row.score >= middle;
    let expected: Vec<_> = all["a/1"].iter().filter(kept).copied().collect();
    assert_eq!(ruled["a/1"], expected);
    place.write(
        "rules.json",
        r#"{"thresholds": {}, "min_duration": 1.5, "sigma": 0.1}"#,
    );
    let ruled = predict(&["--thresholds", "rules.json"]);
    let other = predict(&["--set", "inference.suppression.sigma=0.1"]);
    let expected: Vec<_> = other["b/1"]
        .iter()
        .filter(|row| row.segment.length() >= 1.5)
        .copied()
        .collect();
    assert_eq!(ruled["b/1"], expected);
    assert_ne!(other["b/1"], all["b/1"]);

    place.write("typo.yaml", "Classs: 0.5\n");
    for (args, part) in [
        (
            &["--classes", "nothing"][..],
            "--classes nothing: is not a class",
        ),
        (
            &["--thresholds", "typo.yaml"],
            "typo.yaml: \"Classs\" is not a class",
        ),
        (
            &["--min-score", "2"],
            "--min-score 2: no detection is left, the best has the score 0.",
        ),
    ] {
        let output = place.tal(&[&["predict", "run", "new", "--out", "no.json"], args].concat());
        let message = text(&output.stderr);
        assert!(
            !output.status.success() && message.contains(part),
            "{message}"
        );
        assert!(!place.path("no.json").exists());
    }
}

#[test]
fn time_lines_and_scores_over_time() {
    let place = trained();
    let mut command = place.command(&["predict", "run", "new/a/1.npy", "--timeline", "--top", "5"]);
    let output = command.env("COLUMNS", "60").output().unwrap();
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(
        printed.contains("\n1 (") && printed.contains(" s)"),
        "{printed}"
    );
    assert!(printed.contains(['░', '▒', '▓', '█']), "{printed}");
    assert!(!printed.contains('\u{1b}'), "a pipe has no colours");
    let longest = printed
        .lines()
        .skip(1)
        .map(|line| line.chars().count())
        .max();
    assert_eq!(longest, Some(60), "{printed}");

    place.ok(&[
        "predict",
        "run",
        "new",
        "--scores",
        "scores",
        "--out",
        "found.json",
    ]);
    let array = npy::read(&place.path("scores/a/1.npy")).unwrap();
    let features = npy::read(&place.path("new/a/1.npy")).unwrap();
    assert_eq!(array.shape, [features.shape[0], 3]);
    let about = place.json("scores/a/1.json");
    let (first, step) = (
        about["first"].as_f64().unwrap(),
        about["step"].as_f64().unwrap(),
    );
    assert_eq!((first, step), (0.25, 0.25));
    assert_eq!(about["classes"].as_array().unwrap().len(), 3);
    // No detection has a higher score than its candidate, so each is somewhere below the curve of its class.
    let found = read(&place, "found.json");
    for row in &found["a/1"] {
        let inside = (0..array.shape[0]).filter(|place| {
            let time = first + step * *place as f64;
            time >= row.segment.start - step && time <= row.segment.end + step
        });
        let highest = inside
            .map(|place| array.data[3 * place + row.label as usize])
            .fold(0.0_f32, f32::max);
        let middle = row.segment.length() > 2.0 * step;
        assert!(
            !middle || f64::from(highest) >= row.score - 1e-6,
            "{row:?} {highest}"
        );
    }
    place.ok(&[
        "predict",
        "run",
        "new/a/1.npy",
        "--scores",
        "table",
        "--scores-format",
        "csv",
    ]);
    let table = place.read("table/1.csv");
    assert_eq!(table.lines().count(), array.shape[0] + 1);
    let row: Vec<f64> = table
        .lines()
        .nth(3)
        .unwrap()
        .split(',')
        .map(|v| v.parse().unwrap())
        .collect();
    assert_eq!(row[0], first + 2.0 * step);
    assert_eq!(row[1] as f32, array.data[6]);
}
