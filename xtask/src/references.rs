//! `cargo xtask references`: what is computed and written here against public implementations, which are Python packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::curve_references;
use crate::shell::{Cargo, Workspace, succeed};

/// Packages, one a line.
const REQUIREMENTS: &str = "crates/tal-postprocess/tests/readers/requirements.txt";
/// Makes cases with the figures of the packages.
const SCRIPT: &str = "crates/tal-postprocess/tests/readers/measures.py";
/// Virtual environment.
const ENVIRONMENT: &str = "target/references";
/// Cases with figures.
const CASES: &str = "target/references/cases.json";
/// Packages whose dependencies are not needed: they train networks or show windows.
const ALONE: [&str; 3] = ["SoccerNet", "actseg", "boris-behav-obs"];

/// Readers that others wrote, for files that a test writes.
struct Readers {
    /// Packages, one a line.
    requirements: &'static str,
    script: &'static str,
    environment: &'static str,
    /// Name of the test.
    test: &'static str,
    /// Variable that tells the test the folder.
    variable: &'static str,
    files: &'static str,
}

const READERS: [Readers; 2] = [
    Readers {
        requirements: "crates/tal-exchange/tests/readers/requirements.txt",
        script: "crates/tal-exchange/tests/readers/formats.py",
        environment: ENVIRONMENT,
        test: "format_files",
        variable: "TAL_FORMAT_FILES",
        files: "target/references/formats",
    },
    // These packages want other versions than the measures.
    Readers {
        requirements: "crates/tal-exchange/tests/readers/tools-requirements.txt",
        script: "crates/tal-exchange/tests/readers/tools.py",
        environment: "target/references-tools",
        test: "tools_readers",
        variable: "TAL_EXCHANGE_OUT",
        files: "target/references-tools/files",
    },
];

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
    let python = environment(ENVIRONMENT, REQUIREMENTS, workspace)?;
    let mut script = Command::new(&python);
    script.args([SCRIPT, "--cases", &num_cases.to_string(), "--out", CASES]);
    if let Some(data) = std::env::var_os("TAL_DATA") {
        script.arg("--data").arg(data);
    }
    succeed(&mut script, workspace.root())?;
    test("measures_reference")
        .variable("TAL_MEASURE_CASES", workspace.path(CASES))
        .run(workspace)?;
    for readers in &READERS {
        formats(readers, workspace)?;
    }
    curve_references::run(workspace, &python, |package| {
        install(&python, package, workspace)
    })
}

/// Files of annotation tools: ours, read by programs of others.
fn formats(readers: &Readers, workspace: &Workspace) -> Result<()> {
    let python = environment(readers.environment, readers.requirements, workspace)?;
    let folder = workspace.path(readers.files);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot empty {}", readers.files))?;
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", readers.files))?;
    test(readers.test)
        .variable(readers.variable, folder)
        .run(workspace)?;
    succeed(
        Command::new(python).args([readers.script, readers.files]),
        workspace.root(),
    )
}

/// Tests of a name. The selection is that of the step `test`, so that nothing is compiled again.
fn test(name: &'static str) -> Cargo {
    Cargo::new(["test", "--workspace", "--test", "all", "--", name])
}

/// Python of a virtual environment with the packages of a list; those that cannot be installed are named.
///
/// # Errors
///
/// If there is no Python 3 with `venv`.
pub(crate) fn environment(folder: &str, list: &str, workspace: &Workspace) -> Result<PathBuf> {
    let python = workspace.path(folder).join("bin/python");
    if !python.is_file() {
        let mut venv = Command::new("python3");
        succeed(venv.args(["-m", "venv", folder]), workspace.root())?;
    }
    install_all(&python, list, workspace)?;
    Ok(python)
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
    succeed(pip.arg(package), workspace.root())
}
