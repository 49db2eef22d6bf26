//! `cargo xtask fuzz`: random input for the readers of files.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell::{Workspace, find_program};

/// Where the targets are, each with a small corpus.
const FOLDER: &str = "fuzz";

/// Runs one target, or all one after the other, for `seconds` each.
///
/// What the fuzzer learns is kept in the build folder, not in the corpus of the repository.
///
/// # Errors
///
/// If there is no such target, no rustup, nightly compiler or cargo-fuzz, or if an input made a reader panic, take too
/// long or too much memory; libFuzzer then names the file with that input.
pub(crate) fn run(workspace: &Workspace, target: Option<&str>, seconds: u32) -> Result<()> {
    let known = targets(&workspace.path(FOLDER).join("Cargo.toml"))?;
    let chosen = match target {
        None => known,
        Some(name) if known.iter().any(|k| k == name) => vec![name.to_owned()],
        Some(name) => bail!(
            "no fuzz target {name:?}; there are {} (fuzz/fuzz_targets)",
            known.join(", ")
        ),
    };
    check_tools()?;
    for name in &chosen {
        fuzz(workspace, name, seconds)?;
    }
    Ok(())
}

/// The names of the programs in the manifest, in its order.
fn targets(manifest: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(manifest)
        .with_context(|| format!("cannot read {}", manifest.display()))?;
    Ok(names_of_programs(&text))
}

fn names_of_programs(manifest: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line == "[[bin]]";
        } else if let Some(value) = line.strip_prefix("name = ")
            && inside
        {
            names.push(value.trim_matches('"').to_owned());
        }
    }
    names
}

/// cargo-fuzz needs a nightly compiler.
fn check_tools() -> Result<()> {
    if find_program(&["cargo-fuzz", "cargo-fuzz.exe"]).is_none() {
        bail!("there is no cargo-fuzz: `cargo install cargo-fuzz --locked`");
    }
    check_nightly("fuzzing")
}

/// A nightly compiler, which only rustup can choose; `purpose` needs it.
pub(crate) fn check_nightly(purpose: &str) -> Result<()> {
    if find_program(&["rustup", "rustup.exe"]).is_none() {
        bail!("{purpose} needs a nightly compiler, and with it rustup (https://rustup.rs)");
    }
    let nightly = Command::new("rustup")
        .args(["run", "nightly", "rustc", "--version"])
        .output()
        .context("cannot start rustup")?;
    if !nightly.status.success() {
        bail!("there is no nightly compiler: `rustup toolchain install nightly --profile minimal`");
    }
    Ok(())
}

fn fuzz(workspace: &Workspace, name: &str, seconds: u32) -> Result<()> {
    let folder = workspace.path(FOLDER);
    let seeds = folder.join("corpus").join(name);
    if !seeds.is_dir() {
        bail!("{} is missing: each target has a corpus", seeds.display());
    }
    let learned = folder.join("target/corpus").join(name);
    fs::create_dir_all(&learned).with_context(|| format!("cannot make {}", learned.display()))?;
    eprintln!("fuzzing {name} for {seconds} s");
    // `cargo +nightly` would not do: cargo tells its children to stay with its own compiler.
    let status = Command::new("rustup")
        .args(["run", "nightly", "cargo", "fuzz", "run"])
        .args(["--fuzz-dir", FOLDER, name])
        .args([&learned, &seeds])
        .args(["--", "-rss_limit_mb=2048", "-timeout=10", "-max_len=8192"])
        .arg(format!("-max_total_time={seconds}"))
        .current_dir(workspace.root())
        .status()
        .context("cannot start rustup")?;
    if !status.success() {
        bail!("fuzzing {name} failed ({status}); the input is named above");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_a_source_and_a_small_corpus() {
        let folder = Workspace::find().path(FOLDER);
        let names = targets(&folder.join("Cargo.toml")).unwrap();
        assert!(names.contains(&"results_json".to_owned()), "{names:?}");
        for name in names {
            assert!(folder.join(format!("fuzz_targets/{name}.rs")).is_file());
            let corpus: Vec<_> = fs::read_dir(folder.join("corpus").join(&name))
                .unwrap()
                .map(|entry| entry.unwrap().metadata().unwrap().len())
                .collect();
            assert!((1..=80).contains(&corpus.len()), "{name}: {corpus:?}");
            assert!(
                corpus.iter().all(|size| *size <= 6144),
                "{name}: {corpus:?}"
            );
        }
    }

    #[test]
    fn only_programs_are_targets() {
        let text = "[package]\nname = \"p\"\n[[bin]]\nname = \"a\"\npath = \"x\"\n[lib]\nname = \"l\"\n[[bin]]\nname = \"b\"\n";
        assert_eq!(names_of_programs(text), ["a", "b"]);
        assert!(names_of_programs("").is_empty());
    }

    #[test]
    fn an_unknown_target_is_told_the_known_ones() {
        let error = run(&Workspace::find(), Some("nothing"), 1).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("results_json, results_csv"), "{text}");
    }
}
