//! `cargo xtask bench-report --beside PYTHON`: tal and the PyTorch original in one run.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::{Machine, commit, figures, markdown, today};
use crate::setup;
use crate::shell::Workspace;

/// The Python files with the original's network.
const SCRIPT: &str = "benches/beside";
/// What the example writes, below the target folder.
const FIGURES: &str = "beside.json";
/// What the Python files say if there is no torch.
const NO_TORCH: &str = "cannot import torch";
/// Share of the processors that other programs may take on a quiet machine.
const QUIET: f64 = 0.05;

/// An interpreter, as the Python files tell.
#[derive(Debug, Deserialize)]
struct Interpreter {
    python: String,
    torch: String,
}

/// A workload, as the example `beside` of the benchmarks writes it.
#[derive(Debug, Deserialize)]
struct Figure {
    name: String,
    num_parameters: usize,
    threads: usize,
    pytorch: Side,
    tal: Side,
    others: Option<f64>,
}

/// One of the two programs.
#[derive(Debug, Deserialize)]
struct Side {
    seconds: Vec<f64>,
    peak_bytes: Option<u64>,
}

impl Side {
    fn best(&self) -> f64 {
        self.seconds.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

/// Measures, and prints the table.
pub(super) fn run(workspace: &Workspace, python: &Path, filters: &[String]) -> Result<()> {
    let python = from_anywhere(python)?;
    // Before minutes of compiling: is it the right one?
    let interpreter = probe(workspace, &python)?;
    setup::before_build(workspace)?;
    let file = workspace.target_folder()?.join(FIGURES);
    let options = [OsStr::new("--python"), python.as_os_str()];
    let figures: Vec<Figure> = figures(workspace, "beside", &file, &options, filters)?;
    eprintln!("raw figures: {}", file.display());
    let head = format!(
        "{}; PyTorch {} with Python {}; commit `{}`, {}.",
        Machine::this(),
        interpreter.torch,
        interpreter.python,
        commit(workspace)?,
        today()
    );
    println!("{}", table(&head, &figures));
    Ok(())
}

/// A path that means the same in every folder; a bare name is looked up along `PATH`.
fn from_anywhere(python: &Path) -> Result<PathBuf> {
    let mut parts = python.components();
    if let (Some(Component::Normal(_)), None) = (parts.next(), parts.next()) {
        return Ok(python.to_owned());
    }
    std::path::absolute(python)
        .with_context(|| format!("--beside: {} is no path", python.display()))
}

/// Asks the interpreter for its versions.
fn probe(workspace: &Workspace, python: &Path) -> Result<Interpreter> {
    let shown = python.display();
    let wanted = "--beside needs a Python that has torch";
    let output = Command::new(python)
        .arg(workspace.path(SCRIPT))
        .arg("--probe")
        // Cargo names another LibTorch there.
        .env_remove("LD_LIBRARY_PATH")
        .output()
        .with_context(|| format!("cannot start {shown}; {wanted} {}", setup::VERSION))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim().lines().last().unwrap_or("nothing");
    if !output.status.success() {
        let cure = if said.contains(NO_TORCH) {
            format!(": `{shown} -m pip install torch=={}`", setup::VERSION)
        } else {
            String::new()
        };
        bail!(
            "{shown} is not fit: it said {said:?}; {wanted} {}{cure}",
            setup::VERSION
        );
    }
    let answer: Interpreter = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("{shown} gave no versions; {wanted} {}", setup::VERSION))?;
    // What follows a plus sign names the build: for CUDA, or for the CPU alone.
    let version = answer.torch.split('+').next().unwrap_or_default();
    if release(version) != release(setup::VERSION) {
        bail!(
            "{shown} has torch {}, but tal is built with LibTorch {1}: the two can be compared in the same version only: `{shown} -m \
             pip install torch=={1}`",
            answer.torch,
            setup::VERSION
        );
    }
    Ok(answer)
}

/// The first two numbers of a version.
fn release(version: &str) -> Vec<&str> {
    version.split('.').take(2).collect()
}

/// Where and when, and a row for each workload.
fn table(head: &str, figures: &[Figure]) -> String {
    let mut text = format!("{head}\n");
    let threads = markdown::threads(figures.iter().map(|figure| figure.threads));
    let _ = write!(text, "{threads} in each program");
    let loads: Option<Vec<f64>> = figures.iter().map(|figure| figure.others).collect();
    match loads {
        Some(loads) => {
            let most = loads.iter().copied().fold(0.0, f64::max);
            let _ = write!(
                text,
                "; others took at most {:.0} % of the processors{}.",
                100.0 * most,
                if most > QUIET {
                    ": **the machine was busy**"
                } else {
                    ""
                }
            );
        }
        None => text.push_str("; whether the machine was busy is unknown."),
    }
    text.push_str(
        "\n\n| work | parameters | PyTorch s | tal s | quotient | of single pairs | PyTorch GB | tal GB | others |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for figure in figures {
        row(&mut text, figure);
    }
    text
}

/// Shortest times and their quotient; the least and the largest quotient of two runs that followed each other; memory; the share of
/// the processors that other programs took.
fn row(text: &mut String, figure: &Figure) {
    let Figure {
        pytorch,
        tal,
        others,
        ..
    } = figure;
    let pairs = pytorch.seconds.iter().zip(&tal.seconds);
    let (least, most) = markdown::range(pairs.map(|(theirs, ours)| theirs / ours));
    let gigabytes = |side: &Side| {
        side.peak_bytes
            .map_or_else(String::new, |bytes| format!("{:.2}", bytes as f64 / 1e9))
    };
    let _ = writeln!(
        text,
        "| `{}` | {} | {:.3} | {:.3} | {:.2} | {least:.2} to {most:.2} | {} | {} | {} |",
        figure.name,
        figure.num_parameters,
        pytorch.best(),
        tal.best(),
        pytorch.best() / tal.best(),
        gigabytes(pytorch),
        gigabytes(tal),
        others.map_or_else(String::new, |share| format!("{:.0} %", 100.0 * share)),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(seconds: &[f64], peak_bytes: Option<u64>) -> Side {
        Side {
            seconds: seconds.to_vec(),
            peak_bytes,
        }
    }

    fn figure(others: Option<f64>) -> Figure {
        Figure {
            name: "predict/thumos14_i3d/750".to_owned(),
            num_parameters: 21_908_390,
            threads: 2,
            pytorch: side(&[0.9, 0.6, 0.8], Some(1_204_000_000)),
            tal: side(&[0.3, 0.25, 0.2], None),
            others,
        }
    }

    #[test]
    fn rows_hold_the_shortest_times_and_the_spread_of_pairs() {
        let text = table("A Processor.", &[figure(Some(0.02))]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "A Processor.");
        assert_eq!(
            lines[1],
            "2 threads in each program; others took at most 2 % of the processors."
        );
        assert_eq!(
            lines[5],
            "| `predict/thumos14_i3d/750` | 21908390 | 0.600 | 0.200 | 3.00 | 2.40 to 4.00 | 1.20 |  | 2 % |"
        );
        let columns = |line: &str| line.matches('|').count();
        assert!(lines[3..].iter().all(|line| columns(line) == 10), "{text}");
    }

    #[test]
    fn a_busy_machine_is_named() {
        let text = table("", &[figure(Some(0.01)), figure(Some(0.4))]);
        assert!(
            text.contains("at most 40 % of the processors: **the machine was busy**."),
            "{text}"
        );
        assert!(table("", &[figure(None)]).contains("is unknown"));
    }

    #[test]
    fn bare_names_are_left_to_the_path() {
        let python = |path: &str| from_anywhere(Path::new(path)).unwrap();
        assert_eq!(python("python3"), Path::new("python3"));
        assert_eq!(python("/opt/python"), Path::new("/opt/python"));
        let relative = python("venv/bin/python");
        assert!(relative.is_absolute() && relative.ends_with("venv/bin/python"));
        assert!(from_anywhere(Path::new("")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn interpreters_that_are_not_fit_are_refused() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path());
        let program = |name: &str, script: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            path
        };
        let answer = |torch: &str| {
            format!(r#"test "$2" = --probe && echo '{{"python": "3.11.7", "torch": "{torch}"}}'"#)
        };
        let fit = probe(&workspace, &program("fit", &answer("2.11.1+cpu"))).unwrap();
        assert_eq!(
            (fit.python.as_str(), fit.torch.as_str()),
            ("3.11.7", "2.11.1+cpu")
        );
        for (path, part) in [
            (folder.path().join("absent"), "cannot start "),
            (
                program("old", &answer("2.1.11")),
                "has torch 2.1.11, but tal is built with LibTorch 2.11.0",
            ),
            (
                program("bare", "echo 'cannot import torch' >&2; exit 1"),
                "it said \"cannot import torch\"; --beside needs a Python that has torch 2.11.0: `",
            ),
            (
                program("broken", "exit 1"),
                "it said \"nothing\"; --beside needs",
            ),
            (program("other", "echo hello"), "gave no versions"),
        ] {
            let error = format!("{:#}", probe(&workspace, &path).unwrap_err());
            assert!(error.contains(part), "{error}");
            assert!(error.contains("2.11.0"), "{error}");
        }
    }
}
