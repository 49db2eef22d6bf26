//! Training with several ranks: the same numbers as with one, and an orderly end whatever happens to a rank.

use std::fs;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tal_engine::Checkpoint;

use crate::support::{Place, ids, text};

/// Settings of all runs here: 2 epochs of 2 steps, batches of 4.
const TRAIN: [&str; 6] = [
    "train",
    "net.yaml",
    "--set",
    "train.batch_size=4",
    "--set",
    "inference.batch_size=1",
];

fn train<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&TRAIN[..], more].concat()
}

fn start(place: &Place, args: &[&str]) -> Child {
    let mut command = place.command(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits for the end of a process; it must come within `seconds`.
fn end(mut child: Child, seconds: u64) -> Output {
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > Duration::from_secs(seconds) {
            let _ = child.kill();
            panic!(
                "the process hangs: {}",
                text(&child.wait_with_output().unwrap().stderr)
            );
        }
        sleep(Duration::from_millis(10));
    }
    child.wait_with_output().unwrap()
}

/// Waits until a run has logged `count` steps.
fn wait_for_steps(place: &Place, run: &str, count: usize) {
    let start = Instant::now();
    let metrics = place.path(run).join("metrics.jsonl");
    while fs::read_to_string(&metrics)
        .unwrap_or_default()
        .matches("\"step\"")
        .count()
        < 2 * count
    {
        assert!(start.elapsed() < Duration::from_secs(60), "the run hangs");
        sleep(Duration::from_millis(2));
    }
}

/// The errors that a process printed.
fn errors(output: &Output) -> Vec<String> {
    let text = text(&output.stderr);
    let lines = text.lines().filter(|line| line.starts_with("error: "));
    lines.map(str::to_owned).collect()
}

/// The state of a run.
fn state(place: &Place, run: &str) -> Checkpoint {
    Checkpoint::read(&place.path(run).join("last.safetensors")).unwrap()
}

/// Whether two runs end with the same bits.
fn are_equal(place: &Place, one: &str, other: &str) -> bool {
    state(place, one).tensors == state(place, other).tensors
}

fn number(step: &Value, key: &str) -> f64 {
    step[key].as_f64().unwrap()
}

/// The losses and norms of two runs are equal but for rounding, which grows from step to step, and their counts are equal.
fn assert_same_steps(place: &Place, one: &str, other: &str, tolerance: f64) {
    let (one_steps, other_steps) = (place.steps(one), place.steps(other));
    assert_eq!(one_steps.len(), other_steps.len());
    for (a, b) in one_steps.iter().zip(&other_steps) {
        for key in ["loss", "cls_loss", "reg_loss", "grad_norm"] {
            let (a, b) = (number(a, key), number(b, key));
            assert!(
                (a - b).abs() <= tolerance * a.abs(),
                "{other}: {key} {b}, not {a}"
            );
        }
        for key in ["num_positives", "normalizer", "rate", "epoch", "step"] {
            assert_eq!(a[key], b[key], "{other}: {key}");
        }
    }
}

#[test]
fn any_number_of_ranks_gives_the_numbers_of_one() {
    let place = Place::new();
    place.ok(&train(&["--out", "one"]));
    place.ok(&train(&["--out", "one-rank", "--ranks", "1"]));
    assert!(are_equal(&place, "one", "one-rank"));
    for ranks in ["2", "3", "4"] {
        place.ok(&train(&["--out", ranks, "--ranks", ranks]));
        assert_same_steps(&place, "one", ranks, 1e-5);
        assert!(place.path(ranks).join("summary.json").exists());
    }
    place.ok(&train(&["--out", "again", "--ranks", "2"]));
    assert!(are_equal(&place, "2", "again"));
    // Every recording is evaluated once.
    let [one, two] = ["one", "2"].map(|run| place.json(&format!("{run}/detections.json")));
    assert_eq!(ids(&one), ids(&two));
    let [one, two] = ["one", "2"].map(|run| place.json(&format!("{run}/summary.json")));
    let difference = number(&one, "average_map") - number(&two, "average_map");
    assert!(difference.abs() < 0.02, "{difference}");
}

#[test]
fn counts_and_balanced_losses_are_those_of_the_whole_batch() {
    let place = Place::new();
    for (name, setting) in [
        ("points", "loss.normalizer.method=point_counts"),
        ("pairs", "loss.normalizer.method=pair_counts"),
        ("balanced", "loss.regression_weight=0"),
    ] {
        let two = format!("{name}-2");
        place.ok(&train(&["--set", setting, "--out", name]));
        place.ok(&train(&["--set", setting, "--out", &two, "--ranks", "2"]));
        assert_same_steps(&place, name, &two, 1e-5);
    }
}

#[test]
fn a_run_continues_with_any_number_of_ranks() {
    let place = Place::new();
    let longer = ["--set", "train.epochs=19"];
    place.ok(&train(&[&longer[..], &["--out", "one"]].concat()));
    for (from, to) in [("2", "1"), ("1", "2"), ("2", "2")] {
        let out = format!("{from}-{to}");
        let here = [&longer[..], &["--out", out.as_str(), "--ranks"]].concat();
        let child = start(&place, &train(&[&here[..], &[from]].concat()));
        wait_for_steps(&place, &out, 1);
        interrupt(child.id());
        let output = end(child, 60);
        assert!(
            !output.status.success(),
            "the run was over before the signal"
        );
        place.ok(&train(&[&here[..], &[to, "--resume"]].concat()));
        assert_same_steps(&place, "one", &out, 1e-3);
    }
    place.ok(&train(
        &[&longer[..], &["--out", "two", "--ranks", "2"]].concat(),
    ));
    assert!(are_equal(&place, "two", "2-2"));
}

fn interrupt(id: u32) {
    let id = nix::unistd::Pid::from_raw(i32::try_from(id).unwrap());
    nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM).unwrap();
}

/// Ids of the child processes of a process.
fn children(id: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    text.split_whitespace()
        .map(|id| id.parse().unwrap())
        .collect()
}

const LONG: [&str; 4] = [
    "--set",
    "train.epochs=500",
    "--set",
    "train.checkpoint.save_every_steps=1",
];

#[test]
fn a_rank_that_is_killed_ends_the_others() {
    let place = Place::new();
    for victim in [0, 1] {
        let out = format!("killed-{victim}");
        let child = start(
            &place,
            &train(&[&LONG[..], &["--out", out.as_str(), "--ranks", "2"]].concat()),
        );
        wait_for_steps(&place, &out, 3);
        let mut ranks = children(child.id());
        ranks.sort_unstable();
        let id = nix::unistd::Pid::from_raw(i32::try_from(ranks[victim]).unwrap());
        nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGKILL).unwrap();
        let start = Instant::now();
        let output = end(child, 30);
        assert!(
            start.elapsed() < Duration::from_secs(8),
            "{:?}",
            start.elapsed()
        );
        assert!(!output.status.success());
        let errors = errors(&output);
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(
            errors[0].contains(&format!("rank {victim} ended")),
            "{errors:?}"
        );
    }
}

#[test]
fn no_rank_outlives_its_starter() {
    let place = Place::new();
    let mut child = start(
        &place,
        &train(&[&LONG[..], &["--out", "run", "--ranks", "2"]].concat()),
    );
    wait_for_steps(&place, "run", 3);
    let ranks = children(child.id());
    assert_eq!(ranks.len(), 2);
    child.kill().unwrap();
    child.wait().unwrap();
    // One that has ended may wait for a look at its exit code that never comes.
    let is_there = |id: &u32| {
        fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|text| !text.contains(") Z "))
    };
    let start = Instant::now();
    while ranks.iter().any(is_there) {
        assert!(start.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(50));
    }
    // They saved before they ended.
    let saved = state(&place, "run").manifest.run.unwrap().step as usize;
    assert_eq!(saved, place.steps("run").len());
}

#[test]
fn a_signal_to_one_rank_ends_all_and_saves() {
    let place = Place::new();
    let child = start(
        &place,
        &train(&[&LONG[..], &["--out", "run", "--ranks", "2"]].concat()),
    );
    wait_for_steps(&place, "run", 3);
    let ranks = children(child.id());
    interrupt(*ranks.iter().max().unwrap());
    let output = end(child, 30);
    let errors = errors(&output);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].contains("the run is saved"), "{errors:?}");
    let saved = state(&place, "run").manifest.run.unwrap().step as usize;
    assert_eq!(saved, place.steps("run").len());
}

/// A command with the variables of a launcher.
fn rank(place: &Place, rank: &str, port: &str, args: &[&str]) -> Command {
    let mut command = place.command(args);
    command.envs([
        ("RANK", rank),
        ("WORLD_SIZE", "2"),
        ("MASTER_ADDR", "localhost"),
        ("MASTER_PORT", port),
        ("GLOO_SOCKET_IFNAME", "lo"),
    ]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn free_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port().to_string()
}

#[test]
fn ranks_with_other_settings_are_refused() {
    let place = Place::new();
    let port = free_port();
    let first = rank(&place, "0", &port, &train(&["--out", "run"]))
        .spawn()
        .unwrap();
    let other = train(&["--out", "run", "--set", "train.epochs=3"]);
    let second = rank(&place, "1", &port, &other).spawn().unwrap();
    for output in [end(first, 60), end(second, 60)] {
        let errors = errors(&output);
        assert_eq!(errors.len(), 1, "{errors:?}");
        let told = "rank 1 differs from rank 0 in the configuration: train.epochs = 3 (was 2)";
        assert!(errors[0].contains(told), "{errors:?}");
    }
}

#[test]
fn a_rank_alone_gives_up() {
    let place = Place::new();
    let args = train(&["--out", "run", "--rank-timeout", "2"]);
    let output = rank(&place, "1", &free_port(), &args).spawn().unwrap();
    let output = end(output, 30);
    let errors = errors(&output);
    assert_eq!(errors.len(), 1, "{}", text(&output.stderr));
    assert!(
        errors[0].contains("did not find the others at localhost"),
        "{errors:?}"
    );
}

#[test]
fn what_several_ranks_cannot_do_is_refused() {
    let place = Place::new();
    let output = place.tal(&train(&["--out", "run", "--ranks", "5"]));
    let errors = errors(&output);
    assert!(
        errors[0].contains("5 ranks cannot share a batch of 4"),
        "{errors:?}"
    );
    assert_eq!(output.status.code(), Some(2));
    // The batch script of Slurm is one process.
    let mut script = place.command(&train(&["--out", "script"]));
    script.envs([
        ("SLURM_PROCID", "0"),
        ("SLURM_NTASKS", "2"),
        ("SLURM_JOB_ID", "7"),
    ]);
    assert!(script.output().unwrap().status.success());
}
