//! `tal runs`: runs in a table.

use anyhow::Result;
use serde_json::{Value, json};
use tal_runs::{Difference, Filter, RunRecord, RunsError, differences, find_runs, sort};

use crate::args::RunsArgs;
use crate::console::Console;
use crate::failure::bail_usage;
use crate::tables::{percent, row, table};

pub(crate) fn run(args: &RunsArgs, console: &Console) -> Result<()> {
    let runs = chosen(args)?;
    let differing = differences(&runs);
    if args.json {
        let found = json!({ "runs": runs, "differences": differing });
        return console.print(&serde_json::to_string_pretty(&found)?);
    }
    console.print(&tabulated(&runs, &args.shown))?;
    match (args.compare, differing.len()) {
        (_, 0) if runs.len() < 2 => Ok(()),
        (_, 0) => console.print("\nThe configurations are the same."),
        (true, _) => console.print(&compared(&runs, &differing)),
        (false, count) => console.print(&format!(
            "\n{count} configuration keys differ; --compare lists them"
        )),
    }
}

/// The runs of all folders that meet the conditions, in order.
fn chosen(args: &RunsArgs) -> Result<Vec<RunRecord>> {
    let mut all = Vec::new();
    for folder in &args.folders {
        // A folder that is not there has no runs, either.
        let found = match folder.exists() {
            true => find_runs(folder)?,
            false => Vec::new(),
        };
        if found.is_empty() {
            bail_usage!(
                "{}: no run in it or below it; `tal train CONFIG` makes runs/NAME",
                folder.display()
            );
        }
        all.extend(found);
    }
    let meets = |run: &RunRecord, filter: &Filter| filter.meets(run, &all);
    let mut runs = Vec::new();
    for run in &all {
        let met: Result<Vec<bool>, RunsError> = args
            .filters
            .iter()
            .map(|filter| meets(run, filter))
            .collect();
        if met?.into_iter().all(|met| met) {
            runs.push(run.clone());
        }
    }
    if runs.is_empty() {
        bail_usage!("none of the {} runs meets every --filter", all.len());
    }
    if let Some(key) = args
        .shown
        .iter()
        .find(|key| runs.iter().all(|run| !run.config.contains_key(*key)))
    {
        let keys = runs
            .iter()
            .flat_map(|run| run.config.keys())
            .map(String::as_str);
        let hint = tal_core::nearest_name(key, keys)
            .map_or(String::new(), |name| format!("; did you mean {name}?"));
        bail_usage!("--show {key}: no configuration of these runs has the key{hint}");
    }
    sort(&mut runs, args.sort);
    if args.reverse {
        runs.reverse();
    }
    Ok(runs)
}

fn tabulated(runs: &[RunRecord], shown: &[String]) -> String {
    let columns = [
        "method",
        "data",
        "best mAP [%]",
        "last [%]",
        "steps",
        "time",
        "state",
    ];
    let columns = columns
        .into_iter()
        .map(str::to_owned)
        .chain(shown.iter().cloned());
    let mut table = table(row("run", columns));
    for run in runs {
        let map = |map: Option<f64>| map.map_or("-".to_owned(), percent);
        let steps = match run.num_steps {
            Some(all) if all != run.steps => format!("{} of {all}", run.steps),
            _ => run.steps.to_string(),
        };
        let values = [
            run.method.clone(),
            run.data.clone(),
            map(run.best_map),
            map(run.last_map),
            steps,
            time(run.seconds),
            run.state.name().to_owned(),
        ];
        let more = shown.iter().map(|key| text(run.config.get(key)));
        table.add_row(row(&run.name, values.into_iter().chain(more)));
    }
    table.to_string()
}

/// The keys that differ, with a column for each run.
fn compared(runs: &[RunRecord], differing: &[Difference]) -> String {
    let mut table = table(row("key", runs.iter().map(|run| run.name.clone())));
    for difference in differing {
        let values = difference.values.iter().map(|value| text(value.as_ref()));
        table.add_row(row(&difference.key, values));
    }
    table.to_string()
}

fn text(value: Option<&Value>) -> String {
    match value {
        None => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Hours, minutes and seconds.
fn time(seconds: f64) -> String {
    let all = seconds.round() as u64;
    format!("{}:{:02}:{:02}", all / 3600, all / 60 % 60, all % 60)
}
