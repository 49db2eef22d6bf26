//! Runs that are killed or interrupted, and their remains.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tal_engine::Checkpoint;

use crate::support::{Place, Random, text};

/// Kills of one run.
const NUM_KILLS: usize = 50;

/// Steps of the run: 8 recordings in batches of 2, 1 + 23 epochs.
const NUM_STEPS: u64 = 96;

const TRAIN: [&str; 9] = [
    "train",
    "net.yaml",
    "--set",
    "train.epochs=23",
    "--set",
    "train.checkpoint.save_every_steps=1",
    "--set",
    "train.checkpoint.eval_every=8",
    "--out",
];

fn train<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&TRAIN[..], &[out], more].concat()
}

fn start(place: &Place, args: &[&str]) -> Child {
    place
        .command(args)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The lines of steps in `metrics.jsonl`; a line that a kill cut counts for nothing.
fn steps(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap_or_default();
    text.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line["event"] == "step")
        .collect()
}

/// Waits until the run has logged `more` steps than it had, or is over.
fn wait_for_steps(child: &mut Child, run: &Path, more: usize) {
    let target = steps(run).len() + more;
    let start = Instant::now();
    while steps(run).len() < target && child.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < Duration::from_secs(120), "the run hangs");
        sleep(Duration::from_millis(2));
    }
}

/// Reads every checkpoint of a run folder and returns where the run stands.
fn check_whole(run: &Path) -> Option<(u64, u64)> {
    let best = run.join("best.safetensors");
    if best.exists() {
        Checkpoint::read(&best).unwrap();
    }
    let last = run.join("last.safetensors");
    let state = last
        .exists()
        .then(|| Checkpoint::read(&last).unwrap().manifest.run.unwrap())?;
    let log = fs::metadata(run.join("metrics.jsonl")).unwrap();
    assert!(
        log.len() >= state.metrics_bytes,
        "the log lags behind the state"
    );
    Some((state.step, state.batch))
}

fn assert_same_runs(a: &Path, b: &Path) {
    assert_eq!(steps(a).len() as u64, NUM_STEPS);
    assert_eq!(steps(a), steps(b));
    for name in ["last.safetensors", "best.safetensors"] {
        let (a, b) = (
            Checkpoint::read(&a.join(name)).unwrap(),
            Checkpoint::read(&b.join(name)).unwrap(),
        );
        assert_eq!(a.manifest.config, b.manifest.config);
        let names =
            |checkpoint: &Checkpoint| checkpoint.tensors.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&a), names(&b));
        for (tensor_name, tensor) in &a.tensors {
            assert!(
                tensor.equal(&b.tensors[tensor_name]),
                "{name}: {tensor_name} differs"
            );
        }
    }
    for name in ["detections.json", "evaluation.json", "config.yaml"] {
        let read = |run: &Path| fs::read(run.join(name)).unwrap();
        assert!(read(a) == read(b), "{name} differs");
    }
}

#[test]
fn a_run_that_is_killed_again_and_again_ends_with_the_same_weights() {
    let place = Place::new();
    let (whole, killed) = (place.path("whole"), place.path("killed"));
    place.ok(&train("whole", &[]));

    let mut random = Random(0x2545_F491_4F6C_DD1D);
    let (mut num_killed, mut reached, mut mid_epoch) = (0, Vec::new(), 0);
    let mut start_up = Duration::ZERO;
    for round in 0..NUM_KILLS {
        let start_of_round = Instant::now();
        let mut child = start(&place, &train("killed", &["--resume"]));
        // Some die while they start, the others in a step, so that the run also goes on.
        if round % 3 == 1 || reached.last() == Some(&NUM_STEPS) {
            let longest = start_up.as_micros() as u64 * 6 / 5;
            sleep(Duration::from_micros(random.below(longest)));
        } else {
            wait_for_steps(&mut child, &killed, 1);
            start_up = start_of_round.elapsed();
            sleep(Duration::from_micros(random.below(15_000)));
        }
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        if output.status.code().is_none() {
            num_killed += 1;
        } else {
            // It was over before the kill; it must have ended well.
            assert!(output.status.success(), "{}", text(&output.stderr));
        }
        if let Some((step, batch)) = check_whole(&killed) {
            reached.push(step);
            mid_epoch += usize::from(batch > 0);
        }
    }
    assert!(reached.is_sorted(), "the run went back: {reached:?}");
    reached.dedup();
    // Otherwise the kills tested nothing.
    assert!(
        num_killed >= NUM_KILLS * 4 / 5,
        "{num_killed} of {NUM_KILLS}"
    );
    assert!(reached.len() >= 15 && mid_epoch >= 15, "{reached:?}");

    place.ok(&train("killed", &["--resume"]));
    assert_same_runs(&whole, &killed);
    let litter: Vec<_> = place
        .files()
        .into_iter()
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with('.'))
        .collect();
    assert!(litter.is_empty(), "{litter:?}");
}

#[test]
fn an_interrupt_saves_and_tells_how_to_go_on() {
    let place = Place::new();
    place.ok(&train("whole", &[]));
    let broken = place.path("broken");
    let mut child = start(&place, &train("broken", &[]));
    wait_for_steps(&mut child, &broken, 3);
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("stopping after this step"), "{stderr}");
    let last = stderr.lines().last().unwrap();
    assert!(last.starts_with("error: interrupted after"), "{stderr}");
    assert!(last.contains("--resume"), "{stderr}");

    let (step, _) = check_whole(&broken).unwrap();
    assert!((3..NUM_STEPS).contains(&step), "{step}");
    assert_eq!(steps(&broken).len() as u64, step, "nothing done is lost");
    let output = place.tal(&train("broken", &["--resume"]));
    assert!(output.status.success());
    assert!(text(&output.stderr).contains(&format!("continuing after step {step}")));
    assert_same_runs(&place.path("whole"), &broken);
}
