//! Programs that come as wheels, pinned by version and checksum.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell::{Workspace, find_program};

/// Unpacks the wheels that a file of requirements names into `folder`; pip checks their SHA-256.
///
/// # Errors
///
/// If there is no Python 3 with pip, or pip fails, which then says why.
pub(crate) fn install(workspace: &Workspace, folder: &Path, requirements: &str) -> Result<()> {
    if find_program(&["python3"]).is_none() {
        bail!(
            "Python 3 with pip is needed to fetch {requirements}: install both, on Debian and Ubuntu with \
             `apt-get install python3 python3-pip`"
        );
    }
    let status = Command::new("python3")
        .args(["-m", "pip", "--disable-pip-version-check", "install"])
        .args(["--quiet", "--no-deps", "--only-binary=:all:"])
        .args(["--require-hashes", "--root-user-action=ignore", "--upgrade"])
        .arg("--target")
        .arg(folder)
        .args(["--requirement", requirements])
        .current_dir(workspace.root())
        .status()
        .context("cannot start python3")?;
    if !status.success() {
        bail!(
            "pip could not fetch what {requirements} names (its words are above): check the network, the package index that \
             pip is set to and the disk"
        );
    }
    Ok(())
}

/// The text of a file of requirements, which is also the stamp of what was installed from it.
///
/// # Errors
///
/// If it cannot be read.
pub(crate) fn wanted(workspace: &Workspace, requirements: &str) -> Result<String> {
    std::fs::read_to_string(workspace.path(requirements))
        .with_context(|| format!("cannot read {requirements}"))
}
