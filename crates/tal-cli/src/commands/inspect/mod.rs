//! `tal inspect`: what a file is and what it holds.

mod action_sensitivity;
mod terminal_plot;

use anyhow::Result;
use tal_inspect::{InspectOptions, Inspection, Section, inspect};

use crate::args::InspectArgs;
use crate::console::Console;
use crate::failure::bail_usage;
use crate::tables;

pub(crate) fn run(args: &InspectArgs, console: &Console) -> Result<()> {
    if let Some(place) = &args.action_sensitivity {
        return action_sensitivity::run(place, args.out.as_deref(), console);
    }
    // The parser demands nothing of an option beside one that excludes it.
    if args.out.is_some() {
        bail_usage!(
            "--out draws what action sensitivity learning found; add --action-sensitivity CHECKPOINT"
        );
    }
    let options = InspectOptions {
        key: args.key.clone(),
        depth: args.depth,
    };
    // The parser demands the file if there is no --action-sensitivity.
    let Some(file) = &args.file else {
        return Ok(());
    };
    let found = inspect(file, &options)?;
    match args.json {
        true => console.print(&serde_json::to_string_pretty(&found)?),
        false => console.print(&shown(&found)),
    }
}

fn shown(found: &Inspection) -> String {
    let mut parts = vec![format!("{}: {}", found.path.display(), found.kind())];
    parts.extend(found.sections().iter().filter_map(part));
    parts.join("\n\n")
}

/// A section as text; `None` if it is empty.
fn part(section: &Section) -> Option<String> {
    match section {
        Section::Facts(facts) => {
            let width = facts.iter().map(|(name, _)| name.chars().count()).max()?;
            let lines = facts
                .iter()
                .map(|(name, value)| format!("{name:width$}  {value}"));
            Some(lines.collect::<Vec<_>>().join("\n"))
        }
        Section::Table { header, rows } => {
            let mut table = tables::table(header.clone());
            for row in rows {
                table.add_row(row.clone());
            }
            (!rows.is_empty()).then(|| table.to_string())
        }
        Section::Text { title, text } => (!text.is_empty()).then(|| format!("{title}\n{text}")),
        Section::Plot { title, values } => {
            let plot = terminal_plot::bars(values)?;
            Some(format!("{title}\n{plot}"))
        }
    }
}
