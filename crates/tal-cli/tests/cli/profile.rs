//! `tal train --profile`.

use crate::support::Place;

#[test]
fn a_profile_is_printed_and_changes_no_loss() {
    let place = Place::new();
    let train =
        |out: &str, more: &[&str]| place.ok(&[&["train", "net.yaml", "--out", out], more].concat());
    let title = "ms per step";
    assert!(!train("plain", &[]).contains(title));
    assert!(!place.path("plain/profile.json").exists());
    let printed = train("profiled", &["--profile"]);
    for part in [
        title,
        "share [%]",
        "waiting for the loader",
        "batch and transfer",
        "forward: encoder",
        "forward: decoder",
        "loss",
        "backward",
        "clip and optimiser",
        "moving average",
        "metrics and log",
        "checkpoints",
        "all (12 steps)",
        "100.00",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    assert_eq!(place.steps("plain"), place.steps("profiled"));
    let profile = place.json("profiled/profile.json");
    assert_eq!(profile["num_steps"], 12);
    let phases = profile["phases"].as_array().unwrap();
    let sum: f64 = phases.iter().map(|p| p["seconds"].as_f64().unwrap()).sum();
    let all = profile["seconds"].as_f64().unwrap();
    assert!(sum <= all * (1.0 + 1e-9), "{sum} {all}");
    // A finished run has no step left.
    let printed = train("profiled", &["--resume", "--profile"]);
    assert!(printed.contains("Nothing to profile"), "{printed}");
}
