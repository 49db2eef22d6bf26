//! Messages of the program about itself and the machine.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::bad_input::{FAILED, USAGE, refused};
use crate::support::{Place, text};

#[test]
fn without_arguments_a_newcomer_learns_where_to_begin() {
    let output = Command::new(env!("CARGO_BIN_EXE_tal")).output().unwrap();
    assert!(output.status.success());
    let printed = text(&output.stdout);
    for command in ["tal demo", "tal train", "tal predict", "tal --help"] {
        assert!(printed.contains(command), "{printed}");
    }
    assert!(printed.lines().count() < 12, "{printed}");
}

#[test]
fn the_doctor_names_what_is_there_and_what_is_not() {
    let place = Place::without_data();
    let report: Value = serde_json::from_str(&place.ok(&["doctor", "--json"])).unwrap();
    assert_eq!(report["ready"], true);
    let findings = report["findings"].as_array().unwrap();
    let subjects: Vec<&str> = findings
        .iter()
        .map(|one| one["subject"].as_str().unwrap())
        .collect();
    let expected = [
        "CUDA",
        "LibTorch",
        "cores",
        "instructions",
        "memory",
        "disk",
        "ffmpeg",
        "weights",
    ];
    assert_eq!(subjects, expected);
    let printed = place.ok(&["doctor"]);
    for subject in expected {
        assert!(printed.contains(subject), "{printed}");
    }
    place.write("broken.pth", "x");
    let weights = ["doctor", "--video", "--weights", "nothing.pth"];
    for (args, subject) in [
        (&weights[..], "weights"),
        (&["--device", "cuda:4711", "doctor"], "CUDA"),
    ] {
        let output = place.tal(args);
        assert_eq!(output.status.code(), Some(FAILED));
        let (printed, stderr) = (text(&output.stdout), text(&output.stderr));
        assert!(
            printed.contains("MISSING") && printed.contains("→"),
            "{printed}"
        );
        assert!(
            stderr.starts_with("error: ") && stderr.contains(subject),
            "{stderr}"
        );
    }
    let output = place.tal(&["--device", "cuda:4711", "doctor", "--json"]);
    let report: Value = serde_json::from_str(&text(&output.stdout)).unwrap();
    assert_eq!(report["ready"], false);
    assert!(!place.path("runs").exists(), "nothing is left behind");
}

#[test]
fn shells_get_completions_and_readers_pages() {
    let place = Place::without_data();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = place.ok(&["completions", shell]);
        assert!(
            script.contains("ablate") && script.contains("action-sensitivity"),
            "{shell}"
        );
    }
    let bash = place.ok(&["completions", "bash"]);
    let mut child = Command::new("bash")
        .arg("-n")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), bash.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    refused(&place, &["completions", "cmd"], USAGE, &["bash"]);
    place.ok(&["man", "pages/man1"]);
    for page in ["tal.1", "tal-train.1", "tal-data-convert-features.1"] {
        let page = place.read(&format!("pages/man1/{page}"));
        assert!(page.contains(".TH") && page.contains("tal"), "{page}");
    }
    // Examples are part of the pages.
    assert!(
        place
            .read("pages/man1/tal-train.1")
            .contains("train.epochs=40")
    );
    place.write("file", "");
    refused(&place, &["man", "file"], FAILED, &["file"]);
}

#[test]
fn a_run_that_fails_says_where_its_log_is() {
    let place = Place::new();
    // No action is that long.
    let ranges = "decoder.regression_range=[[900, 901], [901, 902], [902, 903], [903, 904]]";
    let train = ["train", "net.yaml", "--out", "run", "--set", ranges];
    let output = place.tal(&train);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    let last = stderr.lines().last().unwrap();
    assert!(
        last.starts_with("error: ") && last.contains("the log is run/train.log"),
        "{stderr}"
    );
    assert!(!stderr.contains("ERROR"), "{stderr}");
    let log = place.read("run/train.log");
    let last = log.lines().last().unwrap();
    assert!(
        last.contains("ERROR") && last.contains("had an action to learn from"),
        "{log}"
    );
    assert!(place.ok(&["runs", "."]).contains("failed"));
    assert!(
        place
            .ok(&["inspect", "run"])
            .contains("had an action to learn from")
    );
    // One that does not begin has none.
    let output = place.tal(&["train", "net.yaml", "--out", "run"]);
    assert!(!text(&output.stderr).contains("the log is"));
}
