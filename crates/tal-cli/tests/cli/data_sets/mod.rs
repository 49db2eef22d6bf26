//! `tal data`: conversion, splits, preparation.

mod convert;
mod prepare;
mod split;
mod tools;
mod weak;

use crate::bad_input::{USAGE, refused};
use crate::support::{Place, text};

#[test]
fn arguments_that_make_no_sense() {
    let place = Place::without_data();
    let synth = ["data", "synth", "--out", "data"];
    for (more, parts) in [
        (["--num-test", "0"], ["--num-test", "at least 1"]),
        (["--num-train", "0"], ["--num-train", "at least 1"]),
        (["--difficulty", "1.5"], ["--difficulty", "from 0 to 1"]),
        (["--difficulty", "NaN"], ["--difficulty", "finite"]),
    ] {
        refused(&place, &[&synth[..], &more].concat(), USAGE, &parts);
    }
    let output = place.tal(&["predict", "x", "y.npy", "--min-score", "nan"]);
    assert_eq!(output.status.code(), Some(USAGE));
    assert!(text(&output.stderr).contains("finite"));
    assert!(!place.path("data").exists());
}
