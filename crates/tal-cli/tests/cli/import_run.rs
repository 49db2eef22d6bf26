//! `tal import --resumable`: a released run continues here.

use super::support::{Place, fixture, text};

fn released() -> String {
    fixture("tal-engine/tests/fixtures/run_checkpoint.pth.tar")
}

#[test]
fn a_released_run_is_continued() {
    let place = Place::new();
    let file = released();
    let import = [
        "import",
        &file,
        "--config",
        "net.yaml",
        "--out",
        "run",
        "--resumable",
    ];
    let output = place.tal(&[&import[..], &["--set", "train.weight_decay=0.035"]].concat());
    let (said, warned) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{warned}");
    assert_eq!(warned, "");
    for expected in [
        "averaged weights (168 tensors), an optimiser (moments of 164 parameters)",
        "epoch 2, mAP 0.25",
        "Trained weights: 168 loaded, 0 missing, 0 unexpected, 0 mismatched.",
        "4 have none in the file and start at zero (decoder.refinement.scale.0, …).",
        "after step 8; 2 of 3 epochs done (4 steps each)",
        "the loss normaliser, which starts at 100",
        "tal train run/config.yaml --out run --resume",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    place.ok(&["train", "run/config.yaml", "--out", "run", "--resume"]);
    let metrics = place.read("run/metrics.jsonl");
    let steps = metrics
        .lines()
        .filter(|line| line.contains("\"event\":\"step\""));
    assert_eq!(steps.count(), 4);
    assert!(place.path("run/evaluation.json").exists());

    let again = place.tal(&import);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("is not empty"));
}

#[test]
fn other_settings_and_missing_data_are_warnings() {
    let place = Place::without_data();
    let output = place.tal(&[
        "import",
        &released(),
        "--config",
        "net.yaml",
        "--out",
        "run",
        "--resumable",
    ]);
    let warned = text(&output.stderr);
    assert!(output.status.success(), "{warned}");
    let expected =
        "train.weight_decay (parameters with weight decay) is 0.035 in the file, 0.05 here";
    assert!(warned.contains(expected), "{warned}");
    assert!(
        warned.contains("the number of steps per epoch is taken from the file"),
        "{warned}"
    );
    assert!(text(&output.stdout).contains("(4 steps each)"));
    let raw = place.tal(&[
        "import",
        &released(),
        "--config",
        "net.yaml",
        "--out",
        "b",
        "--resumable",
        "--raw",
    ]);
    assert_eq!(raw.status.code(), Some(2));
}
