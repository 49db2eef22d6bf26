//! The checks of `cargo xtask ci`, cheapest first.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::shell::{Cargo, Workspace};
use crate::{
    book, browser, circles, launchers, layering, python, references, setup, testing, tidy,
};

/// One check: how to repeat it alone, and what it does.
type Step = (&'static str, fn(&Workspace) -> Result<()>);

const STEPS: &[Step] = &[
    ("fmt", fmt),
    ("tidy", tidy::run),
    ("layering", layering::run),
    ("circles", circles::run),
    ("no-torch", testing::compile_pure),
    ("setup", setup::before_build),
    ("clippy", clippy),
    ("rustdoc", rustdoc),
    ("docs", |workspace| docs(workspace, false)),
    ("example", example),
    ("test", testing::all),
    // These install programs, so that they come last.
    ("book", book::run),
    ("references", |workspace| {
        references::run(workspace, references::NUM_CASES)
    }),
    ("python", |workspace| python::check(workspace, None)),
    ("browser", |workspace| browser::run(workspace, false)),
    ("launchers", launchers::run),
];

/// Runs all checks up to the first that fails.
///
/// # Errors
///
/// If a check fails; the message tells how to repeat it alone.
pub(crate) fn ci(workspace: &Workspace) -> Result<()> {
    let mut times = Vec::new();
    let result = STEPS.iter().try_for_each(|(name, step)| {
        eprintln!("\n=== cargo xtask {name}");
        let start = Instant::now();
        let result = step(workspace);
        times.push((*name, start.elapsed(), result.is_ok()));
        result.or_else(|error| bail!("{error:#}\nto repeat this check alone: cargo xtask {name}"))
    });
    eprintln!("\n{}", summary(&times));
    result
}

/// One line for each check that ran, and how many did not.
fn summary(times: &[(&str, Duration, bool)]) -> String {
    let mut lines: Vec<String> = times
        .iter()
        .map(|(name, time, passed)| {
            let word = if *passed { "passed" } else { "FAILED" };
            format!("{word} {:8.1} s  cargo xtask {name}", time.as_secs_f64())
        })
        .collect();
    let left = STEPS.len() - times.len();
    if left > 0 {
        lines.push(format!("{left} not run"));
    }
    let total: Duration = times.iter().map(|(_, time, _)| *time).sum();
    lines.push(format!("total  {:8.1} s", total.as_secs_f64()));
    lines.join("\n")
}

/// Formatting of all crates.
pub(crate) fn fmt(workspace: &Workspace) -> Result<()> {
    Cargo::new(["fmt", "--all", "--check"])
        .run(workspace)
        .or_else(|error| bail!("{error:#}; `cargo fmt --all` formats everything"))
}

/// The document generated from the configuration types.
pub(crate) fn docs(workspace: &Workspace, write: bool) -> Result<()> {
    setup::before_build(workspace)?;
    // With the features of the whole workspace, as the tests are built: nothing is compiled twice.
    Cargo::new(["build", "--workspace", "--example", "configuration"]).run(workspace)?;
    let example = workspace
        .target_folder()?
        .join("debug/examples/configuration");
    let check = (!write).then_some("--check");
    let status = Command::new(&example)
        .args(check)
        .current_dir(workspace.root())
        .status()
        .with_context(|| format!("cannot start {}", example.display()))?;
    if !status.success() {
        bail!(
            "docs/configuration.md is not what the types say: `cargo xtask docs --write` writes it anew"
        );
    }
    Ok(())
}

/// Clippy on everything, with one lint more than `cargo clippy`: no loops over hash maps, whose
/// order differs from run to run.
pub(crate) fn clippy(workspace: &Workspace) -> Result<()> {
    setup::before_build(workspace)?;
    let denied = ["--", "-D", "warnings", "-D", "clippy::iter_over_hash_type"];
    Cargo::new(["clippy", "--workspace", "--all-targets"])
        .arguments(denied)
        .run(workspace)
}

/// Manifests outside the workspace, and whether their programs run.
const EXAMPLES: [(&str, bool); 2] = [
    ("crates/tal-encoder/examples/own-detector/Cargo.toml", false),
    ("crates/tal-engine/examples/embedding/Cargo.toml", true),
];

/// Projects outside the workspace, built from single crates as somebody else's would be: a detector, and ways to embed the
/// crates, which run.
pub(crate) fn example(workspace: &Workspace) -> Result<()> {
    setup::before_build(workspace)?;
    for (manifest, runs) in EXAMPLES {
        // The same build folder and profile: LibTorch's bindings are not compiled again.
        let call = |command: &'static str| -> Result<Cargo> {
            Ok(
                Cargo::new([command, "--locked", "--manifest-path", manifest])
                    .arguments(["--target-dir".into(), workspace.target_folder()?]),
            )
        };
        call("clippy")?
            .arguments(["--", "-D", "warnings"])
            .run(workspace)?;
        if runs {
            call("run")?.run(workspace)?;
        }
    }
    Ok(())
}

/// The documentation of all crates.
pub(crate) fn rustdoc(workspace: &Workspace) -> Result<()> {
    setup::before_build(workspace)?;
    Cargo::new(["doc", "--no-deps", "--workspace"])
        .variable("RUSTDOCFLAGS", "-D warnings")
        .run(workspace)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of a manifest from a heading to the next empty line.
    fn section<'a>(manifest: &'a str, heading: &str) -> Vec<&'a str> {
        let lines = manifest.lines().skip_while(|line| *line != heading);
        lines.take_while(|line| !line.is_empty()).collect()
    }

    #[test]
    fn projects_outside_share_what_is_compiled() {
        let workspace = Workspace::find();
        let read = |path: &str| std::fs::read_to_string(workspace.path(path)).unwrap();
        let ours = read("Cargo.toml");
        for (manifest, _) in EXAMPLES {
            let theirs = read(manifest);
            for heading in [
                "[profile.dev]",
                "[profile.dev.package.\"*\"]",
                // Build scripts use these too: without them LibTorch's bindings would be compiled again.
                "[profile.dev.package.rustfft]",
                "[profile.dev.package.syn]",
                "[profile.dev.build-override]",
            ] {
                let expected = section(&ours, heading);
                assert!(expected.len() > 1, "{heading}");
                assert_eq!(section(&theirs, heading), expected, "{manifest}");
            }
        }
    }

    #[test]
    fn summary_shows_failures_and_what_was_left() {
        let second = Duration::from_secs(1);
        let text = summary(&[("fmt", second, true), ("tidy", second, false)]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "passed      1.0 s  cargo xtask fmt");
        assert_eq!(lines[1], "FAILED      1.0 s  cargo xtask tidy");
        assert_eq!(lines[2], format!("{} not run", STEPS.len() - 2));
        assert_eq!(lines[3], "total       2.0 s");
    }
}
