//! `tal train`: a run with progress.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use indicatif::ProgressBar;
use tal_core::config::Config;
use tal_engine::metrics::{StepMetrics, StepTerms};
use tal_engine::profile::StepProfile;
use tal_engine::run::{
    self, BEST, DETECTIONS, LAST, LOG, RunInfo, RunObserver, RunOptions, RunSummary,
};
use tal_engine::{Best, DeviceChoice, EngineError, EvaluationReport, Place, Ranks};

use super::{output, ranks};
use crate::args::TrainArgs;
use crate::console::Console;
use crate::failure::{RunError, UsageError, bail_usage};
use crate::tables;

/// The place of this process among those that a launcher has started.
pub(crate) fn place() -> Result<Option<Place>> {
    let place = Place::of(|name| std::env::var(name).ok());
    Ok(place.map_err(|error| UsageError(error.to_string()))?)
}

pub(crate) fn run(
    args: &TrainArgs,
    device: DeviceChoice,
    threads: Option<usize>,
    console: &Console,
) -> Result<()> {
    let place = place()?;
    ranks::watch_starter();
    match (&place, args.ranks) {
        (Some(place), Some(_)) => bail_usage!(
            "{} has started this process as rank {} of {}; leave out --ranks",
            place.launcher,
            place.rank,
            place.size
        ),
        (None, Some(size)) if size > 1 => return ranks::run(size, threads, console),
        _ => {}
    }
    let mut layers = args.config.layers.clone();
    let seed = args.seed.map(|seed| format!("train.seed={seed}"));
    layers.overrides.extend(seed);
    let config = layers.load(&args.config.file)?;
    let device = match &place {
        Some(place) => device.resolve_for(place.local_rank)?,
        None => device.resolve()?,
    };
    let timeout = Duration::from_secs(args.rank_timeout as u64);
    let ranks = match &place {
        Some(place) => Ranks::open(place, timeout, device)?,
        None => Ranks::alone(),
    };
    let options = RunOptions {
        out: output::run_folder(args.out.as_deref(), &args.config.file),
        resume: args.resume,
        device,
        profile: args.profile,
        ranks,
    };
    train(&config, &options, console)?;
    Ok(())
}

/// Trains with progress on the terminal and prints the results.
pub(crate) fn train(
    config: &Config,
    options: &RunOptions,
    console: &Console,
) -> Result<RunSummary> {
    let mut progress = Progress {
        console,
        stop: console.catch_interrupts(),
        steps: None,
        recordings: None,
        num_epochs: 0,
        profile: None,
        has_log: false,
        is_first: options.ranks.is_first(),
    };
    let outcome = run::train(config, options, &mut progress);
    progress.clear();
    if options.profile && options.ranks.is_first() {
        let text = match &progress.profile {
            Some(profile) => tables::profile(profile),
            None => "Nothing to profile: no step was done.".to_owned(),
        };
        console.print(&text)?;
    }
    let has_log = progress.has_log;
    let summary = outcome.map_err(|error| failed(error, &options.out, has_log, console))?;
    if !options.ranks.is_first() {
        return Ok(summary);
    }
    console.print(&tables::evaluation(&summary.last.evaluation, None))?;
    console.print(&describe(config, &summary))?;
    Ok(summary)
}

/// The error of a run; one that began names its log, which gets the error, too.
fn failed(error: EngineError, out: &Path, has_log: bool, console: &Console) -> anyhow::Error {
    if !has_log || matches!(error, EngineError::Interrupted { .. }) {
        return error.into();
    }
    console.log_error(&error.to_string());
    let log = out.join(LOG);
    RunError { source: error, log }.into()
}

fn describe(config: &Config, summary: &RunSummary) -> String {
    let mut lines = vec![format!(
        "{} weights after the last epoch, on {}; {} steps, {:.0} s of training by this process.",
        format!("{:?}", summary.weights).to_uppercase(),
        summary.last.subsets.join(", "),
        summary.num_steps,
        summary.train_seconds,
    )];
    if let Some(best) = summary.best {
        lines.push(format!(
            "Best: {:.2} after epoch {} ({BEST}). Note: that epoch was selected on {}, the same recordings that the figure \
             is measured on, so the figure is too good; the table above is not selected.",
            100.0 * best.average_map,
            best.epoch,
            config.dataset.test_subsets.join(", "),
        ));
    }
    lines.push(format!("Run folder: {}", summary.out.display()));
    lines.push(format!(
        "  {LAST} (weights and state), {DETECTIONS}, metrics.jsonl, {LOG}, config.yaml"
    ));
    lines.join("\n")
}

/// Bars for steps and recordings, and the log file.
struct Progress<'a> {
    console: &'a Console,
    stop: Arc<AtomicBool>,
    steps: Option<ProgressBar>,
    recordings: Option<ProgressBar>,
    num_epochs: u64,
    profile: Option<StepProfile>,
    has_log: bool,
    /// Whether this process writes the log of the run.
    is_first: bool,
}

impl Progress<'_> {
    fn clear(&mut self) {
        for bar in [self.steps.take(), self.recordings.take()]
            .into_iter()
            .flatten()
        {
            bar.finish_and_clear();
        }
    }
}

impl RunObserver for Progress<'_> {
    fn started(&mut self, info: &RunInfo) {
        if self.is_first {
            match self.console.log_to(&info.out.join(LOG)) {
                Ok(()) => self.has_log = true,
                Err(error) => tracing::warn!("no log file: {error}"),
            }
        }
        tracing::info!(
            "{} parameters, {} recordings, {} epochs of {} steps, {} test recordings, folder {}",
            info.num_parameters,
            info.num_recordings,
            info.num_epochs,
            info.steps_per_epoch,
            info.num_test_recordings,
            info.out.display()
        );
        if info.steps_done > 0 {
            tracing::info!("continuing after step {}", info.steps_done);
        }
        self.num_epochs = info.num_epochs;
        self.steps = Some(self.console.bar(
            info.num_epochs * info.steps_per_epoch,
            info.steps_done,
            "{prefix} {bar:30} {pos}/{len} {rate} {eta} left  {msg}",
        ));
    }

    fn step(&mut self, metrics: &StepMetrics) {
        if let Some(bar) = &self.steps {
            bar.set_prefix(format!("epoch {}/{}", metrics.epoch, self.num_epochs));
            let parts = match &metrics.terms {
                StepTerms::Pyramid(terms) => format!(
                    "class {:.3}, boundary {:.3}",
                    terms.cls_loss, terms.reg_loss
                ),
                StepTerms::BackTal { losses, .. } => format!(
                    "class {:.3}, click {:.3}",
                    losses.cls_loss(),
                    losses.click_loss
                ),
            };
            bar.set_message(format!(
                "loss {:.3} ({parts}) lr {:.1e}",
                metrics.loss, metrics.rate
            ));
            bar.inc(1);
        }
    }

    fn evaluating(&mut self, done: usize, total: usize) {
        let console = self.console;
        let bar = self.recordings.get_or_insert_with(|| {
            console.bar(
                total as u64,
                0,
                "evaluating {bar:30} {pos}/{len} recordings",
            )
        });
        bar.set_position(done as u64);
        if done == total {
            bar.finish_and_clear();
            self.recordings = None;
        }
    }

    fn evaluated(&mut self, epoch: u64, report: &EvaluationReport, best: Option<Best>) {
        let best = best.map_or_else(String::new, |best| {
            format!(
                ", best {:.2} after epoch {}",
                100.0 * best.average_map,
                best.epoch
            )
        });
        let average = 100.0 * report.evaluation.average_map;
        tracing::debug!("epoch {epoch}: average mAP {average:.2}{best}");
        if let Some(bar) = &self.steps {
            bar.println(format!("epoch {epoch}: average mAP {average:.2}{best}"));
        }
    }

    fn profiled(&mut self, profile: &StepProfile) {
        self.profile = Some(profile.clone());
    }

    fn should_stop(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}
