//! Part of `cargo xtask references`: the curves of a run against TensorBoard's own reader, tbparse and DVCLive's tables.

use std::path::Path;

use anyhow::{Context, Result};

use crate::shell::{Cargo, Workspace};

/// Packages, one a line.
const REQUIREMENTS: &str = "crates/tal-runs/tests/readers/requirements.txt";

/// Installs the readers with `install` and compares; a package that cannot be installed is named.
///
/// # Errors
///
/// If no reader of event files can be installed, or a scalar differs.
pub(crate) fn run(
    workspace: &Workspace,
    python: &Path,
    install: impl Fn(&str) -> Result<()>,
) -> Result<()> {
    let wanted = std::fs::read_to_string(workspace.path(REQUIREMENTS))
        .with_context(|| format!("cannot read {REQUIREMENTS}"))?;
    for package in wanted.lines() {
        if let Err(error) = install(package) {
            eprintln!("SKIPPED {package}: {error:#}");
        }
    }
    // The selection of the step `test`, so that nothing is compiled again.
    Cargo::new([
        "test",
        "--workspace",
        "--test",
        "cli",
        "--",
        "curves_reference",
    ])
    .variable("TAL_CURVES_PYTHON", python)
    .run(workspace)
}
