//! `tal features` and what follows from it.

mod completion;
mod downloads;
mod films;
mod killed;
mod predicted;

use std::process::Command;

use tal_video::{Ffmpeg, VideoError};

use crate::support::{Place, fixture};

/// A second of a film.
const SECOND: &str = "-f lavfi -i testsrc2=size=64x48:rate=30:duration=1";

/// A folder with `small.yaml`, a recipe, and `net.pt`, its network.
fn place() -> Place {
    let place = Place::without_data();
    add_network(&place);
    std::fs::create_dir(place.path("films")).unwrap();
    place
}

/// Adds a recipe and its network.
fn add_network(place: &Place) {
    for (file, name) in [
        ("tal-engine/tests/fixtures/small_recipe.yaml", "small.yaml"),
        ("tal-cli/tests/fixtures/colours.pt", "net.pt"),
    ] {
        std::fs::copy(fixture(file), place.path(name)).unwrap();
    }
}

/// The ffmpeg program, or none after saying so: then there is nothing to test.
fn ffmpeg() -> Option<Ffmpeg> {
    match Ffmpeg::find(None) {
        Ok(found) => Some(found),
        Err(error @ VideoError::NoProgram) => {
            eprintln!("SKIPPED: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Makes the film `name` with the arguments of the program, which are separated by spaces.
fn make(ffmpeg: &Ffmpeg, place: &Place, name: &str, arguments: &str) {
    let output = Command::new(ffmpeg.path())
        .args(["-nostdin", "-loglevel", "error", "-y", "-bitexact"])
        .args(arguments.split_whitespace())
        .arg(place.path(name))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments}: {said}");
}

/// Arguments of an extraction of `films` into `out`.
fn extract(out: &str) -> [&str; 8] {
    [
        "features",
        "extract",
        "small.yaml",
        "films",
        "--weights",
        "net.pt",
        "--out",
        out,
    ]
}
