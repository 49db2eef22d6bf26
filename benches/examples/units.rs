//! Prediction and training steps in units (see `tal_benches::unit`), with the memory each needs.
//!
//! `cargo run --release -p tal-benches --example units -- [--json FILE] [FILTER…]` runs every workload whose name contains
//! one of the filters, in a process of its own, with all threads of LibTorch. It runs seven times, each time just after the
//! unit. Time, unit and quotient are medians; memory is the largest resident set of the process.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde::{Deserialize, Serialize};
use tal_benches::unit::measure;
use tal_benches::workload::cases;
use tal_engine::memory::peak_resident_bytes;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Tells a process of this program to measure one case and nothing else.
const MEASURE: &str = "--measure";
/// Number of runs of a case.
const RUNS: usize = 7;

/// Figures of one workload.
#[derive(Debug, Serialize, Deserialize)]
struct Figure {
    /// `predict/…` or `train_step/…`.
    name: String,
    /// Time of one run, in seconds.
    seconds: f64,
    /// Time of the unit, in seconds.
    unit: f64,
    /// Time of one run, in units.
    units: f64,
    /// Largest resident set of the process.
    peak_bytes: Option<u64>,
    /// Number of threads of LibTorch.
    threads: usize,
}

fn main() -> Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, name] = arguments.as_slice()
        && flag == MEASURE
    {
        println!("{}", serde_json::to_string(&figure(name)?)?);
        return Ok(());
    }
    let file = match arguments.iter().position(|argument| argument == "--json") {
        Some(at) if at + 1 < arguments.len() => {
            let file = PathBuf::from(arguments.remove(at + 1));
            arguments.remove(at);
            Some(file)
        }
        Some(_) => return Err("--json needs a file".into()),
        None => None,
    };
    let wanted = |name: &String| {
        arguments.is_empty()
            || arguments
                .iter()
                .any(|filter| name.contains(filter.as_str()))
    };
    let program = std::env::current_exe()?;
    let mut figures = Vec::new();
    println!(
        "{:<40} {:>8} {:>8} {:>8} {:>8}",
        "case", "s", "u", "GB", "ms per u"
    );
    for name in cases().map(|(name, _)| name).filter(wanted) {
        let output = Command::new(&program).args([MEASURE, &name]).output()?;
        if !output.status.success() {
            return Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        let figure: Figure = serde_json::from_slice(&output.stdout)?;
        println!(
            "{name:<40} {:8.3} {:8.2} {:8.2} {:8.1}",
            figure.seconds,
            figure.units,
            figure.peak_bytes.unwrap_or(0) as f64 / 1e9,
            1e3 * figure.unit
        );
        figures.push(figure);
    }
    if let Some(file) = file {
        fs::write(file, serde_json::to_string_pretty(&figures)?)?;
    }
    Ok(())
}

fn figure(name: &str) -> Result<Figure> {
    let (_, workload) = cases()
        .find(|(case, _)| case == name)
        .ok_or("no such case")?;
    let measured = if name.starts_with("predict/") {
        let (detector, features) = (workload.detector(), workload.features());
        measure(RUNS, || {
            detector.detect(&features).expect("detections");
        })
    } else {
        let (mut trainer, mut batch) = (workload.trainer(), workload.batch());
        measure(RUNS, || {
            trainer.step(&mut batch, 0).expect("a finite step");
        })
    };
    Ok(Figure {
        name: name.to_owned(),
        seconds: measured.seconds,
        unit: measured.unit,
        units: measured.units,
        peak_bytes: peak_resident_bytes(),
        threads: tch::get_num_threads() as usize,
    })
}
