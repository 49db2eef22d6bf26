//! Processes of this same program.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

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

/// Keeps Ctrl-C on the terminal away from a process: it must reach only this one, which then asks each once by [`interrupt`].
/// Asked twice, a process stops at once without saving.
pub(super) fn keep_interrupts_from(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
}

/// Asks a process that runs to save and stop.
pub(super) fn interrupt(child: &Child) {
    // One that has just ended cannot be reached, which is fine.
    #[cfg(unix)]
    if let Ok(id) = i32::try_from(child.id()) {
        use nix::sys::signal::{Signal, kill};
        let _ = kill(nix::unistd::Pid::from_raw(id), Signal::SIGINT);
    }
}

/// The last error in the messages of a process, without the word `error`.
pub(super) fn last_error(messages: &str) -> Option<&str> {
    let mut lines = messages.lines().rev();
    lines.find_map(|line| line.strip_prefix("error: "))
}
