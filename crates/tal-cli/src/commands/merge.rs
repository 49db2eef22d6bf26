//! `tal merge`: the parts of a prediction put together.

use std::io::{self, Write};
use std::path::Path;

use anyhow::{Result, anyhow};
use tal_core::atomic::AtomicFile;
use tal_core::quoted_list;
use tal_data::results::{MergeError, MergeReport, merge};

use super::output;
use crate::args::MergeArgs;
use crate::console::Console;

pub(crate) fn run(args: &MergeArgs, console: &Console) -> Result<()> {
    for folder in args.inputs.iter().filter(|input| input.is_dir()) {
        tell_of_failures(folder);
    }
    let list = args.list.as_deref();
    if args.out.as_os_str() == "-" {
        let mut out = io::BufWriter::new(io::stdout().lock());
        let report = merge(&args.inputs, list, &mut out)?;
        out.flush()?;
        return check(args, &report);
    }
    output::check("--out", &args.out, &["jsonl"])?;
    let unwritten = |error: io::Error| anyhow!("cannot write {}: {error}", args.out.display());
    let mut out = AtomicFile::create(&args.out).map_err(unwritten)?;
    let report = match merge(&args.inputs, list, &mut out) {
        Err(MergeError::Write(error)) => return Err(unwritten(error)),
        merged => merged?,
    };
    check(args, &report)?;
    out.commit().map_err(unwritten)?;
    console.print(&format!(
        "{} recordings: {}",
        report.num_recordings,
        args.out.display()
    ))
}

/// Refuses recordings that are missing or double.
fn check(args: &MergeArgs, report: &MergeReport) -> Result<()> {
    if report.num_double > 0 {
        let found = format!(
            "{} recordings occur twice: {}",
            report.num_double,
            quoted_list(&report.double)
        );
        match args.allow_double {
            true => tracing::warn!("{found}; the first of each stays"),
            false => return Err(anyhow!("{found}; --allow-double keeps the first of each")),
        }
    }
    if report.num_missing > 0 {
        let found = format!(
            "{} recordings of the list are missing: {}",
            report.num_missing,
            quoted_list(&report.missing)
        );
        match args.allow_missing {
            true => tracing::warn!("{found}"),
            false => return Err(anyhow!("{found}; --allow-missing writes the others")),
        }
    }
    Ok(())
}

/// Says which parts have recordings that failed.
fn tell_of_failures(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    let mut lists: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().ends_with(".failed.json"))
        .collect();
    lists.sort();
    for list in lists {
        tracing::warn!(
            "{}: recordings failed; `tal predict` with --resume tries them again",
            list.display()
        );
    }
}
