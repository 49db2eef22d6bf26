//! The first ten minutes: the commands of the documents, as they are written, on data made for them.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::{Place, text};

const README: &str = include_str!("../../../../README.md");
const OWN_DATA: &str = include_str!("../../../../docs/own-data.md");

/// The block of shell commands of a document that holds `part`, without the line that sets `tal`.
pub(crate) fn block(document: &str, part: &str) -> String {
    let mut blocks = document.split("```sh\n").skip(1);
    let block = blocks.find_map(|rest| {
        let block = rest.split("```").next().unwrap();
        block.contains(part).then(|| block.to_owned())
    });
    let block = block.unwrap_or_else(|| panic!("no block with {part:?}"));
    let lines = block.lines().filter(|line| !line.starts_with("tal="));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Runs commands as a user's shell does; each must succeed. Returns their standard output.
pub(crate) fn run(place: &Place, commands: &str) -> String {
    let program = env!("CARGO_BIN_EXE_tal");
    let script = format!("set -e\ntal='{program} --threads 1'\n{commands}");
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(place.path(""))
        .env_remove("RUST_LOG")
        .output()
        .unwrap();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{script}\n{stdout}\n{stderr}");
    stdout
}

/// Annotations with a frame rate in the file, as the README's example has them, features, and `new/` with those of the test.
fn data(place: &Place) {
    fs::rename(
        place.path("data/annotations.json"),
        place.path("annotations.json"),
    )
    .unwrap();
    fs::rename(place.path("data/features"), place.path("features")).unwrap();
    let truth = place.json("annotations.json");
    fs::create_dir(place.path("new")).unwrap();
    for (id, recording) in truth["database"].as_object().unwrap() {
        assert_eq!(recording["fps"], 16.0);
        if recording["subset"] == "test" {
            let (from, to) = (format!("features/{id}.npy"), format!("new/{id}.npy"));
            fs::copy(place.path(&from), place.path(&to)).unwrap();
        }
    }
}

/// The configuration that a user makes, at `name`.
fn mine(place: &Place, name: &str) {
    let up = "../".repeat(name.matches('/').count());
    let config = place.read("net.yaml").replace("data/", &up);
    place.write(name, config);
}

#[test]
fn the_steps_of_the_readme_work_as_they_are_written() {
    let place = Place::new();
    data(&place);
    fs::create_dir(place.path("configs")).unwrap();
    mine(&place, "configs/mine.yaml");
    let commands = block(README, "data check configs/mine.yaml");
    for command in ["data check", "train", "test", "predict", "evaluate"] {
        assert!(commands.contains(&format!("$tal {command} ")), "{commands}");
    }
    let printed = run(&place, &commands);
    assert!(printed.contains("0 errors"), "{printed}");
    assert!(
        printed.contains("16 frames per second, as all training recordings had"),
        "{printed}"
    );
    let truth = place.json("annotations.json");
    let found = place.json("found.json");
    let found: Vec<&String> = found["results"].as_object().unwrap().keys().collect();
    let tested = truth["database"].as_object().unwrap().iter();
    let tested = tested.filter(|(_, one)| one["subset"] == "test");
    let tested: Vec<&String> = tested.map(|(id, _)| id).collect();
    assert_eq!(found, tested);
    assert!(place.json("figures.json")["average_map"].is_number());
}

#[test]
fn a_table_without_subsets_comes_as_far() {
    let place = Place::new();
    data(&place);
    // The table that a hand would write.
    let truth = place.json("annotations.json");
    let mut table = "recording,start,end,label,duration\n".to_owned();
    for (id, recording) in truth["database"].as_object().unwrap() {
        for one in recording["annotations"].as_array().unwrap() {
            let [start, end] = [&one["segment"][0], &one["segment"][1]];
            let label = one["label"].as_str().unwrap();
            table += &format!("{id},{start},{end},{label},{}\n", recording["duration"]);
        }
    }
    place.write("table.csv", table);
    let printed = run(
        &place,
        "$tal data convert annotations table.csv --from csv --fps 16 --out annotations.json --force",
    );
    assert!(
        printed.contains("no column subset: all recordings are of the subset \"all\""),
        "{printed}"
    );
    // The steps of docs/own-data.md, with a rule that fits these ids.
    let split = block(OWN_DATA, "data split annotations.json").replace("^(S\\d+)", "(\\d+)$");
    run(&place, &split);
    let dealt = place.json("split.json");
    let is_dealt = |one: &Value| one["subset"] == "training" || one["subset"] == "test";
    assert!(
        dealt["database"]
            .as_object()
            .unwrap()
            .values()
            .all(is_dealt)
    );
    fs::rename(place.path("split.json"), place.path("annotations.json")).unwrap();
    mine(&place, "mine.yaml");
    run(&place, &block(OWN_DATA, "data check mine.yaml"));
    run(&place, &block(OWN_DATA, "train mine.yaml --out runs/mine"));
    assert!(place.path("found.json").is_file() && place.path("plots").is_dir());
}

#[test]
fn runs_are_named_where_one_is_missing() {
    let place = Place::new();
    place.ok(&["train", "net.yaml", "--out", "runs/first"]);
    for (args, parts) in [
        (
            &["test", "runs/nope"][..],
            &["runs/nope: does not exist", "runs/first"][..],
        ),
        (&["test", "first"], &["first: does not exist", "runs/first"]),
        (
            &["predict", "runs", "x.npy"],
            &["runs: is a folder without", "runs/first"],
        ),
    ] {
        let output = place.tal(args);
        let message = text(&output.stderr);
        assert!(!output.status.success());
        for part in [parts, &["give a run folder or a checkpoint file"]].concat() {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
}
