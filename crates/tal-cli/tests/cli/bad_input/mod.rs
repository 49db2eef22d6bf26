//! Wrong input of every kind: one clear message, the right exit code, nothing half-written.

mod data;
mod files;

use std::fs;
use std::process::{Command, Output};

use predicates::prelude::*;
use tal_engine::Checkpoint;

use crate::support::{Place, text};

/// A mistake of the user's command or configuration.
pub(crate) const USAGE: i32 = 2;

/// Something that failed on its way.
pub(crate) const FAILED: i32 = 1;

/// Runs a command that must fail with `code` and one message that holds all of `parts`, and must leave no litter.
pub(crate) fn refused(place: &Place, args: &[&str], code: i32, parts: &[&str]) {
    let before = place.files();
    let output = place.tal(args);
    check(&output, &args.join(" "), code, parts);
    let is_litter = |name: &str| name.starts_with('.') || name.ends_with(".tmp");
    for path in place.files() {
        let name = path.file_name().unwrap().to_string_lossy();
        assert!(!is_litter(&name), "{args:?} left {}", path.display());
        let is_result = ["json", "csv", "safetensors"]
            .iter()
            .any(|extension| path.extension().is_some_and(|found| found == *extension));
        // A run folder may hold the state of a run that has begun: it is whole.
        if name == "last.safetensors" {
            Checkpoint::read(&place.path(path.to_str().unwrap())).unwrap();
        } else if is_result {
            assert!(before.contains(&path), "{args:?} wrote {}", path.display());
        }
    }
}

fn check(output: &Output, what: &str, code: i32, parts: &[&str]) {
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    let told = format!("tal {what}\n{stderr}{stdout}");
    assert_eq!(output.status.code(), Some(code), "{told}");
    assert_eq!(stdout, "", "{told}");
    assert_eq!(stderr.matches("error: ").count(), 1, "{told}");
    for wrong in ["panicked", "backtrace", "internal error", "Some(", "Err("] {
        assert!(!predicate::str::contains(wrong).eval(&stderr), "{told}");
    }
    for part in parts {
        assert!(
            predicate::str::contains(*part).eval(&stderr),
            "no {part:?}: {told}"
        );
    }
}

/// `tal train net.yaml --out run` with one change of the configuration.
fn train(set: &str) -> [&str; 6] {
    ["train", "net.yaml", "--out", "run", "--set", set]
}

const TRAIN: [&str; 4] = ["train", "net.yaml", "--out", "run"];

#[test]
fn command_lines() {
    let place = Place::without_data();
    let cases: [(&[&str], &[&str]); 15] = [
        (&["trian", "net.yaml"], &["trian", "'train'"]),
        (&["train", "net.yaml", "--oot", "x"], &["--oot", "'--out'"]),
        (&["train"], &["<CONFIG>"]),
        (
            &["train", "net.yaml", "--device", "gpu"],
            &["unknown device \"gpu\"", "auto, cpu, cuda or cuda:N"],
        ),
        (
            &["train", "net.yaml", "--device", "cuda:4711"],
            &["cuda:4711"],
        ),
        (&["test", "x", "--device", "cuda:4711"], &["cuda:4711"]),
        (&["train", "net.yaml", "--seed", "-1"], &["-1"]),
        (
            &["train", "net.yaml", "--threads", "0"],
            &["--threads", "at least 1"],
        ),
        (
            &["train", "net.yaml", "-q", "-v"],
            &["--quiet", "--verbose"],
        ),
        (
            &["evaluate", "a.json", "b.json", "--tiou", "0.5:0.1"],
            &["--tiou", "FIRST:STEP:LAST"],
        ),
        (
            &["evaluate", "a.json", "b.json", "--tiou", "50"],
            &["\"50\" is not a number from 0 to 1"],
        ),
        (
            &["evaluate", "a.json", "b.json", "--dialect", "voc"],
            &["voc", "opentad, clean"],
        ),
        (
            &["predict", "x", "y.npy", "--fps", "0"],
            &["'0' for '--fps <N>'", "above 0"],
        ),
        (&["predict", "x"], &["<INPUT>"]),
        (&["import", "x.pth"], &["--config", "--out"]),
    ];
    for (args, parts) in cases {
        let output = Command::new(env!("CARGO_BIN_EXE_tal"))
            .args(args)
            .current_dir(place.path(""))
            .output()
            .unwrap();
        check(&output, &args.join(" "), USAGE, parts);
    }
}

#[test]
fn configurations() {
    let place = Place::without_data();
    fs::create_dir(place.path("folder.yaml")).unwrap();
    place.write("tab.yaml", "dataset:\n\tnum_classes: 3\n");
    place.write("list.yaml", "- dataset\n");
    place.write(
        "typo.yaml",
        place
            .read("net.yaml")
            .replace("warmup_epochs", "warmup_epoch"),
    );
    place.write(
        "less.yaml",
        place.read("net.yaml").replace("  num_classes: 3\n", ""),
    );
    place.write("latin.yaml", b"# caf\xe9\n");
    let file = |name: &'static str| ["train", name, "--out", "run"];
    refused(
        &place,
        &file("none.yaml"),
        USAGE,
        &["none.yaml", "No such file"],
    );
    refused(
        &place,
        &file("folder.yaml"),
        USAGE,
        &["folder.yaml", "directory"],
    );
    refused(&place, &file("tab.yaml"), USAGE, &["tab.yaml", "line 2"]);
    refused(
        &place,
        &file("list.yaml"),
        USAGE,
        &["list.yaml", "must be a mapping"],
    );
    refused(&place, &file("latin.yaml"), USAGE, &["latin.yaml", "UTF-8"]);
    refused(
        &place,
        &file("less.yaml"),
        USAGE,
        &["less.yaml", "dataset.num_classes", "missing"],
    );
    let typo = "typo.yaml: unknown key train.warmup_epoch; did you mean warmup_epochs?";
    refused(&place, &file("typo.yaml"), USAGE, &[typo]);
    let sets: [(&str, &[&str]); 8] = [
        (
            "train.lerning_rate=1",
            &["--set train.lerning_rate=1", "did you mean learning_rate?"],
        ),
        (
            "train.batch_size=0",
            &["train.batch_size is 0, must be at least 1"],
        ),
        ("train.batch_size=two", &["train.batch_size", "two"]),
        (
            "train.learning_rate=-1",
            &["train.learning_rate is -1, must be"],
        ),
        (
            "encoder.num_levels=5",
            &["decoder.regression_range is 4 ranges, must be one range per level (5)"],
        ),
        ("encoder.mixer.type=lstm", &["encoder.mixer", "lstm"]),
        ("train.seed", &["--set train.seed", "key.path=value"]),
        (
            "dataset.annotations=${TAL_NO_SUCH}/a.json",
            &["TAL_NO_SUCH", "is not set"],
        ),
    ];
    for (set, parts) in sets {
        refused(&place, &train(set), USAGE, parts);
    }
    // Several mistakes are told together.
    let both = [
        &train("train.batch_size=0")[..],
        &["--set", "loss.focal_alpha=2"],
    ]
    .concat();
    refused(
        &place,
        &both,
        USAGE,
        &["train.batch_size is 0", "loss.focal_alpha is 2"],
    );
    assert!(!place.path("run").exists());
}
