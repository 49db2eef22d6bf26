//! Prediction in parts that survive a kill.

use std::env;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use anyhow::{Result, anyhow};
use tal_data::results::{DetectedRecording, Shard, json_line};
use tal_engine::EngineError;
use tal_engine::predict::{ShardFiles, ShardJournal, Unit, shard_of_environment};

use super::target::Target;
use super::{BAR, Predictor};
use crate::args::PredictArgs;
use crate::commands::output;
use crate::console::Console;
use crate::failure::UsageError;

/// Failed recordings that are listed on the console.
const LISTED: usize = 20;

/// Checks the options of a part before the work.
pub(super) fn check(args: &PredictArgs) -> Result<Target, UsageError> {
    let refuse = |message: &str| Err(UsageError(message.to_owned()));
    if args.format.as_deref().is_some_and(|name| name != "jsonl") {
        return refuse("--format: a part of a prediction is a file of JSON Lines (jsonl)");
    }
    if args.timeline {
        return refuse("--timeline: not with --shard or --resume");
    }
    if !args.recording.is_empty() || args.duration.is_some() {
        return refuse("--recording and --duration: not with --shard or --resume");
    }
    match &args.out {
        Some(out) if out.as_os_str() != "-" && !out.is_file() => Ok(Target::Terminal),
        _ => refuse("--out: give a folder; each part writes its own file there"),
    }
}

/// Predicts a part, or goes on with it.
pub(super) fn run(mut predictor: Predictor<'_>, console: &Console) -> Result<()> {
    let args = predictor.args;
    let folder = args.out.clone().unwrap_or_else(|| PathBuf::from("."));
    output::create_folder(&folder)?;
    let (shard, origin) = part(args)?;
    console.log_to(&folder.join(format!("{}.log", shard.stem())))?;
    tracing::info!("part {} of {} ({origin})", shard.index, shard.count);
    let units = predictor.units(Some(shard))?;
    let files = ShardFiles::new(&folder, shard);
    let (results, failed_list) = (files.results.clone(), files.failed.clone());
    let mut journal = ShardJournal::open(files, &units, args.resume)?;
    let (num, done) = (journal.num_in_pass(), journal.num_done());
    match (journal.is_retry(), done) {
        (true, _) if num == 0 => {
            journal.finish()?;
            return console.print(&format!("{}: complete, nothing to do", results.display()));
        }
        (true, _) => tracing::info!("trying {num} failed recordings again"),
        (false, 0) => tracing::info!("{num} recordings"),
        (false, _) => tracing::info!("{num} recordings, going on after {done}"),
    }
    let stop = console.catch_interrupts_saying(
        "stopping after this recording; the same command with --resume goes on; again to stop at once",
    );
    let bar = console.bar(num as u64, done as u64, BAR);
    let outcome = work(&mut predictor, &units, &mut journal, &|| {
        bar.inc(1);
        stop.load(Ordering::Relaxed)
    });
    bar.finish_and_clear();
    if !outcome? {
        return Err(anyhow!(
            "stopped after {} of {num} recordings; the same command with --resume goes on",
            journal.num_done()
        ));
    }
    let report = journal.finish()?;
    console.print(&format!(
        "{} recordings: {}",
        report.num_predicted,
        results.display()
    ))?;
    match report.failed.as_slice() {
        [] => Ok(()),
        failed => {
            let lines = failed.iter().take(LISTED);
            let lines: String = lines
                .map(|one| format!("\n  {}: {}", one.file, one.error))
                .collect();
            Err(anyhow!(
                "{} of {} recordings failed, see {}; the same command with --resume tries them again{lines}",
                failed.len(),
                units.len(),
                failed_list.display()
            ))
        }
    }
}

/// The part that is asked for, and where that was said.
fn part(args: &PredictArgs) -> Result<(Shard, String)> {
    if let Some((index, count)) = args.shard {
        return Ok((Shard { index, count }, "--shard".to_owned()));
    }
    let found = shard_of_environment(|name| env::var(name).ok())?;
    Ok(match found {
        Some((shard, variable)) => (shard, variable.to_owned()),
        None => (Shard { index: 0, count: 1 }, "everything".to_owned()),
    })
}

/// Predicts what is left; `false` if `advance` asked for a stop. A recording that fails is noted and passed over.
fn work(
    predictor: &mut Predictor<'_>,
    units: &[Unit],
    journal: &mut ShardJournal,
    advance: &dyn Fn() -> bool,
) -> Result<bool> {
    while let Some(number) = journal.next() {
        let unit = &units[number];
        let outcome = match line(predictor, unit) {
            Ok(line) => Ok(line),
            Err(error) if concerns_all(&error) => return Err(error),
            Err(error) => {
                tracing::warn!("{}: failed: {error}", unit.path().display());
                Err(error.to_string())
            }
        };
        journal.record(unit, outcome)?;
        if advance() && journal.next().is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn line(predictor: &mut Predictor<'_>, unit: &Unit) -> Result<Vec<u8>> {
    let found = predictor.predict(unit)?;
    let file = unit.path().to_string_lossy();
    let recording = DetectedRecording {
        id: &found.features.id,
        file: Some(&file),
        duration: found.features.duration,
        fps: Some(f64::from(found.features.grid.fps)),
        detections: &found.detections,
    };
    Ok(json_line(&recording, predictor.detector.classes())?)
}

/// Whether an error would meet every recording.
fn concerns_all(error: &anyhow::Error) -> bool {
    let missing_option = matches!(
        error.downcast_ref::<EngineError>(),
        Some(EngineError::UnknownDuration | EngineError::UnknownFps { .. })
    );
    missing_option || error.is::<UsageError>()
}
