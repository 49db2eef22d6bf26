//! `tal import`: a released checkpoint, converted to one of ours or to a run that continues here.

use anyhow::Result;
use tal_core::ClassMap;
use tal_core::config::{Config, Weights};
use tal_data::{ANY_CLASS, Dataset, order};
use tal_engine::import::{ReleasedCheckpoint, RunReport};
use tal_engine::run;

use super::output;
use crate::args::ImportArgs;
use crate::console::print;

pub(crate) fn run(args: &ImportArgs) -> Result<()> {
    if !args.resumable {
        output::check("--out", &args.out, &["safetensors"])?;
    }
    let config = args.layers.load(&args.config)?;
    let released = ReleasedCheckpoint::open(&args.file)?;
    let classes = class_names(&config)?;
    if args.resumable {
        return import_run(args, &config, &classes, &released);
    }
    let kind = if args.raw { Weights::Raw } else { Weights::Ema };
    let (checkpoint, report) = released.weights(&config, &classes, kind)?;
    checkpoint.write(&args.out)?;
    print_contents(args, &released)?;
    print(&format!(
        "{}: {} tensors, {} weights, every name and shape as configured ({report}).",
        args.out.display(),
        checkpoint.tensors.len(),
        match checkpoint.manifest.weights {
            Weights::Raw => "trained",
            Weights::Ema => "averaged",
        },
    ))
}

fn import_run(
    args: &ImportArgs,
    config: &Config,
    classes: &ClassMap,
    released: &ReleasedCheckpoint,
) -> Result<()> {
    let (checkpoint, report) = released.run(config, classes, steps_per_epoch(config))?;
    run::write_resumable(&args.out, &checkpoint)?;
    print_contents(args, released)?;
    print(&format!("Trained weights: {}.", report.raw))?;
    print(&format!("Averaged weights: {}.", report.ema))?;
    print(&format!(
        "Optimiser: moments of {} parameters; {} have none in the file and start at zero{}.",
        report.num_moments,
        report.without_moments.len(),
        match report.without_moments.first() {
            Some(first) => format!(" ({first}, …)"),
            None => String::new(),
        }
    ))?;
    print(&place(&report))?;
    print(&format!(
        "Not in the file: the loss normaliser, which starts at {}, and random numbers, which follow train.seed = {}.",
        report.normalizer, config.train.seed
    ))?;
    for difference in &report.differences {
        tracing::warn!("{difference}");
    }
    let (config, out) = (args.out.join(run::RESOLVED_CONFIG), args.out.display());
    let config = config.display();
    print(&format!(
        "Continue with: tal train {config} --out {out} --resume"
    ))
}

fn print_contents(args: &ImportArgs, released: &ReleasedCheckpoint) -> Result<()> {
    let file = args.file.display();
    print(&format!("{file} holds {}.", released.contents()))
}

fn place(report: &RunReport) -> String {
    let steps = match report.steps_per_epoch {
        Some(steps) => format!("{steps} steps each"),
        None => "of unknown length".to_owned(),
    };
    format!(
        "Schedule: after step {}; {} of {} epochs done ({steps}).",
        report.step, report.epoch, report.num_epochs
    )
}

/// Steps per epoch with the training recordings; `None` if they cannot be read.
fn steps_per_epoch(config: &Config) -> Option<usize> {
    match Dataset::open(&config.dataset, &config.dataset.train_subsets) {
        Ok(dataset) => {
            let batch_size = config.train.batch_size;
            let steps = order::num_batches(dataset.num_recordings(), batch_size);
            (steps > 0).then_some(steps)
        }
        Err(error) => {
            tracing::warn!(
                "the training data cannot be read, so the number of steps per epoch is taken from the file: {error}"
            );
            None
        }
    }
}

/// Class names from the annotations, if they exist; a released checkpoint has none.
fn class_names(config: &Config) -> Result<ClassMap> {
    if config.dataset.class_agnostic {
        return Ok(ClassMap::from_names([ANY_CLASS])?);
    }
    let path = &config.dataset.annotations;
    if path.exists() {
        return Ok(tal_engine::import::class_names(config)?);
    }
    let path = path.display();
    tracing::warn!("{path} does not exist; classes will be called class_0, class_1, …");
    Ok(ClassMap::default())
}
