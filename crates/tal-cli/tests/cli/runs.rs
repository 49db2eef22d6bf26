//! `tal runs`, and the curves of runs in other formats.

use std::fs;

use serde_json::Value;

use crate::bad_input::{USAGE, refused};
use crate::support::Place;

const CURVES: [&str; 2] = ["--set", "train.log=[tensorboard, dvclive]"];

fn trained() -> Place {
    let place = Place::new();
    let every = ["--set", "train.checkpoint.eval_every=1"];
    place.ok(&[
        &["train", "net.yaml", "--out", "runs/long"],
        &every[..],
        &CURVES,
    ]
    .concat());
    let short = ["--set", "train.epochs=1", "--set", "train.warmup_epochs=0"];
    place.ok(&[
        &["train", "net.yaml", "--out", "runs/deep/short"],
        &short[..],
    ]
    .concat());
    place
}

#[test]
fn runs_are_tabulated_chosen_and_compared() {
    let place = trained();
    let printed = place.ok(&["runs", "runs"]);
    for part in [
        "long",
        "deep/short",
        "finished",
        "gmg",
        "data/annotations.json",
        "12",
        "keys differ",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    let compared = place.ok(&["runs", "runs", "--compare", "--show", "train.warmup_epochs"]);
    for key in ["train.epochs", "train.checkpoint.eval_every", "train.log"] {
        assert!(compared.contains(key), "{key}: {compared}");
    }
    let json: Value =
        serde_json::from_str(&place.ok(&["runs", "runs", "--sort", "steps", "--json"])).unwrap();
    let runs = json["runs"].as_array().unwrap();
    assert_eq!(
        (&runs[0]["name"], &runs[0]["steps"]),
        (&"long".into(), &12.into())
    );
    assert_eq!(runs[1]["num_steps"], 4);
    assert_eq!(
        runs[0]["last_map"],
        place.json("runs/long/summary.json")["average_map"]
    );
    let reversed: Value = serde_json::from_str(&place.ok(&[
        "runs",
        "runs",
        "--sort",
        "steps",
        "--reverse",
        "--json",
    ]))
    .unwrap();
    assert_eq!(reversed["runs"][0]["name"], "deep/short");
    let one = place.ok(&["runs", "runs", "--filter", "train.epochs=1"]);
    assert!(one.contains("deep/short") && !one.contains("long"), "{one}");
    for (args, parts) in [
        (
            &["runs", "runs", "--filter", "train.epoch=1"][..],
            &["train.epochs"][..],
        ),
        (&["runs", "runs", "--filter", "steps"], &["KEY=VALUE"]),
        (
            &["runs", "runs", "--filter", "map>101"],
            &["none of the 2 runs"],
        ),
        (
            &["runs", "runs", "--show", "train.epoch"],
            &["did you mean train.epochs?"],
        ),
        (&["runs", "data"], &["no run in it"]),
        (
            &["runs", "nowhere"],
            &["nowhere: no run in it", "tal train CONFIG"],
        ),
    ] {
        refused(&place, args, USAGE, parts);
    }
}

#[test]
fn curves_hold_what_the_metrics_hold() {
    let place = trained();
    let metrics = place.read("runs/long/metrics.jsonl");
    let lines: Vec<Value> = metrics
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let table = place.read("runs/long/dvclive/plots/metrics/train/loss.tsv");
    let expected: Vec<String> = lines
        .iter()
        .filter(|line| line["event"] == "step")
        .map(|line| format!("{}\t{}", line["step"], line["loss"]))
        .collect();
    assert_eq!(table.lines().skip(1).collect::<Vec<_>>(), expected);
    assert_eq!(expected.len(), 12);
    let latest = place.json("runs/long/dvclive/metrics.json");
    let tested = lines
        .iter()
        .rev()
        .find(|line| line["event"] == "evaluation")
        .unwrap();
    assert_eq!(latest["evaluation"]["average_map"], tested["average_map"]);
    let is_event_file = |name: &str| name.starts_with("events.out.tfevents.");
    let files = |run: &str| -> Vec<String> {
        let entries = fs::read_dir(place.path(run)).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    assert_eq!(
        files("runs/long")
            .iter()
            .filter(|name| is_event_file(name))
            .count(),
        1
    );
    assert!(
        !files("runs/deep/short")
            .iter()
            .any(|name| is_event_file(name) || name == "dvclive")
    );
    // A run that continues may have curves from then on, with all that came before.
    let again = ["train", "net.yaml", "--out", "runs/deep/short", "--resume"];
    let same = ["--set", "train.epochs=1", "--set", "train.warmup_epochs=0"];
    place.ok(&[&again[..], &same, &CURVES].concat());
    let table = place.read("runs/deep/short/dvclive/plots/metrics/train/loss.tsv");
    assert_eq!(table.lines().count(), 1 + 4);
}
