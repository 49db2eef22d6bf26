//! Tables over folders that look like those of runs.

use std::fs;
use std::path::Path;

use tal_runs::{Column, Filter, RunState, differences, find_runs, sort};

fn run(folder: &Path, epochs: u64, mixer: &str, map: Option<f64>) {
    fs::create_dir_all(folder).unwrap();
    let config = format!(
        "dataset: {{annotations: /data/gtea/annotations.json}}\nencoder: {{mixer: {{type: {mixer}}}}}\n\
         train: {{epochs: {epochs}, warmup_epochs: 1, early_stop_epochs: null}}\n"
    );
    fs::write(folder.join("config.yaml"), config).unwrap();
    let mut metrics = String::new();
    for step in 0..4 {
        metrics += &format!("{{\"event\":\"step\",\"epoch\":1,\"step\":{step},\"loss\":1.0}}\n");
    }
    metrics += "{\"event\":\"epoch\",\"epoch\":1,\"step\":4,\"mean_loss\":1.0,\"seconds\":2.5}\n";
    if let Some(map) = map {
        for map in [map, map / 2.0] {
            metrics += &format!(
                "{{\"event\":\"evaluation\",\"epoch\":1,\"average_map\":{map},\"map\":[{map}],\"seconds\":0.5}}\n"
            );
        }
        fs::write(folder.join("summary.json"), "{}").unwrap();
    }
    fs::write(folder.join("metrics.jsonl"), metrics + "{\"event\":\"st").unwrap();
}

fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    run(&place.path().join("a"), 3, "gmg", Some(0.4));
    run(&place.path().join("deep/b"), 5, "sgp", Some(0.6));
    run(&place.path().join("c"), 3, "sgp", None);
    run(&place.path().join("d"), 3, "gmg", None);
    fs::write(
        place.path().join("d/train.log"),
        " INFO started\nERROR the loss is NaN\n",
    )
    .unwrap();
    fs::create_dir(place.path().join("no-run")).unwrap();
    place
}

#[test]
fn runs_are_found_with_their_figures() {
    let place = place();
    let mut runs = find_runs(place.path()).unwrap();
    let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
    assert_eq!(names, ["a", "c", "d", "deep/b"]);
    let a = &runs[0];
    assert_eq!((a.best_map, a.last_map), (Some(0.4), Some(0.2)));
    assert_eq!((a.steps, a.num_steps, a.epochs), (4, Some(16), 1));
    assert_eq!(
        (a.method.as_str(), a.data.as_str()),
        ("gmg", "gtea/annotations.json")
    );
    assert_eq!(a.seconds, 3.5);
    let states: Vec<RunState> = runs.iter().map(|run| run.state).collect();
    let (finished, stopped, failed) = (RunState::Finished, RunState::Stopped, RunState::Failed);
    assert_eq!(states, [finished, stopped, failed, finished]);
    sort(&mut runs, Column::Map);
    let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
    assert_eq!(names, ["deep/b", "a", "c", "d"]);
    // A folder of a run is one, too.
    assert_eq!(find_runs(&place.path().join("a")).unwrap()[0].name, "a");
}

#[test]
fn keys_that_differ_are_named() {
    let runs = find_runs(place().path()).unwrap();
    let found = differences(&runs);
    let keys: Vec<&str> = found.iter().map(|one| one.key.as_str()).collect();
    assert_eq!(keys, ["encoder.mixer.type", "train.epochs"]);
    let epochs: Vec<_> = found[1]
        .values
        .iter()
        .flatten()
        .map(|value| value.as_u64())
        .collect();
    assert_eq!(epochs, [3, 3, 3, 5].map(Some));
    assert!(differences(&runs[..1]).is_empty());
}

#[test]
fn conditions_choose_runs() {
    let runs = find_runs(place().path()).unwrap();
    let chosen = |text: &str| -> Vec<&str> {
        let filter: Filter = text.parse().unwrap();
        let met = runs.iter().filter(|run| filter.meets(run, &runs).unwrap());
        met.map(|run| run.name.as_str()).collect()
    };
    assert_eq!(chosen("map>50"), ["deep/b"]);
    assert_eq!(chosen("map<50"), ["a"]);
    assert_eq!(chosen("state=finished"), ["a", "deep/b"]);
    assert_eq!(chosen("state!=finished"), ["c", "d"]);
    assert_eq!(chosen("name~deep"), ["deep/b"]);
    assert_eq!(chosen("train.epochs = 3"), ["a", "c", "d"]);
    assert_eq!(chosen("encoder.mixer.type=sgp"), ["c", "deep/b"]);
    let unknown: Filter = "train.epoch=3".parse().unwrap();
    let error = unknown.meets(&runs[0], &runs).unwrap_err().to_string();
    assert!(error.contains("did you mean train.epochs?"), "{error}");
    for wrong in ["map", "=3", "map>", ""] {
        assert!(wrong.parse::<Filter>().is_err(), "{wrong}");
    }
}

#[test]
fn a_folder_that_is_locked_is_a_run_in_progress() {
    let place = tempfile::tempdir().unwrap();
    run(&place.path().join("a"), 3, "gmg", None);
    let folder = fs::File::open(place.path().join("a")).unwrap();
    if folder.try_lock().is_err() {
        return;
    }
    assert_eq!(find_runs(place.path()).unwrap()[0].state, RunState::Running);
}
