//! `tal data check --write`: values of described features in a configuration and its annotations.

use std::fs;
use std::path::Path;

use serde_json::json;
use tal_video::Sidecar;

use crate::support::{Place, fixture, text};

/// A description of features at 16 frames a second, with the stride 4 and windows of 8 frames.
fn described(length: usize) -> Sidecar {
    let file = fixture("tal-video/tests/fixtures/sidecar.json");
    let mut sidecar = Sidecar::read(Path::new(&file)).unwrap();
    sidecar.duration = (4 * length + 4) as f64 / 16.0;
    sidecar.features.length = length;
    sidecar
}

/// A corpus whose features are described, but for one; its configuration and its annotations are wrong.
fn place() -> Place {
    let place = Place::new();
    let mut files: Vec<_> = fs::read_dir(place.path("data/features"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for file in &files[1..] {
        let array = tal_data::features::npy::read(file).unwrap();
        let sidecar = described(array.shape[0]);
        sidecar.write(&file.with_extension("json")).unwrap();
    }
    let wrong = place
        .read("net.yaml")
        .replace("  feat_stride: 4\n", "  feat_stride: 2  # a guess\n")
        .replace("  num_frames: 8\n", "");
    place.write("net.yaml", wrong);
    let mut truth = place.json("data/annotations.json");
    for entry in truth["database"].as_object_mut().unwrap().values_mut() {
        entry["duration"] = json!(entry["duration"].as_f64().unwrap() + 1.0);
        entry.as_object_mut().unwrap().remove("fps");
    }
    place.write("data/annotations.json", truth.to_string());
    place
}

const WRITE: [&str; 4] = ["data", "check", "net.yaml", "--write"];

/// Fills in. The check that follows finds a wrong duration where there is no description.
fn fill_in(place: &Place) -> String {
    text(&place.tal(&WRITE).stdout)
}

#[test]
fn stride_window_and_durations_are_filled_in_once() {
    let place = place();
    let (config, annotations) = (place.read("net.yaml"), place.read("data/annotations.json"));
    let said = text(&place.tal(&WRITE).stdout);
    assert!(said.contains("dataset.feat_stride: 4, was 2"), "{said}");
    assert!(
        said.contains("dataset.num_frames: 8, was nothing"),
        "{said}"
    );
    assert!(
        said.contains("1 recording of the annotations without a description"),
        "{said}"
    );
    let changed = place.read("net.yaml");
    assert_eq!(
        changed,
        config
            .replace(
                "  feat_stride: 2  # a guess\n",
                "  feat_stride: 4  # a guess\n"
            )
            .replace("dataset:\n", "dataset:\n  num_frames: 8\n")
    );
    let now = place.json("data/annotations.json");
    let before: serde_json::Value = serde_json::from_str(&annotations).unwrap();
    let entries = |document: &serde_json::Value| document["database"].as_object().unwrap().clone();
    let (now, before) = (entries(&now), entries(&before));
    assert!(now.keys().eq(before.keys()));
    let mut described = 0;
    for (id, entry) in &now {
        assert_eq!(entry["annotations"], before[id]["annotations"]);
        let sidecar = place.path(&format!("data/features/{id}.json"));
        if let Ok(sidecar) = Sidecar::read(&sidecar) {
            described += 1;
            assert_eq!(entry["duration"], sidecar.duration, "{id}");
            assert_eq!(entry["fps"], 16.0, "{id}");
        } else {
            assert_eq!(entry, &before[id]);
        }
    }
    assert_eq!(described, now.len() - 1);
    // The old content is kept, and a second call changes nothing.
    assert_eq!(place.read("net.yaml.old"), config);
    assert_eq!(place.read("data/annotations.json.old"), annotations);
    let files = place.files();
    let said = text(&place.tal(&WRITE).stdout);
    assert!(
        said.contains("The files say what the descriptions"),
        "{said}"
    );
    assert_eq!(place.files(), files);
    assert_eq!(place.read("net.yaml"), changed);
}

#[test]
fn nothing_is_written_if_features_do_not_mix_or_lines_are_not_understood() {
    let place = place();
    let config = place.read("net.yaml");
    let all = place.files();
    let refused = |fault: &str| {
        let output = place.tal(&WRITE);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains(fault) && said.contains("nothing is written"),
            "{said}"
        );
        assert_eq!(place.files(), all);
    };
    let sidecars: Vec<_> = all
        .iter()
        .filter(|file| {
            file.starts_with("data/features") && file.extension().is_some_and(|end| end == "json")
        })
        .collect();
    let last = place.path(sidecars[sidecars.len() - 1].to_str().unwrap());
    let mut other = Sidecar::read(&last).unwrap();
    other.features.feat_stride = 5.0;
    other.write(&last).unwrap();
    refused("they do not mix");
    for file in sidecars {
        let path = place.path(file.to_str().unwrap());
        fs::write(&path, "{}").unwrap();
    }
    let output = place.tal(&WRITE);
    assert_ne!(output.status.code(), Some(0));
    assert_eq!(place.read("net.yaml"), config);
    assert_eq!(place.files(), all);
}

/// Writes the section `dataset.extract` into `net.yaml`.
fn with_extract(place: &Place, section: &str) {
    let config = place.read("net.yaml");
    place.write(
        "net.yaml",
        config.replace("dataset:\n", &format!("dataset:\n{section}")),
    );
}

#[test]
fn digests_of_recipe_and_weights_are_filled_in() {
    let (recipe, weights) = ("11".repeat(32), "22".repeat(32));
    for (section, expected) in [
        (
            "  extract:  # mine\n    recipe: tsp_anet\n    weights: net.pt\n    weights_sha256: null\n",
            format!(
                "  extract:  # mine\n    recipe_sha256: \"{recipe}\"\n    recipe: tsp_anet\n    weights: net.pt\n    weights_sha256: \"{weights}\"\n"
            ),
        ),
        (
            "  extract: { recipe: tsp_anet, weights: net.pt }\n",
            format!(
                "  extract: {{ recipe: tsp_anet, weights: net.pt, recipe_sha256: \"{recipe}\", weights_sha256: \"{weights}\" }}\n"
            ),
        ),
    ] {
        let place = place();
        with_extract(&place, section);
        let said = fill_in(&place);
        assert!(
            said.contains(&format!(
                "dataset.extract.recipe_sha256: \"{recipe}\", was nothing"
            )),
            "{said}"
        );
        let changed = place.read("net.yaml");
        assert!(changed.contains(&expected), "{changed}");
        fill_in(&place);
        assert_eq!(place.read("net.yaml"), changed);
        // Digests that begin alike are not the same.
        let other = format!("{}3", &weights[1..]);
        place.write("net.yaml", changed.replace(&weights, &other));
        let said = text(&place.tal(&["features", "check", "net.yaml"]).stdout);
        assert!(
            said.contains("dataset.extract.weights_sha256 is 2222"),
            "{said}"
        );
        let said = fill_in(&place);
        assert!(
            said.contains(&format!("\"{weights}\", was \"{other}\"")),
            "{said}"
        );
        assert_eq!(place.read("net.yaml"), changed);
    }
}

#[test]
fn weights_that_do_not_mix_have_no_common_digest() {
    let place = place();
    with_extract(&place, "  extract: { recipe: tsp_anet, weights: net.pt }\n");
    let mut features = place.files().into_iter().filter(|file| {
        file.starts_with("data/features") && file.extension().is_some_and(|end| end == "json")
    });
    let last = place.path(features.next_back().unwrap().to_str().unwrap());
    let mut other = Sidecar::read(&last).unwrap();
    other.weights.as_mut().unwrap().sha256 = "33".repeat(32);
    other.write(&last).unwrap();
    let files = place.files();
    let said = text(&place.tal(&WRITE).stderr);
    assert!(
        said.contains("weights of") && said.contains("they do not mix"),
        "{said}"
    );
    assert_eq!(place.files(), files);
}

#[test]
fn no_file_changes_if_one_cannot_be_written() {
    let place = place();
    // As long as a name may be, so that its copy cannot have one.
    let name = format!("{}.yaml", "n".repeat(250));
    fs::rename(place.path("net.yaml"), place.path(&name)).unwrap();
    let (config, annotations) = (place.read(&name), place.read("data/annotations.json"));
    let files = place.files();
    let output = place.tal(&["data", "check", &name, "--write"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains(&name) && said.contains("cannot be written"),
        "{said}"
    );
    assert_eq!(place.files(), files);
    assert_eq!(place.read(&name), config);
    assert_eq!(place.read("data/annotations.json"), annotations);
}

/// The differences that `tal features check` finds with these values.
fn differences(place: &Place, values: &[&str]) -> Vec<String> {
    let mut args = vec!["features", "check", "net.yaml", "--json"];
    args.extend(values.iter().flat_map(|value| ["--set", *value]));
    let output = place.tal(&args);
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = found["differences"].as_array().unwrap();
    assert_eq!(output.status.code(), Some(i32::from(!found.is_empty())));
    found
        .iter()
        .map(|line| line.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn channels_are_those_that_columns_leave_and_files_append() {
    let place = place();
    fill_in(&place);
    assert_eq!(differences(&place, &[]), Vec::<String>::new());
    let flow = |columns: &str| {
        format!(
            "dataset.features.append=[{{dir: flow, suffix: .npy, format: {{type: npy}}, columns: {columns}}}]"
        )
    };
    let columns = "dataset.features.columns=[2, 6]";
    for values in [
        &[columns, "dataset.input_dim=4"][..],
        &[&flow("[0, 3]"), "dataset.input_dim=11"],
        &[columns, &flow("[0, 3]"), "dataset.input_dim=7"],
        // Nothing tells how many channels are appended.
        &[&flow("null"), "dataset.input_dim=21"],
        &["dataset.feat_stride=null", "dataset.num_frames=3"],
    ] {
        assert_eq!(
            differences(&place, values),
            Vec::<String>::new(),
            "{values:?}"
        );
    }
    for (values, difference) in [
        (
            &[columns, "dataset.input_dim=8"][..],
            "dataset.input_dim is 8, but the features of",
        ),
        (
            &[&flow("[0, 3]"), "dataset.input_dim=10"],
            "dataset.input_dim is 10, but the features of",
        ),
        (
            &["dataset.features.columns=[2, 9]", "dataset.input_dim=7"],
            "dataset.features.columns is [2, 9], but the features of",
        ),
    ] {
        let found = differences(&place, values);
        assert!(
            found.len() == 1 && found[0].starts_with(difference),
            "{found:?}"
        );
    }
}

#[test]
fn folders_of_subsets_are_checked_and_filled_in() {
    let place = place();
    let truth = place.json("data/annotations.json");
    for (id, entry) in truth["database"].as_object().unwrap() {
        let folder = format!("data/{}", entry["subset"].as_str().unwrap().to_lowercase());
        fs::create_dir_all(place.path(&folder)).unwrap();
        for extension in ["npy", "json"] {
            let file = place.path(&format!("data/features/{id}.{extension}"));
            if file.exists() {
                fs::rename(file, place.path(&format!("{folder}/{id}.{extension}"))).unwrap();
            }
        }
    }
    let config = place.read("net.yaml");
    place.write(
        "net.yaml",
        config.replace("dir: data/features", "dir: \"data/{subset}\""),
    );
    let said = fill_in(&place);
    assert!(said.contains("dataset.feat_stride: 4, was 2"), "{said}");
    assert_eq!(differences(&place, &[]), Vec::<String>::new());
}
