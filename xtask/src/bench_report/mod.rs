//! `cargo xtask bench-report`: the table of `docs/benchmarks.md`, measured on this machine.

mod beside;
mod machine;
mod markdown;
mod targets;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::setup;
use crate::shell::{Cargo, Workspace};
use machine::Machine;

/// The document with the table.
const DOCUMENT: &str = "docs/benchmarks.md";
/// What was measured by the latest call, below the target folder.
const RECORD: &str = "bench-report.json";
/// What the example writes, below the target folder.
const FIGURES: &str = "units.json";

#[derive(Args)]
pub(crate) struct BenchReportArgs {
    /// Measure only workloads whose name contains one of these, and print the table instead of writing it
    filters: Vec<String>,
    /// Write the table of an earlier measurement (a copy of target/bench-report.json) without measuring
    #[arg(long, value_name = "FILE", conflicts_with = "filters")]
    from: Option<PathBuf>,
    /// Run the networks of the PyTorch original beside ours, in turns, and print a table of both: PYTHON is an interpreter that has
    /// torch 2.11
    #[arg(long, value_name = "PYTHON", conflicts_with = "from")]
    beside: Option<PathBuf>,
}

/// A measurement and where it was made.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Record {
    machine: Machine,
    /// Short hash, with `-dirty` behind it where files differ from that commit.
    commit: String,
    /// `YYYY-MM-DD`, UTC.
    date: String,
    figures: Vec<Figure>,
}

/// A workload, as the example `units` of the benchmarks writes it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Figure {
    name: String,
    seconds: f64,
    unit: f64,
    units: f64,
    peak_bytes: Option<u64>,
    threads: usize,
}

/// Measures, or takes an earlier measurement, and writes the table.
///
/// # Errors
///
/// If the document has no place for the table, the benchmarks cannot be built or run, no workload has such a name, or the
/// interpreter to run beside is not one.
pub(crate) fn run(workspace: &Workspace, arguments: &BenchReportArgs) -> Result<()> {
    if let Some(python) = &arguments.beside {
        return beside::run(workspace, python, &arguments.filters);
    }
    let document = workspace.path(DOCUMENT);
    let text = fs::read_to_string(&document)
        .with_context(|| format!("cannot read {}", document.display()))?;
    // Before minutes of measuring: is there a place for the table?
    markdown::replace(&text, "").with_context(|| DOCUMENT.to_owned())?;
    let record = match &arguments.from {
        Some(file) => read_json(file)?,
        None => measure(workspace, &arguments.filters)?,
    };
    let table = markdown::section(&record);
    if arguments.filters.is_empty() {
        let text = markdown::replace(&text, &table).with_context(|| DOCUMENT.to_owned())?;
        fs::write(&document, text)
            .with_context(|| format!("cannot write {}", document.display()))?;
        println!("{}", document.display());
    } else {
        println!("{table}");
    }
    Ok(())
}

/// Figures that an example of the benchmarks, with `options`, writes into `file` for the workloads that fit the filters.
fn figures<T: DeserializeOwned>(
    workspace: &Workspace,
    example: &'static str,
    file: &Path,
    options: &[&OsStr],
    filters: &[String],
) -> Result<Vec<T>> {
    let start = ["run", "--release", "--package", "tal-benches", "--example"];
    Cargo::new(start)
        .arguments([example, "--", "--json"])
        .arguments([file])
        .arguments(options)
        .arguments(filters)
        .run(workspace)?;
    let figures: Vec<T> = read_json(file)?;
    if figures.is_empty() {
        bail!("no workload has a name with {}", filters.join(" or "));
    }
    Ok(figures)
}

fn measure(workspace: &Workspace, filters: &[String]) -> Result<Record> {
    setup::before_build(workspace)?;
    let target = workspace.target_folder()?;
    let file = target.join(FIGURES);
    let figures: Vec<Figure> = figures(workspace, "units", &file, &[], filters)?;
    let record = Record {
        machine: Machine::this(),
        commit: commit(workspace)?,
        date: today(),
        figures,
    };
    let kept = target.join(RECORD);
    fs::write(&kept, serde_json::to_string_pretty(&record)?)
        .with_context(|| format!("cannot write {}", kept.display()))?;
    eprintln!("raw figures: {}", kept.display());
    Ok(record)
}

fn read_json<T: DeserializeOwned>(file: &Path) -> Result<T> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no measurement", file.display()))
}

/// `YYYY-MM-DD`, UTC.
fn today() -> String {
    time::OffsetDateTime::now_utc().date().to_string()
}

fn commit(workspace: &Workspace) -> Result<String> {
    let output = Command::new("git")
        .args(["describe", "--always", "--dirty", "--exclude=*"])
        .current_dir(workspace.root())
        .output()
        .context("the report names the commit, but git cannot be started")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("the report names the commit: {}", said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_measurement_is_written_between_the_marks() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(dir.path());
        fs::create_dir(dir.path().join("docs")).unwrap();
        let document = dir.path().join(DOCUMENT);
        let record = Record {
            machine: Machine {
                cpu: "A Processor".to_owned(),
                cores: 2,
                memory_bytes: Some(8_000_000_000),
            },
            commit: "0123abc".to_owned(),
            date: "2026-02-03".to_owned(),
            figures: vec![Figure {
                name: "predict/gtea/1152".to_owned(),
                seconds: 0.5,
                unit: 0.25,
                units: 2.0,
                peak_bytes: None,
                threads: 2,
            }],
        };
        let file = dir.path().join("record.json");
        fs::write(&file, serde_json::to_string(&record).unwrap()).unwrap();
        let arguments = BenchReportArgs {
            filters: Vec::new(),
            from: Some(file.clone()),
            beside: None,
        };
        fs::write(&document, "# Benchmarks\n").unwrap();
        let error = format!("{:#}", run(&workspace, &arguments).unwrap_err());
        assert!(error.contains("docs/benchmarks.md"), "{error}");
        let (begin, end) = (markdown::BEGIN, markdown::END);
        fs::write(&document, format!("before\n{begin}\nold\n{end}\nafter\n")).unwrap();
        run(&workspace, &arguments).unwrap();
        let text = fs::read_to_string(&document).unwrap();
        assert!(
            text.starts_with("before\n") && text.ends_with("after\n"),
            "{text}"
        );
        assert!(text.contains("0123abc") && !text.contains("old"), "{text}");
        fs::write(&file, "[]").unwrap();
        let error = format!("{:#}", run(&workspace, &arguments).unwrap_err());
        assert!(error.contains("is no measurement"), "{error}");
    }
}
