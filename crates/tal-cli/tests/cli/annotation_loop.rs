//! The tutorial from annotations of a tool to drafts for it: its commands, as they are written, on made data.

use std::fs;
use std::path::PathBuf;

use tal_data::annotations;
use tal_exchange::{Format, Project, ReadOptions, WriteOptions};

use crate::first_steps::{block, run};
use crate::support::{Place, words};

const LOOP: &str = include_str!("../../../../docs/annotation-loop.md");

/// Ten recordings annotated with the tool, at `annotated`, and the features of ten others in `new`.
fn begun(format: &Format, annotated: &str) -> Place {
    let place = Place::without_data();
    place.ok(&words(
        "data synth --num-train 10 --num-test 10 --difficulty 0 --out data",
    ));
    let truth = annotations::read(&place.path("data/annotations.json"), None).unwrap();
    for folder in ["features", "new"] {
        fs::create_dir(place.path(folder)).unwrap();
    }
    for recording in &truth.recordings {
        let to = match recording.subset.as_str() {
            "training" => "features",
            _ => "new",
        };
        let name = format!("{}.npy", recording.id);
        let from = place.path("data/features").join(&name);
        fs::copy(from, place.path(to).join(name)).unwrap();
    }
    let mut ten = truth;
    ten.recordings
        .retain(|recording| recording.subset == "training");
    let project = tal_exchange::project_of(&ten);
    let options = WriteOptions::default();
    tal_exchange::write(format, &project, &place.path(annotated), &options).unwrap();
    let config = LOOP
        .split("```yaml\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    place.write("mine.yaml", config);
    place
}

fn read(paths: &[PathBuf], format: &'static Format) -> Project {
    tal_exchange::read(Some(format), paths, &ReadOptions::default()).unwrap()
}

/// Runs the steps of a tool; the drafts must hold the ten new recordings, and train together with the first ones.
fn go_round(name: &str, annotated: &str, drafts: &str) {
    let format = Format::of_name(name).unwrap();
    let place = begun(format, annotated);
    let section = LOOP
        .split("\n## ")
        .find(|part| part.contains(&format!("--from {name} ")));
    let section = section.unwrap();
    run(&place, &block(section, "$tal train"));
    let mut paths = vec![place.path(drafts)];
    if paths[0].is_dir() {
        paths = fs::read_dir(&paths[0])
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
    }
    let project = read(&paths, format);
    assert_eq!(project.tracks.len(), 10);
    assert!(
        project
            .tracks
            .iter()
            .all(|track| track.id.starts_with("synth_test_"))
    );
    assert!(
        project.events().count() >= 10,
        "{} events",
        project.events().count()
    );
    run(&place, &block(section, "--force"));
    let all = annotations::read(&place.path("annotations.json"), None).unwrap();
    assert_eq!(all.recordings.len(), 20);
}

#[test]
fn boris() {
    go_round("boris", "ten.boris", "drafts.boris");
}

#[test]
fn elan() {
    go_round("elan", "elan", "drafts");
}

#[test]
fn label_studio() {
    go_round("label-studio", "export.json", "tasks.json");
}
