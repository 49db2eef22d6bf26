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
