//! `cargo xtask sanitize`: the tests of `tal-kernels` under Miri and AddressSanitizer.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::fuzz::check_nightly;
use crate::shell::Workspace;

/// Both need a compiler and build folders of their own.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Runs the unit tests under Miri (loops without special instructions, at small sizes), then under AddressSanitizer (all loops
/// that the processor knows, at all sizes).
///
/// # Errors
///
/// If there is no rustup, nightly compiler or Miri, or a test fails.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    check_nightly("sanitizing")?;
    nightly(
        workspace,
        &["miri", "test", "--target-dir", "target/miri"],
        None,
        "`rustup component add miri rust-src --toolchain nightly` installs Miri",
    )?;
    nightly(
        workspace,
        &["test", "--target", TARGET, "--target-dir", "target/asan"],
        Some("-Zsanitizer=address"),
        "AddressSanitizer names the place above",
    )
}

/// One call of the nightly cargo for the unit tests of `tal-kernels`; `hint` ends the message of a failure.
fn nightly(
    workspace: &Workspace,
    arguments: &[&str],
    flags: Option<&str>,
    hint: &str,
) -> Result<()> {
    // `cargo +nightly` would not do: cargo tells its children to stay with its own compiler.
    let mut command = Command::new("rustup");
    command
        .args(["run", "nightly", "cargo"])
        .args(arguments)
        .args(["--package", "tal-kernels", "--lib"])
        .current_dir(workspace.root());
    if let Some(flags) = flags {
        command.env("RUSTFLAGS", flags);
    }
    let status = command.status().context("cannot start rustup")?;
    if !status.success() {
        bail!("{} failed ({status}); {hint}", arguments.join(" "));
    }
    Ok(())
}
