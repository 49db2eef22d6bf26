//! `tal evaluate` on annotations so few that the figures can be computed by hand.

use serde_json::{Value, json};

use crate::bad_input::{FAILED, USAGE, refused};
use crate::support::{Place, words};

const BASIC: [&str; 7] = [
    "evaluate",
    "truth.json",
    "found.json",
    "--tiou",
    "0.5,0.75",
    "--json",
    "figures.json",
];

/// Three recordings of one subset, one of another. The ids of the classes follow their names: Ambiguous, jump, run.
pub(crate) fn place() -> Place {
    let place = Place::without_data();
    let truth = json!({"database": {
        "a": {"subset": "Test", "duration": 100.0, "annotations": [
            {"segment": [10.0, 20.0], "label": "jump"},
            {"segment": [40.0, 60.0], "label": "run"},
        ]},
        "b": {"subset": "Test", "duration": 50.0, "annotations": [
            {"segment": [0.0, 10.0], "label": "jump"},
            {"segment": [20.0, 30.0], "label": "Ambiguous"},
        ]},
        "c": {"subset": "Test", "duration": 80.0, "annotations": [
            {"segment": [30.0, 50.0], "label": "run"},
        ]},
        "d": {"subset": "training", "duration": 60.0, "annotations": [
            {"segment": [5.0, 15.0], "label": "jump"},
        ]},
    }});
    place.write("truth.json", truth.to_string());
    place.write("found.json", found().to_string());
    place
}

/// By score, with the largest tIoU: jump 0.9 (1), 0.8 (0, in the ambiguous passage), 0.7 (0.6), 0.3 (0);
/// run 0.8 (0.5), 0.6 (0), 0.5 (1).
fn found() -> Value {
    json!({"results": {
        "a": [
            {"label": "jump", "score": 0.9, "segment": [10.0, 20.0]},
            {"label": "run", "score": 0.8, "segment": [40.0, 50.0]},
            {"label": "jump", "score": 0.3, "segment": [70.0, 80.0]},
        ],
        "b": [
            {"label": "jump", "score": 0.8, "segment": [22.0, 28.0]},
            {"label": "jump", "score": 0.7, "segment": [0.0, 6.0]},
        ],
        "c": [
            {"label": "run", "score": 0.5, "segment": [30.0, 50.0]},
            {"label": "run", "score": 0.6, "segment": [0.0, 10.0]},
        ],
    }})
}

/// The annotations of the subset `Test` with the score 1, but for the ambiguous one.
pub(crate) fn perfect() -> Value {
    json!({"results": {
        "a": [
            {"label": "jump", "score": 1.0, "segment": [10.0, 20.0]},
            {"label": "run", "score": 1.0, "segment": [40.0, 60.0]},
        ],
        "b": [{"label": "jump", "score": 1.0, "segment": [0.0, 10.0]}],
        "c": [{"label": "run", "score": 1.0, "segment": [30.0, 50.0]}],
    }})
}

/// `tal evaluate truth.json found.json --tiou 0.5,0.75` with more arguments.
fn figures(place: &Place, more: &[&str]) -> Value {
    place.ok(&[&BASIC[..], more].concat());
    place.json("figures.json")
}

/// The command must fail before it writes anything.
fn fails(place: &Place, more: &[&str], code: i32, parts: &[&str]) {
    refused(place, &[&BASIC[..], more].concat(), code, parts);
}

fn assert_near(found: &Value, expected: &[f64]) {
    let found: Vec<f64> = match found {
        Value::Array(all) => all.iter().map(|value| value.as_f64().unwrap()).collect(),
        value => vec![value.as_f64().unwrap()],
    };
    assert_eq!(found.len(), expected.len(), "{found:?} {expected:?}");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() < 1e-12, "{found:?} {expected:?}");
    }
}

#[test]
fn figures_are_those_computed_by_hand() {
    let place = place();
    let figures = figures(&place, &["--subset", "Test"]);
    assert_eq!(figures["subsets"], json!(["Test"]));
    assert_eq!(figures["dialect"], "clean");
    assert_eq!(figures["tiou_thresholds"], json!([0.5, 0.75]));
    let names: Vec<&String> = figures["ap"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["Ambiguous", "jump", "run"]);
    assert_near(&figures["ap"]["Ambiguous"], &[0.0, 0.0]);
    // (1 + 2/3) / 2, and 1 / 2 where the second is not found.
    assert_near(&figures["ap"]["jump"], &[5.0 / 6.0, 0.5]);
    // (1 + 2/3) / 2, and 1/3 / 2 where only the last is right.
    assert_near(&figures["ap"]["run"], &[5.0 / 6.0, 1.0 / 6.0]);
    assert_near(&figures["map"], &[5.0 / 9.0, 2.0 / 9.0]);
    assert_near(&figures["average_map"], &[7.0 / 18.0]);
    let counts = &figures["counts"];
    assert_eq!(counts["num_recordings"], 3);
    assert_eq!(counts["num_ground_truth"], 5);
    assert_eq!(counts["num_detections"], 7);
    for extra in [
        "recall",
        "average_recall",
        "diagnosis",
        "confidence",
        "comparison",
    ] {
        assert!(figures.get(extra).is_none(), "{extra}");
    }
}

#[test]
fn without_a_subset_all_count() {
    let place = place();
    let all = figures(&place, &[]);
    assert_eq!(all["subsets"], json!(["Test", "training"]));
    assert_eq!(all["counts"]["num_recordings"], 4);
    // Three annotations of jump, two of which are found at 0.5, one at 0.75.
    assert_near(&all["ap"]["jump"], &[5.0 / 9.0, 1.0 / 3.0]);
    let both = figures(&place, &["--subset", "Test", "--subset", "training"]);
    assert_eq!(both, all);
    let printed = place.ok(&["evaluate", "truth.json", "found.json", "--per-class"]);
    assert!(printed.contains("jump"), "{printed}");
    let told = "1 of these recordings have no detection";
    assert!(printed.contains(told), "{printed}");
}

#[test]
fn more_figures_and_plots_come_on_request() {
    let place = place();
    place.write("other.json", perfect().to_string());
    let more = words(
        "--subset Test --recall --diagnose --bootstrap 50 --compare other.json --plots plots/first",
    );
    let figures = figures(&place, &more);
    let plots = [
        "map.svg",
        "ap_per_class.svg",
        "precision_recall_0.50.svg",
        "precision_recall_0.75.svg",
        "average_recall.svg",
        "false_positives.svg",
        "sensitivity.svg",
        "false_negatives.svg",
    ];
    for name in plots {
        let plot = place.read(&format!("plots/first/{name}"));
        assert!(plot.contains("<svg"), "{name}");
    }

    // Per threshold for k = 1 and 5. The best two of jump hold one annotation; those of run one at 0.5, none at 0.75.
    let recall = &figures["recall"];
    assert_eq!(recall["k"], json!([1, 5]));
    assert_near(&recall["recall"][0], &[1.0 / 3.0, 2.0 / 3.0]);
    assert_near(&recall["recall"][1], &[1.0 / 6.0, 1.0 / 3.0]);
    let average = figures["average_recall"]["average_recall"]
        .as_array()
        .unwrap();
    // Without classes 4 of 5 annotations are found at 0.5, 2 at 0.75, and [22, 28] is [20, 30] at 0.5.
    assert_near(average.last().unwrap(), &[(5.0 / 5.0 + 2.0 / 5.0) / 2.0]);
    assert_eq!(figures["diagnosis"]["counts"]["num_ground_truth"], 5);

    let confidence = &figures["confidence"];
    assert_eq!(confidence["bootstrap"]["num_replicates"], 50);
    assert_eq!(confidence["bootstrap"]["seed"], 1);
    assert_near(&confidence["average_map"]["estimate"], &[7.0 / 18.0]);
    let end = |name: &str| confidence["average_map"][name].as_f64().unwrap();
    assert!(end("low") < end("high"), "{confidence}");
    let comparison = &figures["comparison"];
    assert_eq!(comparison["bootstrap"]["num_replicates"], 50);
    assert_near(&comparison["average_map"]["a"], &[7.0 / 18.0]);
    assert_near(&comparison["average_map"]["b"], &[2.0 / 3.0]);

    let first = place.read("figures.json");
    place.ok(&[&BASIC[..], &more].concat());
    assert_eq!(place.read("figures.json"), first);
    place.ok(&[&BASIC[..], &more, &["--seed", "2"]].concat());
    assert_ne!(place.read("figures.json"), first);
}

#[test]
fn all_dialects_agree_where_nothing_is_special() {
    let place = place();
    for dialect in ["activitynet", "actionformer", "tridet", "opentad", "clean"] {
        let figures = figures(&place, &["--subset", "Test", "--dialect", dialect]);
        assert_eq!(figures["dialect"], dialect);
        assert_near(&figures["map"], &[5.0 / 9.0, 2.0 / 9.0]);
    }
}

#[test]
fn dialects_differ_on_unknown_classes_and_names_of_subsets() {
    let place = place();
    let found = json!({"results": {"d": [
        {"label": "jump", "score": 0.9, "segment": [5.0, 15.0]},
        {"label": "run", "score": 0.8, "segment": [5.0, 15.0]},
    ]}});
    place.write("found.json", found.to_string());
    let training = ["--subset", "training", "--dialect"];
    let ignored = figures(&place, &[&training[..], &["clean"]].concat());
    assert_eq!(ignored["counts"]["num_ignored_detections"], 1);
    assert_near(&ignored["map"], &[1.0, 1.0]);
    std::fs::remove_file(place.path("figures.json")).unwrap();
    fails(
        &place,
        &[&training[..], &["activitynet"]].concat(),
        FAILED,
        &["recording \"d\"", "activitynet"],
    );

    let case = ["--subset", "TRAINING", "--dialect"];
    for exact in ["opentad", "activitynet"] {
        let told = format!("the dialect {exact} compares their case");
        let parts = ["--subset TRAINING", "Test, training", &told];
        fails(&place, &[&case[..], &[exact]].concat(), USAGE, &parts);
    }
    let folded = figures(&place, &[&case[..], &["clean"]].concat());
    assert_eq!(folded["counts"], ignored["counts"]);
    assert_eq!(folded["map"], ignored["map"]);
}

#[test]
fn blocked_recordings_do_not_count() {
    let place = place();
    let args = ["--subset", "Test", "--blocked", "blocked.txt"];
    for text in ["b\n", "[\"b\"]", "{\"b\": \"gone\"}"] {
        place.write("blocked.txt", text);
        let figures = figures(&place, &args);
        assert_eq!(figures["counts"]["num_recordings"], 2);
        assert_eq!(figures["counts"]["num_blocked_recordings"], 1);
        assert_eq!(figures["counts"]["num_blocked_detections"], 2);
        assert_near(&figures["ap"]["jump"], &[1.0, 1.0]);
        assert!(figures["ap"].get("Ambiguous").is_none());
        assert_near(&figures["map"], &[11.0 / 12.0, 7.0 / 12.0]);
    }
    std::fs::remove_file(place.path("figures.json")).unwrap();
    let missing = ["--blocked", "none.txt"];
    fails(
        &place,
        &missing,
        FAILED,
        &["cannot read none.txt", "No such file"],
    );
}

#[test]
fn detections_in_ambiguous_passages_are_no_errors() {
    let place = place();
    let args = ["--subset", "Test", "--ambiguous", "Ambiguous"];
    let figures = figures(&place, &args);
    assert!(figures["ap"].get("Ambiguous").is_none());
    assert_near(&figures["ap"]["jump"], &[1.0, 0.5]);
    assert_near(&figures["map"], &[11.0 / 12.0, 1.0 / 3.0]);
    assert_eq!(figures["counts"]["num_ground_truth"], 4);
    assert_eq!(figures["counts"]["num_ambiguous_ground_truth"], 1);
    std::fs::remove_file(place.path("figures.json")).unwrap();
    fails(
        &place,
        &["--ambiguous", "Ambigous"],
        FAILED,
        &[
            "\"Ambigous\"",
            "did you mean \"Ambiguous\"",
            "Ambiguous, jump, run",
        ],
    );
}

#[test]
fn data_sets_have_their_thresholds() {
    let place = place();
    let args = ["evaluate", "truth.json", "found.json", "--dataset"];
    place.ok(&[&args[..], &["thumos14", "--json", "figures.json"]].concat());
    let thresholds = &place.json("figures.json")["tiou_thresholds"];
    assert_eq!(*thresholds, json!([0.3, 0.4, 0.5, 0.6, 0.7]));
    let unknown = [&args[..], &["foo"]].concat();
    refused(
        &place,
        &unknown,
        USAGE,
        &["foo", "thumos14", "activitynet", "ego4d"],
    );
    // Other thresholds go with the buckets of a data set.
    let both = figures(&place, &["--dataset", "thumos14", "--diagnose"]);
    assert_eq!(both["tiou_thresholds"], json!([0.5, 0.75]));
    let coverage = &both["diagnosis"]["characteristics"][0]["buckets"];
    assert_eq!(coverage[0]["max"], json!(0.02));
}

#[test]
fn class_scores_give_detections_their_classes() {
    let place = place();
    let cuhk = json!({
        "results": {"a": [0.1, 0.9], "b": [0.0, 1.0], "c": [0.5, 0.25]},
        "class": ["run", "jump"],
    });
    let plain = json!({
        "a": {"run": 0.1, "jump": 0.9},
        "b": {"run": 0.0, "jump": 1.0},
        "c": {"run": 0.5, "jump": 0.25},
    });
    place.write("cuhk.json", cuhk.to_string());
    place.write("plain.json", plain.to_string());
    for scores in ["cuhk.json", "plain.json"] {
        let with = ["--subset", "Test", "--class-scores", scores];
        for combine in ["product", "product-root"] {
            let more = [&with[..], &["--top-k", "1", "--combine", combine]].concat();
            let fused = figures(&place, &more);
            assert_eq!(fused["counts"]["num_detections"], 7);
            // jump (products): 0.81 is right, 0.8 and 0.72 are not, 0.7 is at 0.5, 0.27 is not.
            assert_near(&fused["ap"]["jump"], &[0.75, 0.5]);
            // run: 0.3 is wrong, 0.25 is right.
            assert_near(&fused["ap"]["run"], &[0.25, 0.25]);
        }
        let twice = figures(&place, &with);
        assert_eq!(twice["counts"]["num_detections"], 14);
        let one = [&with[..], &["--top-k", "1", "--max-segments", "1"]].concat();
        let best = figures(&place, &one);
        assert_eq!(best["counts"]["num_detections"], 3);
        assert_near(&best["ap"]["jump"], &[0.5, 0.5]);
        assert_near(&best["ap"]["run"], &[0.0, 0.0]);
    }

    std::fs::remove_file(place.path("figures.json")).unwrap();
    for name in ["--top-k", "--max-segments"] {
        fails(
            &place,
            &[name, "1"],
            USAGE,
            &["--class-scores", "not provided"],
        );
    }
    place.write("few.json", json!({"a": {"run": 1}, "b": {}}).to_string());
    fails(
        &place,
        &["--class-scores", "few.json"],
        FAILED,
        &["few.json", "recording \"c\" has no class scores"],
    );
}

#[test]
fn unknown_recordings_need_a_flag() {
    let place = place();
    let mut found = found();
    found["results"]["x"] = json!([{"label": "jump", "score": 0.95, "segment": [0.0, 1.0]}]);
    place.write("found.json", found.to_string());
    let parts = [
        "found.json",
        "recording \"x\"",
        "truth.json",
        "--allow-unknown",
    ];
    fails(&place, &["--subset", "Test"], FAILED, &parts);
    let allowed = figures(&place, &["--subset", "Test", "--allow-unknown"]);
    assert_eq!(allowed["counts"]["num_unmatched_recording_detections"], 1);
    // One wrong detection before all others: (1/2 + 1/2) / 2.
    assert_near(&allowed["ap"]["jump"], &[0.5, 0.25]);
    // Nobody needs to know a recording that does not count.
    place.write("blocked.txt", "x\n");
    let blocked = figures(&place, &["--subset", "Test", "--blocked", "blocked.txt"]);
    assert_near(&blocked["ap"]["jump"], &[5.0 / 6.0, 0.5]);
}

#[test]
fn tables_with_the_columns_of_data_frames_are_read() {
    let place = place();
    let expected = figures(&place, &["--subset", "Test"]);
    for (name, separator) in [("found.csv", ","), ("found.tsv", "\t")] {
        let mut rows = vec![["", "video-id", "t-start", "t-end", "label", "score"].join(separator)];
        for (id, all) in found()["results"].as_object().unwrap() {
            for one in all.as_array().unwrap() {
                let (start, end) = (one["segment"][0].to_string(), one["segment"][1].to_string());
                let (label, score) = (one["label"].as_str().unwrap(), one["score"].to_string());
                let row = rows.len().to_string();
                rows.push([&row, id, &start, &end, label, &score].join(separator));
            }
        }
        place.write(name, rows.join("\n"));
        let args = BASIC.map(|arg| if arg == "found.json" { name } else { arg });
        place.ok(&[&args[..], &["--subset", "Test"]].concat());
        assert_eq!(place.json("figures.json"), expected);
    }
}

#[test]
fn impossible_requests_are_refused() {
    let place = place();
    place.write("taken", "");
    let parts = ["--plots taken", "is a file"];
    fails(&place, &["--plots", "taken"], USAGE, &parts);
    let few = "5 bootstrap replicates are too few";
    fails(&place, &["--bootstrap", "5"], FAILED, &[few, "at least 39"]);
    fails(&place, &["--bootstrap", "0"], USAGE, &["--bootstrap"]);
}
