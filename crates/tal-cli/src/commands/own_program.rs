//! The file of this program, to start it again.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// This program's file. Linux still gives access to it after another build has replaced it, so that all ranks of a run and all
/// runs of a grid use one build.
pub(super) fn own_program() -> Result<PathBuf> {
    let replaced = Path::new("/proc/self/exe");
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    Ok(match program.exists() || !replaced.exists() {
        true => program,
        false => replaced.to_owned(),
    })
}
