//! `tal report`: its figures are those of `tal evaluate`, and wrong requests are answered.

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::bad_input::{FAILED, USAGE, refused};
use crate::evaluate::{perfect, place};
use crate::support::{Place, words};

/// The data of a page, unpacked as its script does.
fn data(place: &Place, file: &str) -> Value {
    let page = place.read(file);
    let (_, rest) = page.split_once(" id=\"data\">").unwrap();
    let (letters, _) = rest.split_once("</script>").unwrap();
    let bytes = STANDARD.decode(letters).unwrap();
    let mut text = String::new();
    flate2::read::DeflateDecoder::new(&bytes[..])
        .read_to_string(&mut text)
        .unwrap();
    serde_json::from_str(&text).unwrap()
}

fn ids(data: &Value, key: &str) -> Vec<String> {
    let all = data["recordings"].as_array().unwrap().iter();
    all.map(|recording| recording[key].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn figures_are_those_of_evaluate() {
    let place = place();
    place.write("perfect.json", perfect().to_string());
    std::fs::create_dir(place.path("films")).unwrap();
    place.write("films/a.webm", "");
    let rules = "--subset Test --tiou 0.5,0.75 --ambiguous Ambiguous";
    let report = "report found.json best=perfect.json --ground-truth truth.json --media films --bootstrap 100 --out r.html";
    let printed = place.ok(&[words(report), words(rules)].concat());
    assert!(
        printed.contains("3 recordings, 2 detector(s), 1 films"),
        "{printed}"
    );
    let shown = data(&place, "r.html");
    let evaluate = |detections: &str, more: &str| -> Value {
        let fixed = "--diagnose --bootstrap 100 --json figures.json";
        let files = ["evaluate", "truth.json", detections];
        place.ok(&[&files[..], &words(rules), &words(fixed), &words(more)].concat());
        place.json("figures.json")
    };
    let mut figures = evaluate("found.json", "");
    assert_eq!(shown["detectors"][0]["figures"], figures);
    assert!(figures["average_map"].as_f64().unwrap() > 0.1);
    figures = evaluate("perfect.json", "--compare found.json");
    assert_eq!(shown["detectors"][1]["figures"], figures);
    assert_eq!(shown["detectors"][1]["name"], "best");
    assert_eq!(ids(&shown, "id"), ["a", "b", "c"]);
    assert_eq!(shown["recordings"][0]["film"], "./films/a.webm");
    // The detection on the ambiguous passage does not count.
    assert_eq!(shown["recordings"][1]["detectors"][0]["verdicts"][0], "06");
    assert_eq!(shown["recordings"][1]["unclear"]["start"], json!([20_000]));
}

#[test]
fn a_run_brings_its_annotations_rules_and_curves() {
    let place = Place::new();
    place.ok(&words("train net.yaml --out runs/net"));
    place.ok(&words("report runs/net --signal features --out r.html"));
    let shown = data(&place, "r.html");
    let evaluation = place.json("runs/net/evaluation.json");
    let figures = &shown["detectors"][0]["figures"];
    for key in ["average_map", "map", "tiou_thresholds", "counts"] {
        assert_eq!(figures[key], evaluation[key], "{key}");
    }
    assert_eq!(figures["dialect"], "tridet");
    assert_eq!(figures["subsets"], json!(["test"]));
    assert_eq!(shown["recordings"].as_array().unwrap().len(), 3);
    let run = &shown["runs"][0];
    assert_eq!(run["name"], "net");
    let loss: Vec<f64> = place
        .steps("runs/net")
        .iter()
        .map(|step| step["loss"].as_f64().unwrap())
        .collect();
    assert_eq!(run["steps"][0]["name"], "loss");
    assert_eq!(run["steps"][0]["y"], json!(loss));
    assert!(
        run["configuration"]
            .as_str()
            .unwrap()
            .starts_with("preset: ")
    );
    let signal = &shown["recordings"][0]["signal"];
    assert_eq!(signal["channels"][0]["name"], "norm of the features");

    // Detections of a run with others, by the rules of the command line.
    let mixed = "report net=runs/net copy=runs/net/detections.json --dialect opentad --fragment timeline --out part.html";
    place.ok(&words(mixed));
    let part = place.read("part.html");
    assert!(part.starts_with("<iframe ") && !part.contains("<script"));
}

#[test]
fn wrong_requests_are_answered() {
    let place = place();
    let fails = |line: &str, code: i32, parts: &[&str]| refused(&place, &words(line), code, parts);
    let report = "report found.json --ground-truth truth.json";
    fails(
        "report found.json --out r.html",
        USAGE,
        &["--ground-truth", "run folder"],
    );
    fails(&format!("{report} --out r.txt"), USAGE, &["--out", ".html"]);
    fails(
        &format!("{report} --out r.html --media ."),
        USAGE,
        &["--media", ".mp4", "\"a\""],
    );
    fails(
        &format!("{report} found.json --out r.html"),
        USAGE,
        &["two inputs", "NAME=PATH"],
    );
    fails(
        &format!("{report} --out r.html --signal features"),
        USAGE,
        &["--signal", "run folder"],
    );
    fails(
        &format!("{report} absent.json --out r.html"),
        FAILED,
        &["absent.json"],
    );
    std::fs::create_dir(place.path("folder")).unwrap();
    fails(
        "report folder --out r.html",
        USAGE,
        &["no run folder", "config.yaml"],
    );
}
