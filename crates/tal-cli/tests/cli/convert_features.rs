//! `tal data convert features`.

use crate::support::{Place, text};

#[test]
fn converted_features_are_the_same_features() {
    let place = Place::new();
    let formats = [
        ("npz", ".npz", "{type: npz, key: feats}"),
        ("safetensors", ".safetensors", "{type: safetensors}"),
        ("hdf5", ".h5", "{type: hdf5}"),
        ("torch", ".pt", "{type: torch}"),
        ("pickle", ".pkl", "{type: pickle}"),
        ("csv", ".csv", "{type: csv}"),
    ];
    place.ok(&["train", "net.yaml", "--out", "run"]);
    let figures = |folder: &str, suffix: &str, format: &str| {
        let dir = format!("dataset.features.dir={}", place.path(folder).display());
        let suffix = format!("dataset.features.suffix={suffix}");
        let format = format!("dataset.features.format={format}");
        let sets = ["--set", &dir, "--set", &suffix, "--set", &format];
        place.ok(&[&["test", "run", "--json", "figures.json"], &sets[..]].concat());
        place.json("figures.json")
    };
    let original = figures("data/features", ".npy", "{type: npy}");
    for (name, suffix, format) in formats {
        let said = place.ok(&[
            "data", "convert", "features", "net.yaml", "--to", name, "--out", name,
        ]);
        assert!(said.starts_with("11 recordings: "), "{said}");
        assert_eq!(figures(name, suffix, format), original, "{name}");
    }
}

#[test]
fn conversions_that_cannot_be_are_refused_before_anything_is_written() {
    let place = Place::new();
    place.write("full", "a file");
    for (arguments, expected) in [
        (
            &["--to", "npy", "--out", "data"][..],
            "--out data: is not empty",
        ),
        (
            &["--to", "npy", "--out", "full"],
            "--out full: is not a folder",
        ),
        (
            &["--to", "npy", "--out", "new", "--key", "a"],
            "the format has no names",
        ),
        (
            &["--to", "hdf5", "--out", "new", "--key", "a", "--key", "b"],
            "several --key",
        ),
        (
            &["--to", "csv", "--out", "new", "--layout", "channel-first"],
            "a line per feature",
        ),
    ] {
        let arguments = [&["data", "convert", "features", "net.yaml"], arguments].concat();
        let outcome = place.tal(&arguments);
        assert_eq!(outcome.status.code(), Some(2), "{arguments:?}");
        let message = text(&outcome.stderr);
        assert!(message.contains(expected), "{message}");
        assert!(!place.path("new").exists());
    }
}
