//! `tal inspect`: learned action sensitivity.

use tal_data::annotations;

use crate::bad_input::{FAILED, USAGE, refused};
use crate::support::{Place, fixture};

/// A run with all parts of the sensitivity, and one without, each with its best weights.
fn trained() -> Place {
    let place = Place::new();
    let overlay = fixture("../configs/action_sensitivity/asl.yaml");
    let every = "train.checkpoint.eval_every=1";
    place.ok(&[
        "train",
        "net.yaml",
        "--overlay",
        &overlay,
        "--set",
        every,
        "--out",
        "with",
    ]);
    let short = ["--set", "train.epochs=1", "--set", "train.warmup_epochs=0"];
    place.ok(&[&["train", "net.yaml", "--out", "without"], &short[..]].concat());
    place
}

#[test]
fn the_learned_sensitivity_is_tabulated_and_drawn() {
    let place = trained();
    let printed = place.ok(&[
        "inspect",
        "--action-sensitivity",
        "with",
        "--out",
        "course.svg",
    ]);
    let classes = annotations::read(&place.path("data/annotations.json"), None)
        .unwrap()
        .classes;
    for part in ["μ class", "σ class", "μ start", "σ end"] {
        assert!(printed.contains(part), "{printed}");
    }
    let course = place.read("course.svg");
    for (_, name) in classes.iter() {
        assert!(printed.contains(name), "{printed}");
        assert!(course.contains(name), "{name}");
    }
    for text in [
        "Classification weight",
        "Localization weight",
        "σ of start",
        "Epoch",
    ] {
        assert!(course.contains(text), "{text}");
    }
    // A checkpoint alone has no course; its values are the same.
    let file = "with/last.safetensors";
    // The old name of the option still works.
    let again = place.ok(&["inspect", "--sensitivity", file, "--out", "now.svg"]);
    assert_eq!(again, printed);
    let now = place.read("now.svg");
    assert!(now.contains("Classification weight") && !now.contains("Epoch"));
    // The detector is used as any other.
    place.ok(&["test", "with"]);
}

#[test]
fn what_has_no_sensitivity_is_refused() {
    let place = trained();
    let inspect = |path: &'static str| ["inspect", "--action-sensitivity", path];
    refused(
        &place,
        &inspect("without"),
        FAILED,
        &[
            "without/last.safetensors",
            "trained without loss.action_sensitivity",
            "--overlay",
        ],
    );
    refused(
        &place,
        &inspect("with/best.safetensors"),
        FAILED,
        &[
            "with/best.safetensors",
            "last.safetensors of its run folder",
        ],
    );
    refused(&place, &inspect("nowhere"), FAILED, &["nowhere"]);
    refused(&place, &inspect("data"), FAILED, &["data/last.safetensors"]);
    refused(&place, &["inspect"], USAGE, &["<FILE>"]);
    let png = [&inspect("with")[..], &["--out", "plot.png"]].concat();
    refused(&place, &png, USAGE, &["plot.png", "must end in .svg"]);
}

#[test]
fn every_detector_can_have_it() {
    let place = Place::new();
    let asl = fixture("../configs/action_sensitivity/asl.yaml");
    for method in ["actionformer", "tridet", "temporalmaxer"] {
        let baseline = fixture(&format!("../configs/baselines/{method}.yaml"));
        let mut train = vec!["train", "net.yaml", "--out", method];
        train.extend(["--overlay", &baseline, "--overlay", &asl]);
        for set in ["train.epochs=1", "train.warmup_epochs=0"] {
            train.extend(["--set", set]);
        }
        place.ok(&train);
        let printed = place.ok(&["inspect", "--action-sensitivity", method]);
        assert!(printed.contains("σ end"), "{printed}");
        let metrics = place.read(&format!("{method}/metrics.jsonl"));
        for key in [
            "cls_weight",
            "reg_weight",
            "quality_loss",
            "contrastive_loss",
        ] {
            assert_eq!(metrics.matches(key).count(), 4, "{method} {key}");
        }
    }
}
