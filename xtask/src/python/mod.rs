//! The Python packages: `cargo xtask wheel` and `cargo xtask python`.

mod interpreters;
mod wheels;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::pip;
use crate::setup;
use crate::shell::{Cargo, Workspace, children, succeed};

use interpreters::Interpreter;

pub(crate) use wheels::{WheelArgs, wheel};

/// The crate of the packages.
const CRATE: &str = "crates/tal-python";
/// Virtual environments of the check.
const ENVIRONMENTS: &str = "target/python";
/// Wheels of the check, apart from those that are meant for use.
const CHECKED_WHEELS: &str = "target/python/wheels";
/// What the tests need besides.
const REQUIREMENTS: &str = "crates/tal-python/tests/requirements.txt";
/// What the checks of types and the notebook need besides.
const TOOLS: &str = "crates/tal-python/tests/tools.txt";
/// The page's notebook, which runs.
const NOTEBOOK: &str = "crates/tal-python/examples/from_python.ipynb";

/// Builds both wheels, the library with the release profile and the program with that of the tests, and tests them with the
/// oldest and the newest Python.
///
/// A Python that is missing is named; without any that fits, nothing is checked.
///
/// # Errors
///
/// If a build or a test fails.
pub(crate) fn check(workspace: &Workspace, program: Option<&Path>) -> Result<()> {
    let found = interpreters::find();
    let (Some(oldest), Some(newest)) = (found.first(), found.last()) else {
        eprintln!(
            "SKIPPED the Python packages: no Python from 3.{} on with venv and pip, neither on PATH nor among pyenv's versions",
            interpreters::OLDEST
        );
        return Ok(());
    };
    if oldest.minor != interpreters::OLDEST {
        eprintln!(
            "SKIPPED python3.{}: neither on PATH nor among pyenv's versions",
            interpreters::OLDEST
        );
    }
    let folder = workspace.path(CHECKED_WHEELS);
    if folder.is_dir() {
        std::fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    let program = match program {
        Some(path) => path.to_owned(),
        None => {
            setup::before_build(workspace)?;
            // With an example, cargo takes the features that the tests were built with: nothing is compiled twice.
            Cargo::new(["build", "--workspace", "--bin", "tal"])
                .arguments(["--example", "configuration"])
                .run(workspace)?;
            workspace.target_folder()?.join("debug/tal")
        }
    };
    wheels::library(workspace, &folder, true)?;
    wheels::program(workspace, &folder, &program)?;
    if std::env::var_os(CASES).is_none() {
        eprintln!(
            "python: {NUM_CASES} random cases for each test; {CASES} says another number, 10000 before a release"
        );
    }
    if oldest.minor == interpreters::OLDEST && oldest.minor != newest.minor {
        let python = environment(workspace, oldest, &[REQUIREMENTS])?;
        tests(workspace, &python)?;
    }
    let python = environment(workspace, newest, &[REQUIREMENTS, TOOLS])?;
    tests(workspace, &python)?;
    types_and_notebook(workspace, &python)
}

/// Variable with the number of random cases of each test, 10,000 without it.
const CASES: &str = "TAL_PYTHON_CASES";
/// Random cases of this check.
const NUM_CASES: &str = "500";

/// The Python of an environment with the wheels and what `requirements` name.
///
/// The environment is made anew if these change; the wheels are installed anew in any case.
fn environment(
    workspace: &Workspace,
    interpreter: &Interpreter,
    requirements: &[&str],
) -> Result<PathBuf> {
    eprintln!("python: {interpreter} at {}", interpreter.path.display());
    let folder = workspace.path(&format!("{ENVIRONMENTS}/3.{}", interpreter.minor));
    let python = folder.join("bin/python");
    let texts: Vec<String> = requirements
        .iter()
        .map(|file| pip::wanted(workspace, file))
        .collect::<Result<_>>()?;
    let wanted = format!("{}\n{}", interpreter.path.display(), texts.concat());
    let stamp = folder.join("installed.txt");
    if !std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        let mut venv = Command::new(&interpreter.path);
        venv.args(["-m", "venv", "--clear"]).arg(&folder);
        succeed(&mut venv, workspace.root())?;
        let files = requirements.iter().flat_map(|file| ["--requirement", file]);
        succeed(install(&python).args(files), workspace.root())?;
        std::fs::write(&stamp, wanted)
            .with_context(|| format!("cannot write {}", stamp.display()))?;
    }
    // Without torch, whose place the libraries of the set-up take.
    let mut wheels = install(&python);
    wheels
        .args(["--no-deps", "--force-reinstall"])
        .args(children(&workspace.path(CHECKED_WHEELS))?);
    succeed(&mut wheels, workspace.root())?;
    Ok(python)
}

/// Runs the tests.
fn tests(workspace: &Workspace, python: &Path) -> Result<()> {
    let mut tests = Command::new(python);
    tests
        .args(["-m", "pytest", "--quiet", "-rs", "--durations=5"])
        .args(["-p", "no:cacheprovider", CRATE])
        .env("TAL_LIBTORCH", libtorch(workspace));
    if std::env::var_os(CASES).is_none() {
        tests.env(CASES, NUM_CASES);
    }
    succeed(&mut tests, workspace.root())
}

/// Types, the stub file against the module, and the notebook.
fn types_and_notebook(workspace: &Workspace, python: &Path) -> Result<()> {
    let config = format!("{CRATE}/pyproject.toml");
    let mypy = ["-m", "mypy", "--config-file", &config];
    succeed(Command::new(python).args(mypy), workspace.root())?;
    let stubtest = [
        "-m",
        "mypy.stubtest",
        "tal._tal",
        "--mypy-config-file",
        &config,
    ];
    succeed(Command::new(python).args(stubtest), workspace.root())?;
    let mut notebook = Command::new(python);
    notebook
        .args(["-m", "nbconvert", "--to", "notebook", "--execute"])
        .args(["--output-dir", ENVIRONMENTS, NOTEBOOK]);
    succeed(&mut notebook, workspace.root())
}

/// The folder of LibTorch that the build used.
fn libtorch(workspace: &Workspace) -> PathBuf {
    std::env::var_os("LIBTORCH").map_or_else(|| workspace.path(".libtorch"), PathBuf::from)
}

fn install(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.args([
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--quiet",
        // Python compiles what is imported, which is a small part.
        "--no-compile",
    ]);
    command
}
