//! The Python packages: `cargo xtask wheel` and `cargo xtask python`.

mod interpreters;
mod wheels;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::setup;
use crate::shell::{Cargo, Workspace, children};

use interpreters::Interpreter;

pub(crate) use wheels::{WheelArgs, wheel};

/// The crate of the packages.
const CRATE: &str = "crates/tal-python";
/// Virtual environments of the check.
const ENVIRONMENTS: &str = "target/python";
/// Wheels of the check, apart from those that are meant for use.
const DEV_WHEELS: &str = "target/python/wheels";
/// What the tests need besides.
const REQUIREMENTS: &str = "crates/tal-python/tests/requirements.txt";
/// What the checks of types and the notebook need besides.
const TOOLS: &str = "crates/tal-python/tests/tools.txt";
/// The page's notebook, which runs.
const NOTEBOOK: &str = "crates/tal-python/examples/from_python.ipynb";

/// Builds both wheels with the dev profile, and tests them in a fresh environment of the oldest and the newest Python.
///
/// # Errors
///
/// If no Python of at least 3.10 is there, or a build or a test fails. A Python that is missing is named.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    setup::before_build(workspace)?;
    let folder = workspace.path(DEV_WHEELS);
    if folder.is_dir() {
        std::fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    let program = workspace.target_folder()?.join("debug/tal");
    Cargo::new(["build", "--workspace", "--bin", "tal"]).run(workspace)?;
    wheels::library(workspace, &folder, false)?;
    wheels::program(workspace, &folder, &program)?;
    let found = interpreters::find();
    let Some(newest) = found.last() else {
        bail!("there is no Python of at least 3.10: install one, or add one to PATH");
    };
    match found.first() {
        Some(oldest) if oldest.minor == interpreters::OLDEST => {
            if oldest.minor != newest.minor {
                tests(workspace, oldest)?;
            }
        }
        _ => eprintln!(
            "SKIPPED python3.{}: neither on PATH nor among pyenv's versions",
            interpreters::OLDEST
        ),
    }
    let python = tests(workspace, newest)?;
    types_and_notebook(workspace, &python)
}

/// Variable with the number of random cases of each test, 10,000 without it.
const CASES: &str = "TAL_PYTHON_CASES";
/// Random cases of this check.
const NUM_CASES: &str = "500";

/// Installs the wheels into a fresh environment and runs the tests there; returns its Python.
fn tests(workspace: &Workspace, interpreter: &Interpreter) -> Result<PathBuf> {
    eprintln!("python: {} at {}", interpreter, interpreter.path.display());
    let folder = workspace.path(&format!("{ENVIRONMENTS}/3.{}", interpreter.minor));
    let venv = ["-m", "venv", "--clear"];
    start(
        workspace,
        Command::new(&interpreter.path).args(venv).arg(&folder),
    )?;
    let python = folder.join("bin/python");
    let mut install = pip(&python);
    install.args(["--requirement", REQUIREMENTS]);
    start(workspace, &mut install)?;
    let wheels: Vec<PathBuf> = children(&workspace.path(DEV_WHEELS))?;
    // Without torch, whose place the libraries of the set-up take.
    let mut install = pip(&python);
    install
        .args(["--no-deps", "--force-reinstall"])
        .args(wheels);
    start(workspace, &mut install)?;
    let mut tests = Command::new(&python);
    tests
        .args([
            "-m",
            "pytest",
            "--quiet",
            "-rs",
            "-p",
            "no:cacheprovider",
            CRATE,
        ])
        .env("TAL_LIBTORCH", libtorch(workspace));
    if std::env::var_os(CASES).is_none() {
        tests.env(CASES, NUM_CASES);
    }
    start(workspace, &mut tests)?;
    Ok(python)
}

/// Types, the stub file against the module, and the notebook.
fn types_and_notebook(workspace: &Workspace, python: &Path) -> Result<()> {
    start(workspace, pip(python).args(["--requirement", TOOLS]))?;
    let config = format!("{CRATE}/pyproject.toml");
    let mypy = ["-m", "mypy", "--config-file", &config];
    start(workspace, Command::new(python).args(mypy))?;
    let stubtest = [
        "-m",
        "mypy.stubtest",
        "tal._tal",
        "--mypy-config-file",
        &config,
    ];
    start(workspace, Command::new(python).args(stubtest))?;
    let mut notebook = Command::new(python);
    notebook
        .args(["-m", "nbconvert", "--to", "notebook", "--execute"])
        .args(["--output-dir", ENVIRONMENTS, NOTEBOOK]);
    start(workspace, &mut notebook)
}

/// The folder of LibTorch that the build used.
fn libtorch(workspace: &Workspace) -> PathBuf {
    std::env::var_os("LIBTORCH").map_or_else(|| workspace.path(".libtorch"), PathBuf::from)
}

fn pip(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.args([
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--quiet",
    ]);
    command
}

fn start(workspace: &Workspace, command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}");
    let status = command
        .current_dir(workspace.root())
        .status()
        .with_context(|| format!("cannot start {shown}"))?;
    if !status.success() {
        bail!("{shown} failed ({status})");
    }
    Ok(())
}
