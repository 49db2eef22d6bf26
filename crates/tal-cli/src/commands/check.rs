//! `tal data check`: mistakes in a data set.

use std::path::Path;

use anyhow::{Result, anyhow};
use tal_corpus::audit::{self, Audit, Finding, Severity};
use tal_engine::extract::{Change, Completion};

use super::output;
use super::watched::watched;
use crate::args::CheckArgs;
use crate::console::Console;
use crate::tables::table;

/// Number of findings of a kind to print; the file has all.
const MAX_SHOWN: usize = 5;

pub(crate) fn run(args: &CheckArgs, console: &Console) -> Result<()> {
    if let Some(file) = &args.json {
        output::check("--json", file, &[])?;
    }
    if args.write {
        fill_in(&args.config.file, console)?;
    }
    let config = args.config.load()?;
    let on_stop = "stopping; again to stop at once";
    let mut audit = watched(console, "checking", on_stop, |watch| {
        audit::check(&config, args.quick, watch)
    });
    if let Some(clicks) = &args.clicks {
        audit.check_clicks(&config.dataset, clicks);
    }
    if let Some(file) = &args.json {
        output::write_json(file, &audit)?;
    }
    show(&audit, args, console)?;
    if !audit.complete {
        return Err(anyhow!("interrupted: not all recordings were checked"));
    }
    match audit.num_errors {
        0 => Ok(()),
        _ => Err(anyhow!(
            "{} in the data set",
            number(audit.num_errors, "error")
        )),
    }
}

/// Fills in what the descriptions of extracted features say.
fn fill_in(config: &Path, console: &Console) -> Result<()> {
    let found = Completion::new(config)?;
    let copies = found.write()?;
    for changes in [&found.of_config, &found.of_annotations] {
        for Change {
            place,
            before,
            after,
        } in changes.iter().take(MAX_SHOWN)
        {
            let before = before.as_deref().unwrap_or("nothing");
            console.print(&format!("{place}: {after}, was {before}"))?;
        }
        if let Some(more @ 1..) = changes.len().checked_sub(MAX_SHOWN) {
            console.print(&format!("… and {more} more"))?;
        }
    }
    for copy in copies {
        console.print(&format!("The old content is in {}", copy.display()))?;
    }
    if found.of_config.is_empty() && found.of_annotations.is_empty() {
        console.print("The files say what the descriptions of the features say.")?;
    }
    match found.undescribed {
        0 => Ok(()),
        count => console.print(&format!(
            "{} of the annotations without a description beside the features: nothing is filled in there",
            number(count, "recording")
        )),
    }
}

fn show(audit: &Audit, args: &CheckArgs, console: &Console) -> Result<()> {
    if !audit.subsets.is_empty() {
        let columns = [
            "subset",
            "for",
            "recordings",
            "annotations",
            "features read",
        ];
        let mut table = table(columns.map(str::to_owned));
        for subset in &audit.subsets {
            table.add_row([
                subset.name.clone(),
                subset.role.to_owned(),
                subset.num_recordings.to_string(),
                subset.num_annotations.to_string(),
                if audit.quick {
                    "-".to_owned()
                } else {
                    subset.num_features_read.to_string()
                },
            ]);
        }
        console.print(&table.to_string())?;
    }
    for findings in audit
        .findings
        .chunk_by(|a, b| (a.severity, a.code) == (b.severity, b.code))
    {
        console.print(&group(findings, args))?;
    }
    let quick = if audit.quick {
        " Feature files were not read (--quick)."
    } else {
        ""
    };
    console.print(&format!(
        "{}, {}, {}.{quick}",
        number(audit.num_errors, "error"),
        number(audit.num_warnings, "warning"),
        number(audit.num_notes, "note"),
    ))
}

/// Findings of one kind.
fn group(findings: &[Finding], args: &CheckArgs) -> String {
    let Some(first) = findings.first() else {
        return String::new();
    };
    let mut text = format!("{}: {}", first.severity.name(), first.code.name());
    if findings.len() > 1 {
        text += &format!(" ({})", findings.len());
    }
    // One example of a note is enough.
    let num_shown = match first.severity {
        Severity::Note => 1,
        _ => MAX_SHOWN,
    };
    let mut advice = "";
    for finding in findings.iter().take(num_shown) {
        let recording = match &finding.recording {
            Some(id) => format!("{id}: "),
            None => String::new(),
        };
        let more = match finding.count {
            1 => String::new(),
            count => format!(" (and {} more in it)", count - 1),
        };
        text += &format!("\n  {recording}{}{more}", finding.found);
        if finding.expected != advice {
            text += &format!("\n    expected: {}", finding.expected);
            advice = &finding.expected;
        }
    }
    if findings.len() > num_shown {
        let rest = findings.len() - num_shown;
        let list = if args.json.is_some() {
            ""
        } else {
            " (--json FILE lists all)"
        };
        text += &format!("\n  … and {rest} more{list}");
    }
    text
}

fn number(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
