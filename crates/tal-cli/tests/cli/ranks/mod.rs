//! Training with several ranks: the same numbers as with one, and an orderly end whatever happens to a rank.

mod ends;
mod killed;
mod meeting;
mod numbers;

use std::fs;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use tal_engine::Checkpoint;

use crate::support::{Place, text};

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

/// The only error that a process printed.
fn one_error(output: &Output) -> String {
    let errors = errors(output);
    assert_eq!(errors.len(), 1, "{}", text(&output.stderr));
    errors.into_iter().next().unwrap()
}

/// The state of a run.
fn state(place: &Place, run: &str) -> Checkpoint {
    Checkpoint::read(&place.path(run).join("last.safetensors")).unwrap()
}

/// Whether two runs end with the same bits.
fn are_equal(place: &Place, one: &str, other: &str) -> bool {
    state(place, one).tensors == state(place, other).tensors
}

fn send(id: u32, signal: Signal) {
    let id = nix::unistd::Pid::from_raw(i32::try_from(id).unwrap());
    nix::sys::signal::kill(id, signal).unwrap();
}

fn interrupt(id: u32) {
    send(id, Signal::SIGTERM);
}

/// Whether a process is there. One that has ended may wait for a look at its exit code that never comes.
fn is_there(id: u32) -> bool {
    fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|text| !text.contains(") Z "))
}

/// Ids of the ranks that a process has started, by rank.
fn children(id: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    let mut ids: Vec<u32> = text
        .split_whitespace()
        .map(|id| id.parse().unwrap())
        .collect();
    ids.sort_unstable();
    ids
}

/// A run that is over long after the test.
const LONG: [&str; 4] = [
    "--set",
    "train.epochs=500",
    "--set",
    "train.checkpoint.save_every_steps=1",
];

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
