//! `tal ablate`: a grid of configurations and seeds, and one table.

mod process;

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Result, bail};
use tal_engine::DeviceChoice;
use tal_engine::ablation::{Plan, Report, Run, Stage};
use tal_report::plots;

use super::{output, train};
use crate::args::AblateArgs;
use crate::console::Console;
use crate::failure::{UsageError, bail_usage};
use process::{Ended, Process};

/// Time between two looks at the processes.
const TICK: Duration = Duration::from_millis(200);

pub(crate) fn run(
    args: &AblateArgs,
    device: DeviceChoice,
    threads: usize,
    console: &Console,
) -> Result<()> {
    if let Some(place) = train::place()? {
        bail_usage!(
            "{} has started this process as rank {} of {}, and ablate cannot share its runs that way; start one process, or \
             several with --shard",
            place.launcher,
            place.rank,
            place.size
        );
    }
    let plan = Plan::read(&args.plan)?;
    let stage = match args.validation {
        true => Stage::Validation,
        false => Stage::Report,
    };
    let out = stage.folder(&output::run_folder(args.out.as_deref(), &args.plan));
    // Read once: edits during the training change nothing.
    let runs = plan.runs(&out, stage)?;
    let mut waiting = selected(&plan, &runs, args)?;
    waiting.retain(|run| !run.is_finished);
    let tables = Tables {
        plan: &plan,
        stage,
        runs: &runs,
        out: &out,
    };
    let mut failed = Vec::new();
    let mut is_interrupted = false;
    if !args.collect {
        device.resolve()?;
        output::create_folder(&out)?;
        tables.write()?;
        let mut grid = Grid {
            tables,
            device,
            threads,
            console,
        };
        (failed, is_interrupted) = grid.train(waiting, args.jobs)?;
    }
    let mut report = tables.report()?;
    if report.progress().0 == 0 && args.collect {
        bail_usage!("{} has no finished run of the plan", out.display());
    }
    // Figures do not depend on it.
    if let Err(error) = report.compare(&plan, &runs) {
        tracing::warn!("variants are not compared: {error}");
    }
    if out.is_dir() {
        tables.write_report(&report)?;
    }
    console.print(&report.to_markdown())?;
    console.print(&format!(
        "Tables: {}/table.md, table.csv, table.json; plot: table.svg",
        out.display()
    ))?;
    if is_interrupted {
        bail!("interrupted; the same command continues the runs from their last saved state");
    }
    if !failed.is_empty() {
        let (count, reasons) = (failed.len(), failed.join("\n"));
        bail!("{count} of the runs failed:\n{reasons}");
    }
    Ok(())
}

/// The runs of the wanted variants and of the shard. A run belongs to the same shard whatever else is wanted or finished.
fn selected(plan: &Plan, runs: &[Run], args: &AblateArgs) -> Result<Vec<Run>, UsageError> {
    let only = &args.only;
    let (shard, num_shards) = args.shard.unwrap_or((0, 1));
    let names: Vec<&str> = plan.variants.iter().map(|v| v.name.as_str()).collect();
    if let Some(unknown) = only.iter().find(|name| !names.contains(&name.as_str())) {
        let names = names.join(", ");
        bail_usage!("--only {unknown:?}: the plan has no such variant; it has {names}");
    }
    let is_wanted = |run: &&Run| only.is_empty() || only.contains(&run.variant);
    let of_shard = runs.iter().skip(shard).step_by(num_shards);
    Ok(of_shard.filter(is_wanted).cloned().collect())
}

struct Grid<'a> {
    tables: Tables<'a>,
    device: DeviceChoice,
    threads: usize,
    console: &'a Console,
}

impl Grid<'_> {
    /// Trains all runs, `jobs` at a time. Returns the failures, and whether the user asked to stop.
    fn train(&mut self, waiting: Vec<Run>, jobs: usize) -> Result<(Vec<String>, bool)> {
        let stop = self.console.catch_interrupts();
        let template = "{bar:30} {pos}/{len} runs, {elapsed} so far";
        let total = self.console.bar(waiting.len() as u64, 0, template);
        let mut waiting = waiting.into_iter();
        let mut active: Vec<Process> = Vec::new();
        let mut failed = Vec::new();
        let mut is_stopping = false;
        loop {
            while active.len() < jobs && !is_stopping {
                let Some(run) = waiting.next() else { break };
                tracing::info!("{}: started", run.title());
                let process = Process::start(run, self.device, self.threads, self.console)?;
                active.push(process);
            }
            if active.is_empty() {
                break;
            }
            if stop.load(Ordering::SeqCst) && !is_stopping {
                is_stopping = true;
                active.iter().for_each(Process::interrupt);
            }
            std::thread::sleep(TICK);
            let mut running = Vec::with_capacity(active.len());
            for mut process in active {
                match process.poll()? {
                    None => running.push(process),
                    Some(ended) => {
                        total.inc(1);
                        if let Ended::Failed(reason) = ended
                            && !is_stopping
                        {
                            tracing::error!("{reason}");
                            failed.push(reason);
                        }
                        // The tables can be written again later; the other runs take hours.
                        if let Err(error) = self.tables.write() {
                            tracing::warn!("the tables are not up to date: {error:#}");
                        }
                    }
                }
            }
            active = running;
        }
        total.finish_and_clear();
        Ok((failed, is_stopping))
    }
}

/// The tables and the plot of a plan.
#[derive(Clone, Copy)]
struct Tables<'a> {
    plan: &'a Plan,
    stage: Stage,
    runs: &'a [Run],
    out: &'a Path,
}

impl Tables<'_> {
    fn report(&self) -> Result<Report> {
        Ok(Report::collect(self.plan, self.stage, self.runs)?)
    }

    /// Writes the tables and the plot of the finished runs, without comparisons.
    fn write(&self) -> Result<()> {
        self.write_report(&self.report()?)
    }

    fn write_report(&self, report: &Report) -> Result<()> {
        output::write_json(&self.out.join("table.json"), report)?;
        for (name, text) in [
            ("table.md", report.to_markdown()),
            ("table.csv", report.to_csv()),
        ] {
            output::write_text(&self.out.join(name), &text)?;
        }
        let rows = report.rows.iter().map(|row| plots::SeedRow {
            name: &row.variant,
            values: row.seeds.iter().map(|s| s.figures.average_map).collect(),
            spread: row.average_map.map(|s| (s.mean, s.std.unwrap_or(0.0))),
        });
        let rows: Vec<_> = rows.collect();
        let file = self.out.join("table.svg");
        Ok(plots::seeds(&file, &report.title, &rows)?)
    }
}
