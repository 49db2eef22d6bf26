//! Curves of a run that was killed and resumed, read by TensorBoard, tbparse and as DVCLive's tables: `cargo xtask references`.

use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::{Place, fixture, text};

/// The Python with the readers.
const PYTHON: &str = "TAL_CURVES_PYTHON";

#[test]
fn curves_reference() {
    let Some(python) = std::env::var_os(PYTHON) else {
        eprintln!("skipped: {PYTHON} is not set; `cargo xtask references` sets it");
        return;
    };
    let place = Place::new();
    let overlay = fixture("../configs/action_sensitivity/asl.yaml");
    let train = [
        "train",
        "net.yaml",
        "--overlay",
        &overlay,
        "--set",
        "train.log=[tensorboard, dvclive]",
        "--set",
        "train.epochs=11",
        "--set",
        "train.checkpoint.eval_every=3",
        "--set",
        "evaluation.tiou_thresholds=[0.3, 0.5, 0.55]",
        "--out",
        "run",
    ];
    let mut command = place.command(&train);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = || {
        fs::read_to_string(place.path("run/metrics.jsonl")).map_or(0, |text| text.lines().count())
    };
    let start = Instant::now();
    // Within the second epoch: some steps are not part of the saved state.
    while lines() < 7 {
        assert!(child.try_wait().unwrap().is_none() && start.elapsed() < Duration::from_secs(120));
        sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    place.ok(&[&train[..], &["--resume"]].concat());
    let script = fixture("tal-runs/tests/readers/curves.py");
    let output = Command::new(python)
        .arg(script)
        .arg(place.path("run"))
        .output()
        .unwrap();
    let (printed, message) = (text(&output.stdout), text(&output.stderr));
    println!("{printed}{message}");
    assert!(output.status.success(), "{printed}{message}");
}
