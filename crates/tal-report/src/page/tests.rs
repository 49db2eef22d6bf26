//! Pages: their data, and that data stay text.

use std::collections::BTreeMap;
use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tal_core::config::{EvaluationConfig, EvaluationDialect};
use tal_core::{ClassMap, Detection, DetectionSet, Instance, Recording, Segment};
use tal_postprocess::{BootstrapConfig, DiagnosisConfig, bootstrap, diagnose, evaluate_with};

use super::*;
use crate::Figures;

const HOSTILE: &str = "</script><img src=x onerror=alert(1)>\u{202e}&\"'";

fn config() -> EvaluationConfig {
    EvaluationConfig {
        tiou_thresholds: vec![0.5, 0.75],
        dialect: EvaluationDialect::Clean,
        ..EvaluationConfig::default()
    }
}

fn recording(id: &str, rows: &[(f64, f64, u32)]) -> Recording {
    let instance = |&(start, end, label): &(f64, f64, u32)| Instance {
        segment: Segment::new(start, end),
        label,
    };
    Recording {
        id: id.to_owned(),
        subset: "test".to_owned(),
        duration: Some(60.0),
        fps: None,
        instances: rows.iter().map(instance).collect(),
    }
}

fn truth() -> Vec<Recording> {
    vec![
        recording("a", &[(20.0, 30.0, 1), (0.0, 10.0, 0)]),
        recording(HOSTILE, &[(5.0, 8.0, 0)]),
        recording("none", &[]),
    ]
}

fn detections() -> DetectionSet {
    let row = |start, end, label, score| Detection {
        segment: Segment::new(start, end),
        label,
        score,
    };
    let mut all = DetectionSet::new();
    all.insert(
        "a".to_owned(),
        vec![
            row(20.0, 26.0, 1, 0.75),
            row(0.0, 10.0, 0, 0.5),
            row(40.0, 41.0, 0, 0.25),
        ],
    );
    all
}

/// A report on two detectors of the same detections.
fn with_report<T>(look: impl FnOnce(Report<'_>) -> T) -> T {
    let classes = ClassMap::from_names(["jump", HOSTILE]).unwrap();
    let (truth, detections, config) = (truth(), detections(), config());
    let recordings: Vec<&Recording> = truth.iter().collect();
    let options = MeasureOptions {
        config: &config,
        classes: &classes,
        subsets: &["test".to_owned()],
        diagnosis: Some(DiagnosisConfig::from(&config)),
        bootstrap: Some(BootstrapConfig::default()),
        other: None,
    };
    let detector =
        |name: &str| Detector::measured(name.to_owned(), &recordings, &detections, &options);
    look(Report {
        title: HOSTILE.to_owned(),
        facts: vec![(HOSTILE.to_owned(), HOSTILE.to_owned())],
        classes: &classes,
        ambiguous: None,
        recordings: recordings.clone(),
        detectors: vec![detector("ours").unwrap(), detector(HOSTILE).unwrap()],
        runs: Vec::new(),
        signals: BTreeMap::new(),
        films: BTreeMap::from([("a".to_owned(), "films/a.mp4".to_owned())]),
        parts: Parts::All,
    })
}

/// The data of a page, unpacked as its script does.
fn unpacked(page: &str) -> Value {
    let (_, rest) = page.split_once(" id=\"data\">").unwrap();
    let (letters, _) = rest.split_once("</script>").unwrap();
    let bytes = STANDARD.decode(letters).unwrap();
    let mut text = String::new();
    let mut decoder = flate2::read::DeflateDecoder::new(&bytes[..]);
    decoder.read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn figures_are_those_of_the_evaluation_to_the_last_digit() {
    let data = with_report(|report| unpacked(&html(&report).unwrap()));
    let classes = ClassMap::from_names(["jump", HOSTILE]).unwrap();
    let (truth, detections, config) = (truth(), detections(), config());
    let evaluation = evaluate_with(&truth, &detections, &config, &classes).unwrap();
    assert!(evaluation.average_map > 0.0 && evaluation.average_map < 1.0);
    let mut expected = Figures::new(evaluation, &classes, &["test".to_owned()]);
    let rules = DiagnosisConfig::from(&config);
    expected.diagnosis = Some(diagnose(&truth, &detections, &rules).unwrap());
    let draws = BootstrapConfig::default();
    let confidence = bootstrap(&truth, &detections, &config, Some(&classes), &draws).unwrap();
    expected.confidence = Some(confidence);
    let expected = serde_json::to_value(expected).unwrap();
    for detector in 0..2 {
        assert_eq!(data["detectors"][detector]["figures"], expected);
    }
}

#[test]
fn tracks_are_by_start_with_their_outcomes() {
    let data = with_report(|report| unpacked(&html(&report).unwrap()));
    let a = &data["recordings"][0];
    assert_eq!(a["id"], "a");
    assert_eq!(a["film"], "films/a.mp4");
    assert_eq!(a["end"], 60_000);
    let annotations = json!({"start": [0, 20_000], "length": [10_000, 10_000], "class": [0, 1]});
    assert_eq!(a["annotations"], annotations);
    let found = &a["detectors"][0];
    assert_eq!(found["start"], json!([0, 20_000, 20_000]));
    assert_eq!(found["length"], json!([10_000, 6_000, 1_000]));
    assert_eq!(found["score"], json!([50_000, 75_000, 25_000]));
    // At 0.75 the second is a localization error; the third overlaps nothing.
    assert_eq!(found["verdicts"], json!(["005", "035"]));
    assert_eq!(found["best"], json!([0, 1, -1]));
    assert_eq!(found["tiou"], json!([1000, 600, 0]));
    assert_eq!(found["found_by"], json!([[0, 1], [0, -1]]));
    assert_eq!(found["map"], json!(0.75));
    let empty = &data["recordings"][2];
    assert_eq!(empty["detectors"][0]["map"], Value::Null);
}

#[test]
fn data_never_become_markup() {
    let page = with_report(|report| html(&report).unwrap());
    assert!(!page.contains("<img"));
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(page.contains("<title>&lt;/script&gt;&lt;img"));
    let data = unpacked(&page);
    assert_eq!(data["title"], HOSTILE);
    assert_eq!(data["classes"][1], json!([1, HOSTILE]));
    assert_eq!(data["recordings"][1]["id"], HOSTILE);
}

#[test]
fn the_policy_admits_this_script_only_and_no_network() {
    let page = with_report(|report| html(&report).unwrap());
    let (_, rest) = page
        .split_once("Content-Security-Policy\" content=\"")
        .unwrap();
    let (policy, _) = rest.split_once('"').unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"));
    assert!(!policy.contains("unsafe") && !policy.contains("http"));
    for address in ["http://", "https://", "//cdn"] {
        let others = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!others.contains(address), "{address}");
    }
}

#[test]
fn a_fragment_is_one_frame_with_the_timeline() {
    let text = with_report(|mut report| {
        report.parts = Parts::Timeline;
        fragment(&report).unwrap()
    });
    assert!(text.starts_with("<iframe ") && text.ends_with("</iframe>\n"));
    assert_eq!(text.matches('<').count(), 2);
    let page = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&");
    let data = unpacked(&page);
    assert_eq!(data["is_whole"], false);
    assert_eq!(data["detectors"][0]["curves"], json!([]));
    assert_eq!(data["recordings"].as_array().unwrap().len(), 3);
}

#[test]
fn courses_and_channels_get_shorter_without_losing_their_range() {
    let course = Course::new("loss", (0..4000).map(|i| (f64::from(i), 2.0)));
    assert_eq!(course.x.len(), 1334);
    assert_eq!(course.y[7], 2.0);
    let odd = Course::new("loss", [(0.0, f64::NAN), (1.0, 3.0)]);
    assert_eq!((odd.x, odd.y), (vec![1.0], vec![3.0]));
    let mut values = vec![0.0; 10_000];
    values[7_777] = 9.0;
    values[42] = -4.0;
    values[43] = f32::NAN;
    let channel = Channel::new("x".to_owned(), &values);
    assert_eq!(channel.low.len(), 480);
    assert_eq!(channel.high.iter().copied().fold(0.0, f32::max), 9.0);
    assert_eq!(channel.low.iter().copied().fold(0.0, f32::min), -4.0);
    let few = Channel::new("x".to_owned(), &[1.0, f32::NAN]);
    assert!(few.low[1].is_nan() && few.high[0] == 1.0);
    assert!(Channel::new("x".to_owned(), &[]).low.is_empty());
}
