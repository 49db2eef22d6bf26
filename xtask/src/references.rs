//! `cargo xtask references`: the measures of other fields against their public implementations, and the files for other tools
//! against the readers of those; both are Python packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell::{Cargo, Workspace};

/// Packages, one a line.
const REQUIREMENTS: &str = "crates/tal-postprocess/tests/readers/requirements.txt";
/// Makes cases with the figures of the packages.
const SCRIPT: &str = "crates/tal-postprocess/tests/readers/measures.py";
/// Virtual environment.
const ENVIRONMENT: &str = "target/references";
/// Cases with figures.
const CASES: &str = "target/references/cases.json";
/// Packages that read files of annotation tools, one a line.
const READERS: &str = "crates/tal-corpus/tests/readers/tools-requirements.txt";
/// Opens the files with the packages.
const OPEN: &str = "crates/tal-corpus/tests/readers/tools.py";
/// Virtual environment of the readers, which want other versions than the measures.
const READERS_ENVIRONMENT: &str = "target/references-formats";
/// Files that are written for the readers.
const FILES: &str = "target/references-formats/files";
/// Packages whose dependencies the measure does not need.
const ALONE: [&str; 2] = ["SoccerNet", "actseg"];

/// Random cases of `cargo xtask ci`.
pub(crate) const NUM_CASES: u32 = 100;

/// Compares the measures, then opens the files.
///
/// A package that cannot be installed is named, and what needs it is left out. With `TAL_DATA` the real recordings in that folder
/// are cases of the measures, too.
///
/// # Errors
///
/// If there is no Python 3 with `venv`, no package at all can be installed, a figure differs, or a reader finds something else
/// than was written.
pub(crate) fn run(workspace: &Workspace, num_cases: u32) -> Result<()> {
    measures(workspace, num_cases)?;
    formats(workspace)
}

fn measures(workspace: &Workspace, num_cases: u32) -> Result<()> {
    let python = environment(workspace, ENVIRONMENT, REQUIREMENTS)?;
    let mut script = Command::new(&python);
    script.args([SCRIPT, "--cases", &num_cases.to_string(), "--out", CASES]);
    if let Some(data) = std::env::var_os("TAL_DATA") {
        script.arg("--data").arg(data);
    }
    start(&mut script, workspace)?;
    test("measures_reference")
        .variable("TAL_MEASURE_CASES", workspace.path(CASES))
        .run(workspace)
}

fn formats(workspace: &Workspace) -> Result<()> {
    let python = environment(workspace, READERS_ENVIRONMENT, READERS)?;
    let files = workspace.path(FILES);
    if files.exists() {
        std::fs::remove_dir_all(&files).with_context(|| format!("cannot empty {FILES}"))?;
    }
    std::fs::create_dir_all(&files).with_context(|| format!("cannot make {FILES}"))?;
    test("exchange_readers")
        .variable("TAL_EXCHANGE_OUT", &files)
        .run(workspace)?;
    start(Command::new(&python).arg(OPEN).arg(FILES), workspace)
}

/// Tests of a name. The selection is that of the step `test`, so that nothing is compiled again.
fn test(name: &'static str) -> Cargo {
    Cargo::new(["test", "--workspace", "--test", "all", "--", name])
}

/// Python of a virtual environment with the packages of a list, as far as they can be installed.
fn environment(workspace: &Workspace, folder: &str, requirements: &str) -> Result<PathBuf> {
    let python = workspace.path(folder).join("bin/python");
    if !python.is_file() {
        let mut venv = Command::new("python3");
        start(venv.args(["-m", "venv", folder]), workspace)?;
    }
    let wanted = std::fs::read_to_string(workspace.path(requirements))
        .with_context(|| format!("cannot read {requirements}"))?;
    for package in wanted.lines() {
        if let Err(error) = install(&python, package, workspace) {
            eprintln!("SKIPPED {package}: {error:#}");
        }
    }
    Ok(python)
}

fn install(python: &Path, package: &str, workspace: &Workspace) -> Result<()> {
    let mut pip = Command::new(python);
    pip.args([
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--quiet",
    ]);
    if ALONE.iter().any(|name| package.starts_with(name)) {
        pip.arg("--no-deps");
    }
    start(pip.arg(package), workspace)
}

fn start(command: &mut Command, workspace: &Workspace) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .current_dir(workspace.root())
        .status()
        .with_context(|| format!("cannot start {program}"))?;
    if !status.success() {
        bail!("{program} failed ({status})");
    }
    Ok(())
}
