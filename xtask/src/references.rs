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
/// Packages that read files of annotation tools, one a line.
const FORMAT_REQUIREMENTS: &str = "crates/tal-corpus/tests/readers/requirements.txt";
/// Reads files of annotation tools with the packages.
const FORMAT_SCRIPT: &str = "crates/tal-corpus/tests/readers/formats.py";
/// Files of annotation tools.
const FORMAT_FILES: &str = "target/references/formats";
/// Packages whose dependencies are not needed: they train networks or show windows.
const ALONE: [&str; 3] = ["SoccerNet", "actseg", "boris-behav-obs"];

/// Random cases of `cargo xtask ci`.
pub(crate) const NUM_CASES: u32 = 100;

/// Installs the packages, makes cases and files, and compares.
///
/// A package that cannot be installed is named, and what needs it is left out. With `TAL_DATA` the real
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
    install_all(&python, REQUIREMENTS, workspace)?;
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
    formats(&python, workspace)?;
    curve_references::run(workspace, &python, |package| {
        install(&python, package, workspace)
    })
}

/// Files of annotation tools: ours, read by programs of others.
fn formats(python: &Path, workspace: &Workspace) -> Result<()> {
    install_all(python, FORMAT_REQUIREMENTS, workspace)?;
    let folder = workspace.path(FORMAT_FILES);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {FORMAT_FILES}"))?;
    Cargo::new(["test", "--workspace", "--test", "all", "--", "format_files"])
        .variable("TAL_FORMAT_FILES", folder)
        .run(workspace)?;
    start(
        Command::new(python).args([FORMAT_SCRIPT, FORMAT_FILES]),
        workspace,
    )
}

/// Installs the packages of a list; those that cannot be are named.
fn install_all(python: &Path, list: &str, workspace: &Workspace) -> Result<()> {
    let wanted = std::fs::read_to_string(workspace.path(list))
        .with_context(|| format!("cannot read {list}"))?;
    for package in wanted.lines() {
        if let Err(error) = install(python, package, workspace) {
            eprintln!("SKIPPED {package}: {error:#}");
        }
    }
    Ok(())
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
