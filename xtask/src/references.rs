//! `cargo xtask references`: what is computed and written here against public implementations, which are Python packages.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::curve_references;
use crate::shell::{Cargo, Workspace};

/// Packages, one a line.
const REQUIREMENTS: &str = "crates/tal-postprocess/tests/readers/requirements.txt";
/// Makes cases with the figures of the packages.
const SCRIPT: &str = "crates/tal-postprocess/tests/readers/measures.py";
/// Virtual environment.
const ENVIRONMENT: &str = "target/references";
/// Cases with figures.
const CASES: &str = "target/references/cases.json";
/// Packages whose dependencies the measure does not need.
const ALONE: [&str; 2] = ["SoccerNet", "actseg"];

/// Random cases of `cargo xtask ci`.
pub(crate) const NUM_CASES: u32 = 100;

/// Installs the packages, makes cases and compares.
///
/// A package that cannot be installed is named, and the measures that need it are left out. With `TAL_DATA` the real
/// recordings in that folder are cases, too.
///
/// # Errors
///
/// If there is no Python 3 with `venv`, no package at all can be installed, or a figure differs.
pub(crate) fn run(workspace: &Workspace, num_cases: u32) -> Result<()> {
    let python = workspace.path(ENVIRONMENT).join("bin/python");
    if !python.is_file() {
        let mut venv = Command::new("python3");
        start(venv.args(["-m", "venv", ENVIRONMENT]), workspace)?;
    }
    let wanted = std::fs::read_to_string(workspace.path(REQUIREMENTS))
        .with_context(|| format!("cannot read {REQUIREMENTS}"))?;
    for package in wanted.lines() {
        if let Err(error) = install(&python, package, workspace) {
            eprintln!("SKIPPED {package}: {error:#}");
        }
    }
    let mut script = Command::new(&python);
    script.args([SCRIPT, "--cases", &num_cases.to_string(), "--out", CASES]);
    if let Some(data) = std::env::var_os("TAL_DATA") {
        script.arg("--data").arg(data);
    }
    start(&mut script, workspace)?;
    // The selection of the step `test`, so that nothing is compiled again.
    Cargo::new([
        "test",
        "--workspace",
        "--test",
        "all",
        "--",
        "measures_reference",
    ])
    .variable("TAL_MEASURE_CASES", workspace.path(CASES))
    .run(workspace)?;
    curve_references::run(workspace, &python, |package| {
        install(&python, package, workspace)
    })
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
