//! `tal data check --write`: values of described features in a configuration and its annotations.

use std::fs;

use serde_json::json;
use tal_video::{
    FeaturesRecord, FrameSource, Origin, RecipeRecord, Sidecar, TestPattern, WeightsRecord,
};

use crate::support::{Place, text};

/// A description of features at 16 frames a second, with the stride 4 and windows of 8 frames.
fn described(length: usize) -> Sidecar {
    let rate = "16".parse().unwrap();
    let mut film = TestPattern::new(4, 3, 4 * length as u64 + 4, rate);
    let mut rgb = vec![0; film.format().num_bytes()];
    while film.read(&mut rgb).unwrap().is_some() {}
    let report = film.report();
    Sidecar {
        layout: Sidecar::LAYOUT,
        source: Origin {
            name: "a.mp4".to_owned(),
            bytes: 3,
            sha256: "00".repeat(32),
        },
        format: film.format(),
        start: report.timeline.start(),
        duration: report.timeline.duration(),
        rate,
        report,
        recipe: RecipeRecord {
            name: "test".to_owned(),
            sha256: "11".repeat(32),
            values: json!({}),
        },
        weights: Some(WeightsRecord {
            name: "net.pt".to_owned(),
            sha256: "22".repeat(32),
        }),
        features: FeaturesRecord {
            length,
            channels: 8,
            half: false,
            fps: 16.0,
            feat_stride: 4.0,
            num_frames: 8.0,
            sample_stride: 1.0,
            offset_frames: 4.0,
            times: None,
        },
    }
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
