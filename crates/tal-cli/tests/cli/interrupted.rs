//! Ctrl-C in commands other than `train` and `ablate`.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::{Place, text};

fn start(place: &Place, args: &[&str]) -> Child {
    let mut command = place.command(args);
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn wait_until(child: &mut Child, what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(child.try_wait().unwrap().is_none(), "it was over too soon");
        assert!(start.elapsed() < Duration::from_secs(120), "it hangs");
        sleep(Duration::from_millis(5));
    }
}

fn interrupt(child: Child) -> Output {
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    child.wait_with_output().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// A pipe that nobody writes into: whoever reads it waits.
fn endless(place: &Place, name: &str) {
    let made = Command::new("mkfifo")
        .arg(place.path(name))
        .status()
        .unwrap();
    assert!(made.success());
}

#[test]
fn a_command_that_only_reads_leaves_what_was_there() {
    let place = Place::new();
    place.ok(&["train", "net.yaml", "--out", "run"]);
    place.write("figures.json", "old");
    endless(&place, "found.json");
    let annotations = "data/annotations.json";
    for args in [
        &[
            "evaluate",
            annotations,
            "found.json",
            "--json",
            "figures.json",
        ][..],
        &["inspect", "found.json"],
        &[
            "data",
            "convert",
            "annotations",
            "found.json",
            "--from",
            "csv",
            "--out",
            "new.json",
        ],
    ] {
        let mut child = start(&place, args);
        let id = child.id();
        let begun = Instant::now();
        let is_there = || {
            let state = fs::read_to_string(format!("/proc/{id}/wchan")).unwrap_or_default();
            state.contains("partner")
                || state.contains("fifo")
                || begun.elapsed() > Duration::from_secs(2)
        };
        wait_until(&mut child, is_there);
        let output = interrupt(child);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(130), "{args:?}: {stderr}");
        assert!(stderr.contains("run the same command again"), "{stderr}");
        assert_eq!(place.read("figures.json"), "old");
        assert!(!place.path("new.json").exists());
    }
}

#[test]
fn a_data_set_that_is_half_made_goes() {
    let place = Place::without_data();
    let args = ["data", "synth", "--num-train", "3000", "--out", "corpus"];
    let mut child = start(&place, &args);
    let corpus = place.path("corpus");
    wait_until(&mut child, || {
        names(&corpus)
            .iter()
            .any(|name| name.starts_with(".partial-"))
    });
    let output = interrupt(child);
    assert_eq!(output.status.code(), Some(130));
    assert!(names(&corpus).is_empty(), "{:?}", names(&corpus));
    // The same command can begin again.
    place.ok(&[
        "data",
        "synth",
        "--num-train",
        "8",
        "--num-test",
        "4",
        "--out",
        "corpus",
    ]);
}

#[test]
fn a_demo_goes_on_where_it_was() {
    let place = Place::without_data();
    let mut child = start(&place, &["demo", "--out", "demo"]);
    let metrics = place.path("demo/run/metrics.jsonl");
    wait_until(&mut child, || {
        fs::metadata(&metrics).is_ok_and(|file| file.len() > 0)
    });
    let output = interrupt(child);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("stopping after this step") && stderr.contains("--resume"),
        "{stderr}"
    );
    let mut child = start(&place, &["demo", "--out", "demo", "--resume"]);
    let before = fs::metadata(&metrics).unwrap().len();
    wait_until(&mut child, || {
        fs::metadata(&metrics).unwrap().len() > before
    });
    let output = interrupt(child);
    assert!(
        text(&output.stderr).contains("continuing after step"),
        "{}",
        text(&output.stderr)
    );
}
