//! `tal ablate`: a grid of runs, its tables and interruptions.

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::{Place, text, words};

const PLAN: &str = "
title: Widths
config: net.yaml
seeds: [1, 2]
set: [train.num_workers=0]
variants:
  - name: plain
  - name: wide (32)
    set: [encoder.dim=32, decoder.head.dim=32]
tables:
  - title: All
    rows: [wide (32), plain]
";

fn place(plan: &str) -> Place {
    let place = Place::new();
    place.write("plan.yaml", plan);
    place
}

fn rows(markdown: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| {
        let cells = line.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().to_owned()).collect()
    };
    let lines = markdown.lines().filter(|line| line.starts_with('|'));
    lines.skip(2).map(cells).collect()
}

#[test]
fn a_grid_becomes_one_table() {
    let place = place(PLAN);
    let out = place.ok(&["ablate", "plan.yaml", "--out", "grid", "--jobs", "2"]);
    let table = place.read("grid/table.md");
    assert!(out.starts_with(&table), "{out}");
    let rows = rows(&table);
    assert_eq!(
        (&rows[0][0], &rows[1][0]),
        (&"wide (32)".to_owned(), &"plain".to_owned())
    );
    assert_eq!(rows[0].len(), 11);
    assert_eq!(rows[0][7], "2", "{table}");
    assert!(rows[0][6].contains('±'));

    let json = place.json("grid/table.json");
    let plain = &json["rows"][0];
    let seeds = plain["seeds"].as_array().unwrap();
    let maps: Vec<f64> = seeds
        .iter()
        .map(|s| s["average_map"].as_f64().unwrap())
        .collect();
    let mean = plain["average_map"]["mean"].as_f64().unwrap();
    assert!((mean - (maps[0] + maps[1]) / 2.0).abs() < 1e-12);
    assert!(plain["peak_memory_bytes"].as_u64().unwrap() > 10_000_000);
    assert!(plain["step_seconds"]["mean"].as_f64().unwrap() > 0.0);
    let count = |row: &serde_json::Value| row["num_parameters"].as_u64().unwrap();
    assert!(count(&json["rows"][1]) > count(plain));
    // The figures are those of the runs themselves, which are those that `tal train` makes.
    let summary = place.json("grid/plain/seed-1/summary.json");
    assert_eq!(summary["average_map"], seeds[0]["average_map"]);
    let train = words("train net.yaml --seed 1 --set train.num_workers=0 --out one");
    place.ok(&train);
    assert_eq!(
        place.json("one/summary.json")["average_map"],
        summary["average_map"]
    );
    assert_eq!(place.read("grid/table.csv").lines().count(), 3);
    assert!(place.read("grid/table.svg").contains("wide (32)"));

    // What is finished is not trained again.
    let written = |name: &str| fs::metadata(place.path(name)).unwrap().modified().unwrap();
    let before = written("grid/plain/seed-2/last.safetensors");
    let again = place.ok(&["ablate", "plan.yaml", "--out", "grid"]);
    assert_eq!(again, out);
    assert_eq!(written("grid/plain/seed-2/last.safetensors"), before);
    // Nor is it taken for something else.
    place.write("plan.yaml", PLAN.replace("num_workers=0", "epochs=3"));
    let changed = place.tal(&["ablate", "plan.yaml", "--out", "grid"]);
    assert_eq!(changed.status.code(), Some(2));
    let message = text(&changed.stderr);
    assert!(
        message.contains("grid/plain/seed-1 holds a finished run of another configuration"),
        "{message}"
    );
}

#[test]
fn a_run_that_fails_does_not_stop_the_others() {
    let plan = PLAN.replace(
        "encoder.dim=32, decoder.head.dim=32",
        "train.learning_rate=1.0e+30",
    );
    let place = place(&plan);
    let outcome = place.tal(&["ablate", "plan.yaml", "--out", "grid"]);
    assert_eq!(outcome.status.code(), Some(1));
    let message = text(&outcome.stderr);
    assert!(message.contains("2 of the runs failed"), "{message}");
    assert!(message.contains("wide (32), seed 1: error: "), "{message}");
    assert!(message.contains("seed-1.log"), "{message}");
    let rows = rows(&text(&outcome.stdout));
    assert_eq!((rows[0][7].as_str(), rows[1][7].as_str()), ("0 of 2", "2"));
}

#[test]
fn an_interrupted_grid_goes_on_to_the_same_figures() {
    let plan = PLAN.replace("num_workers=0", "epochs=12");
    let place = place(&plan);
    let arguments = ["ablate", "plan.yaml", "--out", "grid", "--only", "plain"];
    let mut child = place
        .command(&arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let metrics = place.path("grid/plain/seed-1/metrics.jsonl");
    let start = Instant::now();
    while fs::read_to_string(&metrics)
        .unwrap_or_default()
        .lines()
        .count()
        < 10
    {
        assert!(
            start.elapsed() < Duration::from_secs(120),
            "the run does not start"
        );
        sleep(Duration::from_millis(5));
    }
    let id = child.id().to_string();
    assert!(
        std::process::Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    let outcome = child.wait().unwrap();
    assert_eq!(outcome.code(), Some(1));
    assert!(place.path("grid/plain/seed-1/last.safetensors").exists());
    assert!(!place.path("grid/plain/seed-1/summary.json").exists());
    assert!(!place.path("grid/plain/seed-2").exists());

    place.ok(&arguments);
    let train = words("train net.yaml --seed 1 --set train.epochs=12 --out one");
    place.ok(&train);
    let figure = |name: &str| place.json(name)["average_map"].clone();
    assert_eq!(
        figure("grid/plain/seed-1/summary.json"),
        figure("one/summary.json")
    );
}

#[test]
fn wrong_plans_are_refused() {
    for (plan, arguments, expected) in [
        (
            PLAN.replace("seeds", "sedes"),
            vec![],
            "unknown field `sedes`",
        ),
        (PLAN.replace("net.yaml", "nte.yaml"), vec![], "nte.yaml"),
        (
            PLAN.replace("encoder.dim=32", "encoder.dmi=32"),
            vec![],
            "variant \"wide (32)\": --set encoder.dmi=32: unknown key encoder.dmi; did you mean dim?",
        ),
        (
            PLAN.to_owned(),
            vec!["--only", "narrow"],
            "the plan has no such variant; it has plain, wide (32)",
        ),
        (
            PLAN.replace("tables:", "baseline: plane\ntables:"),
            vec![],
            "baseline names \"plane\", which is not a variant; did you mean \"plain\"?",
        ),
        (
            PLAN.to_owned(),
            vec!["--validation"],
            "no fold names validation recordings",
        ),
        (
            PLAN.to_owned(),
            vec!["--shard", "2/2"],
            "must be I/N with I from 0 to N - 1",
        ),
        (
            PLAN.to_owned(),
            vec!["--collect"],
            "has no finished run of the plan",
        ),
    ] {
        let place = Place::without_data();
        place.write("plan.yaml", plan);
        let arguments = [vec!["ablate", "plan.yaml", "--out", "grid"], arguments].concat();
        let outcome = place.tal(&arguments);
        assert_eq!(outcome.status.code(), Some(2));
        let message = text(&outcome.stderr);
        assert!(message.contains(expected), "{message}");
        assert!(!place.path("grid").exists());
    }
}

const FOLDS: &str = "
title: Folds
config: net.yaml
seeds: [1, 2]
set: [train.num_workers=0, train.epochs=1]
folds:
  - name: whole
    validation: [\"train_000[1-3]$\", \"train_000[4-6]$\"]
  - name: other test
    set: [dataset.annotations=other.json]
variants:
  - name: plain
  - name: wide
    set: [encoder.dim=32]
";

#[test]
fn folds_are_trained_compared_and_shared() {
    let place = place(FOLDS);
    // Another division: the last training recording is tested on.
    let mut truth = place.json("data/annotations.json");
    truth["database"]["synth_train_0008"]["subset"] = "test".into();
    place.write("other.json", truth.to_string());

    let shard = |part: &str| place.ok(&["ablate", "plan.yaml", "--out", "grid", "--shard", part]);
    let half = shard("0/2");
    assert!(half.contains("4 of 8 runs are finished"), "{half}");
    let whole = shard("1/2");
    assert!(!whole.contains("runs are finished"), "{whole}");
    let json = place.json("grid/table.json");
    let row = &json["rows"][1];
    assert_eq!(row["seeds"].as_array().unwrap().len(), 4);
    let folds: Vec<f64> = row["folds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fold| fold["average_map"].as_f64().unwrap())
        .collect();
    let mean = row["average_map"]["mean"].as_f64().unwrap();
    assert!((mean - (folds[0] + folds[1]) / 2.0).abs() < 1e-12);
    let comparison = &json["comparisons"][0];
    assert_eq!(comparison["variant"], "wide");
    assert_eq!(
        (&comparison["num_folds"], &comparison["num_pairs"]),
        (&2.into(), &4.into())
    );
    let baseline = json["rows"][0]["average_map"]["mean"].as_f64().unwrap();
    let estimate = comparison["average_map"]["difference"]["estimate"]
        .as_f64()
        .unwrap();
    assert!((estimate - (mean - baseline)).abs() < 1e-9);
    assert!(whole.contains("## Differences from plain"), "{whole}");
    assert!(
        place
            .path("grid/wide/other-test/seed-2/summary.json")
            .exists()
    );

    // Choices are made without the test recordings.
    let chosen = place.ok(&["ablate", "plan.yaml", "--out", "grid", "--validation"]);
    assert!(
        chosen.contains("training recordings that were held out"),
        "{chosen}"
    );
    let run = place.path("grid/validation/plain/whole-held-out-2/seed-1");
    let detections = fs::read_to_string(run.join("detections.json")).unwrap();
    let detections: serde_json::Value = serde_json::from_str(&detections).unwrap();
    let mut found: Vec<&String> = detections["results"].as_object().unwrap().keys().collect();
    found.sort();
    assert_eq!(
        found,
        ["synth_train_0004", "synth_train_0005", "synth_train_0006"]
    );
    let held_out = place.json("grid/validation/folds/whole-held-out-2.json");
    assert_eq!(
        held_out["database"]["synth_train_0004"]["subset"],
        "held_out"
    );
    assert_eq!(
        held_out["database"]["synth_train_0001"]["subset"],
        "training"
    );
}
