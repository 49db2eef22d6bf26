//! `tal ensemble`: runs and files of detections, fused.

use tal_core::config::EvaluationConfig;
use tal_data::{annotations, results};
use tal_postprocess::{FusionRule, evaluate_with, fuse_detection_sets};

use crate::bad_input::{USAGE, refused};
use crate::support::{Place, words};

#[test]
fn runs_become_one_set_of_detections() {
    let place = Place::new();
    for seed in ["1", "2"] {
        place.ok(&[
            "train",
            "net.yaml",
            "--seed",
            seed,
            "--out",
            &format!("runs/{seed}"),
        ]);
    }
    let out = place.ok(&words(
        "ensemble runs/1 runs/2 --out fused.json --tiou 0.4 --json figures.json",
    ));
    assert!(
        out.contains("average mAP") && out.contains("of 2 models"),
        "{out}"
    );

    let truth = annotations::read(&place.path("data/annotations.json"), None).unwrap();
    let read = |name: &str| results::read(&place.path(name), &truth.classes).unwrap();
    let models = ["runs/1/detections.json", "runs/2/detections.json"].map(read);
    let rule = FusionRule {
        iou_threshold: 0.4,
        max_detections: None,
    };
    let expected = fuse_detection_sets(&models, &rule).unwrap();
    let test = ["test".to_owned()];
    let recordings = truth.subset(&test);
    let rules = EvaluationConfig::default();
    let expected = evaluate_with(recordings, &expected, &rules, &truth.classes).unwrap();
    let figures = place.json("figures.json");
    let average = figures["average_map"].as_f64().unwrap();
    assert!((average - expected.average_map).abs() < 1e-9);

    // Files in place of the runs, in another order.
    let files = "ensemble runs/2/detections.json runs/1/detections.json --annotations data/annotations.json";
    place.ok(&words(&format!("{files} --tiou 0.4 --out again.json")));
    assert_eq!(place.read("again.json"), place.read("fused.json"));
    place.ok(&words(&format!(
        "{files} --max-detections 1 --out best.csv"
    )));
    let best = read("best.csv");
    assert!(best.values().all(|detections| detections.len() == 1));
}

#[test]
fn what_cannot_be_fused_is_refused() {
    let place = Place::new();
    place.write("found.json", r#"{"results": {"a": []}}"#);
    for (arguments, expected) in [
        (
            "ensemble found.json --out out.json",
            "--annotations: needed for the names of the classes",
        ),
        (
            "ensemble data --out out.json",
            "data: holds no detections.json",
        ),
        ("ensemble found.json --out out.txt", "must end in .json"),
        (
            "ensemble found.json --annotations data/annotations.json --json f.json --out out.json",
            "--json: needs a run folder",
        ),
    ] {
        refused(&place, &words(arguments), USAGE, &[expected]);
        assert!(!place.path("out.json").exists());
    }
}
