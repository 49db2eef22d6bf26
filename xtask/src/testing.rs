//! `cargo xtask test`.

use std::fs;

use anyhow::{Context, Result};

use crate::setup;
use crate::shell::{Cargo, Workspace, children};

/// The crates that never link LibTorch.
pub(crate) const PURE: [&str; 14] = [
    "tal-core",
    "tal-kernels",
    "tal-config",
    "tal-pth",
    "tal-data",
    "tal-corpus",
    "tal-exchange",
    "tal-synth",
    "tal-postprocess",
    "tal-report",
    "tal-runs",
    "tal-inspect",
    "tal-video",
    "tal-python",
];

/// Runs tests: all, only the pure ones, or what `arguments` of `cargo test` say.
///
/// # Errors
///
/// If the set-up or a test fails.
pub(crate) fn run(workspace: &Workspace, no_torch: bool, arguments: &[String]) -> Result<()> {
    match (no_torch, arguments.is_empty()) {
        (true, true) => pure(workspace),
        (true, false) => pure_cargo("test", workspace)
            .arguments(arguments)
            .run(workspace),
        (false, true) => all(workspace),
        (false, false) => {
            setup::before_build(workspace)?;
            let scope = (!names_package(arguments)).then_some("--workspace");
            Cargo::new(["test"])
                .arguments(scope)
                .arguments(arguments)
                .run(workspace)
        }
    }
}

/// The tests of the crates that need no LibTorch, with `LIBTORCH` pointing nowhere as the proof.
fn pure(workspace: &Workspace) -> Result<()> {
    pure_cargo("test", workspace).run(workspace)
}

/// Compiles these crates and their tests without LibTorch, and runs nothing: `cargo xtask test` runs the same tests.
pub(crate) fn compile_pure(workspace: &Workspace) -> Result<()> {
    pure_cargo("check", workspace)
        .arguments(["--all-targets"])
        .run(workspace)
}

fn pure_cargo(command: &'static str, workspace: &Workspace) -> Cargo {
    let packages = PURE.iter().flat_map(|name| ["--package", name]);
    Cargo::new([command])
        .arguments(packages)
        .variable("LIBTORCH", workspace.path("no-libtorch-here"))
        .without_variable("LIBTORCH_USE_PYTORCH")
}

/// All tests, the whole workspace in one build.
pub(crate) fn all(workspace: &Workspace) -> Result<()> {
    setup::before_tests(workspace)?;
    Cargo::new(["test", "--workspace"]).run(workspace)?;
    report_skipped(workspace)
}

fn names_package(arguments: &[String]) -> bool {
    arguments
        .iter()
        .take_while(|a| *a != "--")
        .any(|a| a == "-p" || a.starts_with("--package") || a == "--workspace" || a == "--all")
}

/// Names the tests on real recordings where there are none.
fn report_skipped(workspace: &Workspace) -> Result<()> {
    if std::env::var_os("TAL_DATA").is_some_and(|value| !value.is_empty()) {
        return Ok(());
    }
    for test in real_tests(workspace)? {
        eprintln!("SKIPPED {test}: TAL_DATA is not set");
    }
    Ok(())
}

/// All tests in `crates/*/tests/real_*.rs`, as `crate::file::test`, in the order of their names.
fn real_tests(workspace: &Workspace) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for package in children(&workspace.path("crates"))? {
        for file in children(&package.join("tests"))? {
            let name = file.file_stem().unwrap_or_default().to_string_lossy();
            let is_rust = file.extension().is_some_and(|e| e == "rs");
            if !(is_rust && name.starts_with("real_")) {
                continue;
            }
            let text = fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            let package = package.file_name().unwrap_or_default().to_string_lossy();
            found.extend(
                test_names(&text)
                    .into_iter()
                    .map(|test| format!("{package}::{name}::{test}")),
            );
        }
    }
    found.sort();
    Ok(found)
}

/// The functions that follow a `#[test]`.
fn test_names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut marked = false;
    for line in text.lines().map(str::trim) {
        if line == "#[test]" {
            marked = true;
        } else if let Some(rest) = line.strip_prefix("fn ").filter(|_| marked) {
            let end = rest.find('(').unwrap_or(rest.len());
            names.push(rest[..end].to_owned());
            marked = false;
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_tests_on_real_recordings() {
        let folder = tempfile::tempdir().unwrap();
        let tests = folder.path().join("crates/tal-engine/tests");
        fs::create_dir_all(&tests).unwrap();
        fs::create_dir_all(folder.path().join("crates/tal-core/src")).unwrap();
        let text =
            "fn helper() {}\n#[test]\n#[should_panic]\nfn gtea() {\n}\n#[test]\nfn all() {}\n";
        fs::write(tests.join("real_gtea.rs"), text).unwrap();
        fs::write(tests.join("golden.rs"), text).unwrap();
        assert_eq!(
            real_tests(&Workspace::at(folder.path())).unwrap(),
            ["tal-engine::real_gtea::all", "tal-engine::real_gtea::gtea"]
        );
    }

    #[test]
    fn a_package_among_the_arguments_replaces_the_workspace() {
        let words =
            |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
        assert!(names_package(&words("-p tal-core name")));
        assert!(names_package(&words("--package=tal-core")));
        assert!(!names_package(&words("name -- -p")));
    }
}
