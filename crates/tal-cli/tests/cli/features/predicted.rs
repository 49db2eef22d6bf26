//! `tal predict` on films: the features that it keeps and takes, and the detections.

use std::fs;

use super::{SECOND, add_network, ffmpeg, make};
use crate::support::Place;

/// A folder with a trained run whose features could be those of `net.pt`, which has six channels, and `a.mp4`.
fn place() -> Option<Place> {
    let ffmpeg = ffmpeg()?;
    let place = Place::new();
    add_network(&place);
    let film = SECOND.replace("duration=1", "duration=4");
    make(&ffmpeg, &place, "a.mp4", &format!("{film} -c:v mpeg4"));
    let section = format!(
        "dataset.extract={{recipe: small.yaml, weights: {}}}",
        place.path("net.pt").display()
    );
    let columns = ["dataset.features.columns=[0, 6]", "dataset.input_dim=6"];
    let train = ["train", "net.yaml", "--out", "run", "--set", &section];
    place.ok(&[&train[..], &["--set", columns[0], "--set", columns[1]]].concat());
    Some(place)
}

#[test]
fn a_film_has_the_detections_of_its_features_in_the_precision_they_are_stored_in() {
    let Some(place) = place() else { return };
    let predict = |input: &str, out: &str, more: &[&str]| {
        let args = ["predict", "run", input, "--out", out];
        place.ok(&[&args[..], more].concat());
        place.json(out)["results"].clone()
    };
    let read = |name: &str| fs::read(place.path(name)).unwrap();
    let kept = ["--features-out", "single"];
    let of_film = predict("a.mp4", "film.json", &kept);
    assert!(!of_film["a"].as_array().unwrap().is_empty());
    assert_eq!(predict("single/a.npy", "features.json", &[]), of_film);
    assert_eq!(predict("a.mp4", "scratch.json", &[]), of_film);

    // Features in half precision are taken as they are.
    let extract = [
        "features",
        "extract",
        "small.yaml",
        "a.mp4",
        "--weights",
        "net.pt",
        "--half",
        "--out",
        "half",
    ];
    place.ok(&extract);
    let (features, sidecar) = (read("half/a.npy"), read("half/a.json"));
    assert!(features.len() < read("single/a.npy").len());
    let kept = ["--features-out", "half"];
    let of_half = predict("a.mp4", "half.json", &kept);
    assert_eq!(predict("half/a.npy", "half_features.json", &[]), of_half);
    assert_ne!(of_half, of_film);
    assert!(read("half/a.npy") == features && read("half/a.json") == sidecar);
}
