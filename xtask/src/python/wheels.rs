//! `cargo xtask wheel`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use super::{CRATE, install};
use crate::setup;
use crate::shell::{Cargo, Workspace, children, find_program, succeed};

/// Where the wheels go.
const WHEELS: &str = "target/wheels";
/// Virtual environment of the tools that build.
const BUILDER: &str = "target/python/builder";
/// These tools.
const TOOLS: [&str; 2] = ["maturin>=1.13,<2", "setuptools>=77"];

/// Options of `cargo xtask wheel`.
#[derive(Args)]
pub(crate) struct WheelArgs {
    /// Program for the wheel tal-cli [default: built with the release profile]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Build with the dev profile: sooner ready, slower at work
    #[arg(long)]
    dev: bool,
}

/// Builds both wheels into target/wheels.
///
/// # Errors
///
/// If a tool cannot be installed, or a build fails.
pub(crate) fn wheel(workspace: &Workspace, arguments: &WheelArgs) -> Result<()> {
    let folder = workspace.path(WHEELS);
    library(workspace, &folder, !arguments.dev)?;
    let path = match &arguments.program {
        Some(path) => path.clone(),
        None => {
            setup::before_build(workspace)?;
            let profile = (!arguments.dev).then_some("--release");
            Cargo::new(["build", "--package", "tal-cli"])
                .arguments(profile)
                .run(workspace)?;
            let name = if arguments.dev { "debug" } else { "release" };
            workspace.target_folder()?.join(name).join("tal")
        }
    };
    program(workspace, &folder, &path)?;
    for file in children(&folder)? {
        let bytes = file.metadata().map_or(0, |data| data.len());
        eprintln!("{:8.1} MB  {}", bytes as f64 / 1e6, file.display());
    }
    Ok(())
}

/// The wheel of the library, for all Pythons from 3.10 on.
pub(super) fn library(workspace: &Workspace, folder: &Path, release: bool) -> Result<()> {
    let python = builder(workspace)?;
    let profile = match release {
        true => ["--release", "--strip"].as_slice(),
        false => &["--profile", "dev"],
    };
    let mut maturin = Command::new(python.with_file_name("maturin"));
    maturin
        .args(["build", "--quiet", "--manifest-path"])
        .arg(format!("{CRATE}/Cargo.toml"))
        .args(profile)
        .arg("--out")
        .arg(folder);
    succeed(&mut maturin, workspace.root())
}

/// The wheel of the program, for all Pythons of this platform.
pub(super) fn program(workspace: &Workspace, folder: &Path, program: &Path) -> Result<()> {
    if !program.is_file() {
        bail!(
            "there is no program {}: `cargo build -p tal-cli` makes it",
            program.display()
        );
    }
    let python = builder(workspace)?;
    // Built from a copy, since setuptools leaves files beside what it builds.
    let copy = workspace.path("target/python/tal-cli");
    if copy.is_dir() {
        std::fs::remove_dir_all(&copy)
            .with_context(|| format!("cannot remove {}", copy.display()))?;
    }
    copy_folder(&workspace.path(&format!("{CRATE}/cli")), &copy)?;
    std::fs::write(copy.join("VERSION"), env!("CARGO_PKG_VERSION"))
        .with_context(|| format!("cannot write into {}", copy.display()))?;
    let program = program
        .canonicalize()
        .with_context(|| format!("cannot find {}", program.display()))?;
    let mut wheel = Command::new(&python);
    wheel
        .args([
            "-m",
            "pip",
            "--disable-pip-version-check",
            "wheel",
            "--quiet",
        ])
        .args(["--no-deps", "--no-build-isolation", "--wheel-dir"])
        .args([folder, &copy])
        .env("TAL_PROGRAM", program);
    succeed(&mut wheel, workspace.root())
}

/// The Python of the environment with the tools, made on the first call.
fn builder(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.path(BUILDER);
    let python = folder.join("bin/python");
    if folder.join("bin/maturin").is_file() {
        return Ok(python);
    }
    if find_program(&["python3"]).is_none() {
        bail!(
            "Python 3 with pip and venv is needed to build wheels: install it, on Debian and Ubuntu with \
             `apt-get install python3 python3-venv`"
        );
    }
    succeed(
        Command::new("python3").args(["-m", "venv", BUILDER]),
        workspace.root(),
    )?;
    succeed(install(&python).args(TOOLS), workspace.root())?;
    Ok(python)
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    let failed = || format!("cannot copy {} to {}", from.display(), to.display());
    std::fs::create_dir_all(to).with_context(failed)?;
    for path in children(from)? {
        let Some(name) = path.file_name() else {
            continue;
        };
        if path.is_dir() {
            copy_folder(&path, &to.join(name))?;
        } else {
            std::fs::copy(&path, to.join(name)).with_context(failed)?;
        }
    }
    Ok(())
}
