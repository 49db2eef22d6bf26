//! Measures against their public reference implementations: figures made by `tests/readers/measures.py`.
//!
//! A few cases are in `fixtures/measures.json`; `TAL_MEASURE_CASES` names a file with more, such as a thousand.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};
use tal_core::{Detection, Instance, Segment};
use tal_postprocess::measures::{
    Background, EventConfig, FrameRate, LabRecording, LabelledRecording, Labelling,
    ScoredRecording, SegmentationConfig, SpottingConfig, agreement, bouts, event_scores, frame_map,
    frame_scores, mabe_f_beta, misalignment, segmentation, spotting,
};

const TOLERANCE: f64 = 1e-9;

#[derive(Deserialize)]
struct Case {
    name: String,
    rate: f64,
    recordings: Vec<Rows>,
    expected: serde_json::Map<String, Value>,
}

#[derive(Deserialize)]
struct Rows {
    duration: f64,
    truth: Vec<(f64, f64, u32)>,
    found: Vec<(f64, f64, u32, f64)>,
}

/// A recording with its detections as they are, one class at a time, and each class by itself.
struct Recording {
    duration: f64,
    truth: Vec<Instance>,
    detections: Vec<Detection>,
    events: Vec<Instance>,
    single: Vec<Instance>,
    multiple: Vec<Instance>,
}

impl Recording {
    fn new(rows: &Rows) -> Self {
        let truth = rows.truth.iter().map(|&(start, end, label)| Instance {
            segment: Segment::new(start, end),
            label,
        });
        let found = rows
            .found
            .iter()
            .map(|&(start, end, label, score)| Detection {
                segment: Segment::new(start, end),
                label,
                score,
            });
        let detections: Vec<Detection> = found.collect();
        let events = detections.iter().map(|row| Instance {
            segment: row.segment,
            label: row.label,
        });
        Self {
            duration: rows.duration,
            truth: truth.collect(),
            events: events.collect(),
            single: Labelling::Single.apply(&detections, 0.0),
            multiple: Labelling::Multiple.apply(&detections, 0.0),
            detections,
        }
    }

    fn with<'a>(&'a self, found: &'a [Instance]) -> LabelledRecording<'a> {
        LabelledRecording {
            truth: &self.truth,
            found,
            duration: self.duration,
        }
    }
}

fn cases(file: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

/// Checks that `ours` has everything that `expected` has. Returns the number of compared figures.
fn compare(expected: &Value, ours: &Value, place: &str) -> usize {
    match (expected, ours) {
        (Value::Object(wanted), Value::Object(have)) => wanted
            .iter()
            .map(|(key, wanted)| compare(wanted, &have[key], &format!("{place}.{key}")))
            .sum(),
        (Value::Array(wanted), Value::Array(have)) => {
            assert_eq!(wanted.len(), have.len(), "{place}: {expected} {ours}");
            let pairs = wanted.iter().zip(have).enumerate();
            pairs
                .map(|(at, (wanted, have))| compare(wanted, have, &format!("{place}[{at}]")))
                .sum()
        }
        (Value::Number(_), Value::Number(_)) => {
            let (wanted, have) = (expected.as_f64().unwrap(), ours.as_f64().unwrap());
            assert!(
                (wanted - have).abs() <= TOLERANCE,
                "{place}: {wanted} {have}"
            );
            1
        }
        _ => {
            assert_eq!(expected, ours, "{place}");
            1
        }
    }
}

/// All figures of one measure, in the form of the file.
fn figures(measure: &str, expected: &Value, all: &[Recording], rate: FrameRate) -> Value {
    let events: Vec<_> = all.iter().map(|one| one.with(&one.events)).collect();
    let single: Vec<_> = all.iter().map(|one| one.with(&one.single)).collect();
    let multiple: Vec<_> = all.iter().map(|one| one.with(&one.multiple)).collect();
    let scored: Vec<_> = all
        .iter()
        .map(|one| ScoredRecording {
            truth: &one.truth,
            found: &one.detections,
            duration: one.duration,
        })
        .collect();
    let entries = || expected.as_array().unwrap().iter();
    match measure {
        "frame" => json!(frame_scores(&multiple, rate).unwrap()),
        "frame_map" => json!(frame_map(&scored, rate).unwrap()),
        "segmentation" => {
            let of = |background| {
                let config = SegmentationConfig {
                    background,
                    ..SegmentationConfig::default()
                };
                segmentation(&single, rate, &config).unwrap()
            };
            json!({"ignored": of(Background::Ignored), "counted": of(Background::Counted)})
        }
        "events" => entries()
            .map(|entry| {
                let config: EventConfig = serde_json::from_value(entry["config"].clone()).unwrap();
                json!({"config": config, "figures": event_scores(&events, &config).unwrap()})
            })
            .collect(),
        "spotting" => entries()
            .map(|entry| {
                let config: SpottingConfig =
                    serde_json::from_value(entry["config"].clone()).unwrap();
                json!({"config": config, "figures": spotting(&scored, &config).unwrap()})
            })
            .collect(),
        "mabe" => entries()
            .map(|entry| {
                let beta = entry["beta"].as_f64().unwrap();
                let labs: Vec<u32> = serde_json::from_value(entry["labs"].clone()).unwrap();
                let classes: Vec<Vec<u32>> =
                    serde_json::from_value(entry["classes"].clone()).unwrap();
                let sources = single.iter().zip(&labs).zip(&classes);
                let recordings: Vec<_> = sources
                    .map(|((recording, lab), classes)| LabRecording {
                        recording: *recording,
                        lab: *lab,
                        annotated_classes: Some(classes),
                    })
                    .collect();
                let figures = mabe_f_beta(&recordings, rate, beta).unwrap();
                json!({"beta": beta, "labs": labs, "classes": classes, "figures": figures})
            })
            .collect(),
        "misalignment" => entries()
            .map(|entry| {
                let at = entry["recording"].as_u64().unwrap() as usize;
                let classes = misalignment(&events[at..=at]).unwrap();
                let label = entry["label"].as_u64().unwrap();
                let figures = classes
                    .iter()
                    .find(|class| u64::from(class.label) == label)
                    .unwrap();
                let rates = figures.time.rates();
                json!({"recording": at, "label": label, "figures": figures, "rates": rates})
            })
            .collect(),
        "bouts" => json!(bouts(&events).unwrap()),
        "agreement" => {
            // Of all classes one at a time, of each by itself.
            let mut figures = json!(agreement(&multiple, rate).unwrap());
            figures["all"] = json!(agreement(&single, rate).unwrap().all);
            figures
        }
        other => panic!("unknown measure {other}"),
    }
}

fn check(file: &Path) -> usize {
    let mut num = 0;
    for case in cases(file) {
        let recordings: Vec<Recording> = case.recordings.iter().map(Recording::new).collect();
        let rate = FrameRate::new(case.rate).unwrap();
        for (measure, expected) in &case.expected {
            let ours = figures(measure, expected, &recordings, rate);
            let place = format!("{}: {}: {measure}", file.display(), case.name);
            num += compare(expected, &ours, &place);
        }
    }
    num
}

#[test]
fn figures_are_those_of_the_references() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/measures.json");
    let measures: std::collections::BTreeSet<String> = cases(&fixture)
        .into_iter()
        .flat_map(|case| case.expected.into_iter().map(|(measure, _)| measure))
        .collect();
    assert_eq!(measures.len(), 9, "{measures:?}");
    assert!(check(&fixture) > 2000);
}

#[test]
fn figures_are_those_of_the_references_on_more_cases() {
    let Some(file) = std::env::var_os("TAL_MEASURE_CASES").map(PathBuf::from) else {
        // Not through the macro: the test harness would hide it.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED measures_reference: TAL_MEASURE_CASES is not set"
        );
        return;
    };
    let num = check(&file);
    let _ = writeln!(
        std::io::stderr(),
        "{num} figures of {} agree",
        file.display()
    );
    assert!(num > 0);
}
