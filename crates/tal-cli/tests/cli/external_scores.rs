//! A class-agnostic detector and a classifier of whole recordings.

use serde_json::{Value, json};

use super::support::{FPS, Place, text, words};

/// A place with a trained class-agnostic detector in `run`, whose configuration names `scores.json`: the first test
/// recording is of class 2 and then 0, all others of class 1 and then 0.
fn place() -> (Place, Vec<String>) {
    let place = Place::new();
    let truth = place.json("data/annotations.json");
    let names: Vec<String> = (0..3).map(|label| class_name(&truth, label)).collect();
    let mut scores = serde_json::Map::new();
    let recordings = truth["database"].as_object().unwrap();
    let mut first = true;
    for (id, _) in recordings.iter().filter(|(_, r)| r["subset"] == "test") {
        let vector = if first {
            [0.25, 0.1, 0.64]
        } else {
            [0.25, 0.81, 0.1]
        };
        scores.insert(id.clone(), json!(vector));
        first = false;
    }
    place.write(
        "scores.json",
        json!({"results": scores, "version": "1"}).to_string(),
    );
    let config = place
        .read("net.yaml")
        .replace("num_classes: 3", "num_classes: 1\n  class_agnostic: true");
    place.write(
        "agnostic.yaml",
        format!("{config}inference: {{ external_scores: {{ file: scores.json }} }}\n"),
    );
    place.ok(&["train", "agnostic.yaml", "--out", "run"]);
    (place, names)
}

fn class_name(truth: &Value, label: u64) -> String {
    let recordings = truth["database"].as_object().unwrap().values();
    recordings
        .flat_map(|r| r["annotations"].as_array().unwrap())
        .find(|a| a["label_id"] == label)
        .map(|a| a["label"].as_str().unwrap().to_owned())
        .unwrap()
}

/// (segment, label, score) of a recording, in the order of the file.
fn detections(file: &Value, id: &str) -> Vec<(String, String, f64)> {
    let all = file["results"][id].as_array().unwrap();
    all.iter()
        .map(|d| {
            let label = d["label"].as_str().unwrap().to_owned();
            (
                d["segment"].to_string(),
                label,
                d["score"].as_f64().unwrap(),
            )
        })
        .collect()
}

#[test]
fn detections_get_the_classes_of_the_score_file() {
    let (place, names) = place();
    // The run itself ends with an evaluation of this kind.
    assert!(place.read("run/detections.json").contains(&names[2]));

    let fused = words("test run --detections fused.json --json f.json");
    let said = place.ok(&fused);
    assert!(said.contains("Classes from the scores in"), "{said}");
    assert!(said.contains(&names[0]), "{said}");
    let none = ["--set", "inference.external_scores=null"];
    let proposals = words("test run --detections plain.json --json p.json");
    let said = place.ok(&[&proposals[..], &none].concat());
    assert!(said.contains("Evaluated without classes"), "{said}");

    let (fused, plain) = (place.json("fused.json"), place.json("plain.json"));
    let scores = place.json("scores.json");
    for (position, id) in scores["results"].as_object().unwrap().keys().enumerate() {
        let expected = if position == 0 { 2 } else { 1 };
        let best: f64 = if position == 0 { 0.64 } else { 0.81 };
        let (fused, mut plain) = (detections(&fused, id), detections(&plain, id));
        assert!(!plain.is_empty());
        assert!(plain.iter().all(|(_, label, _)| label == "action"));
        plain.truncate(200);
        assert_eq!(fused.len(), 2 * plain.len());
        for (segment, _, score) in &plain {
            for (name, class_score) in [(&names[expected], best), (&names[0], 0.25)] {
                let product = (class_score * score).sqrt();
                assert!(
                    fused.iter().any(|(other, label, found)| other == segment
                        && label == name
                        && (found - product).abs() < 1e-9),
                    "{id} {segment} {name} {product}"
                );
            }
        }
    }

    // Three classes are evaluated with the scores, one without.
    let classes = |file: &str| place.json(file)["classes"].as_array().unwrap().len();
    assert_eq!((classes("f.json"), classes("p.json")), (3, 1));
}

#[test]
fn prediction_uses_them_too() {
    let (place, names) = place();
    let file = "data/features/synth_test_0001.npy";
    let predict = ["predict", "run", file, "--fps", FPS];
    place.ok(&[&predict[..], &["--out", "found.json"]].concat());
    let found = detections(&place.json("found.json"), "synth_test_0001");
    assert!(!found.is_empty());
    let known: Vec<&String> = names.iter().collect();
    assert!(found.iter().all(|(_, label, _)| known.contains(&label)));
    assert!(found.iter().all(|(_, label, _)| label != "action"));

    // A training recording has no scores.
    let file = "data/features/synth_train_0001.npy";
    let output = place.tal(&["predict", "run", file, "--fps", FPS]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(
        said.contains("\"synth_train_0001\" has no class scores") && said.contains("scores.json"),
        "{said}"
    );
}

#[test]
fn a_recording_without_scores_is_named_before_the_network_runs() {
    let (place, _) = place();
    let mut scores = place.json("scores.json");
    let results = scores["results"].as_object_mut().unwrap();
    let last = results.keys().next_back().unwrap().clone();
    results.remove(&last);
    place.write("scores.json", scores.to_string());
    for args in [
        &["test", "run"][..],
        &["train", "agnostic.yaml", "--out", "other"],
    ] {
        let output = place.tal(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let said = text(&output.stderr);
        assert!(
            said.contains(&format!("recording {last:?} has no class scores")),
            "{said}"
        );
        assert!(said.contains("scores.json"), "{said}");
    }
    assert!(!place.path("other/last.safetensors").exists());

    place.write("scores.json", "{\"results\": {\"a\": [1, 2");
    let output = place.tal(&["test", "run"]);
    assert!(text(&output.stderr).contains("scores.json: line 1"));
    let gone = words("test run --set inference.external_scores.file=gone.json");
    let output = place.tal(&gone);
    assert!(text(&output.stderr).contains("cannot read class scores from"));
}
