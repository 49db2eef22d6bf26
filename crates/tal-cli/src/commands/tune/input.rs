//! Annotated recordings with the detections of a run, or of a file.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use tal_core::Recording;
use tal_core::config::{EvaluationConfig, EvaluationDialect};
use tal_data::annotations::{self, SegmentRule};
use tal_data::results::{self, ResultFormat};
use tal_data::{ANY_CLASS, Dataset};
use tal_engine::tuning::variants;
use tal_engine::{DeviceChoice, Evaluator};
use tal_postprocess::TuningVariant;

use super::{TuneInput, no_recordings};
use crate::args::{TrainedArgs, TuneArgs};
use crate::commands::trained;
use crate::console::Console;
use crate::failure::bail_usage;

/// Whether a path holds detections: a file with such a name, or a folder of JSON Lines.
pub(super) fn is_detections(path: &Path) -> bool {
    let is_lines = |path: &Path| ResultFormat::of_path(path) == Some(ResultFormat::JsonLines);
    match std::fs::read_dir(path) {
        // A run folder has metrics.jsonl.
        Ok(entries) => {
            let mut paths = entries.flatten().map(|entry| entry.path());
            !path.join("metrics.jsonl").exists() && paths.any(|path| is_lines(&path))
        }
        Err(_) => {
            let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
            let is_pickle = extension == "pkl" || extension == "pickle";
            is_pickle || ResultFormat::of_path(path).is_some()
        }
    }
}

/// The detections of a file.
pub(super) fn of_file(args: &TuneArgs) -> Result<TuneInput> {
    let Some(path) = &args.ground_truth else {
        bail_usage!("--ground-truth FILE: name the annotations of the recordings");
    };
    let truth = annotations::read_with(path, None, SegmentRule::EVALUATION)?;
    let recordings: Vec<Recording> = truth.subset(&args.subset).cloned().collect();
    if recordings.is_empty() {
        return Err(no_recordings(args, path, &truth.subset_names()));
    }
    let detections = results::read(&args.source, &truth.classes)?;
    if let Some(id) = recordings
        .iter()
        .map(|one| &one.id)
        .find(|id| !detections.contains_key(id))
    {
        tracing::warn!("recording {id:?} has no detection, so all its annotations count as missed");
    }
    let wanted = |id: &String| recordings.iter().any(|one| one.id == *id);
    let detections = detections
        .into_iter()
        .filter(|(id, _)| wanted(id))
        .collect();
    let sigma = None;
    Ok(TuneInput {
        annotations: path.clone(),
        classes: truth.classes,
        recordings,
        variants: vec![TuningVariant { sigma, detections }],
        evaluation: evaluation(
            args,
            EvaluationConfig {
                dialect: EvaluationDialect::Clean,
                ..EvaluationConfig::default()
            },
        ),
    })
}

/// The detections of a detector.
pub(super) fn of_run(
    args: &TuneArgs,
    device: DeviceChoice,
    console: &Console,
) -> Result<TuneInput> {
    let mut overrides = args.overrides.clone();
    if let Some(path) = &args.ground_truth {
        overrides.push(format!("dataset.annotations={}", path.display()));
    }
    let checkpoint = TrainedArgs {
        checkpoint: args.source.clone(),
        weights: args.weights,
        overrides,
    };
    let (_, detector) = trained::open(&checkpoint, None, device)?;
    let config = detector.config();
    let dataset = Arc::new(Dataset::open(&config.dataset, &args.subset)?);
    let num_workers = config.train.num_workers;
    let evaluator = Evaluator::new(Arc::clone(&dataset), &args.subset, num_workers);
    evaluator.check(config, detector.classes(), detector.external_scores())?;
    let template = "detecting {bar:30} {pos}/{len} recordings, {rate}, {eta} left";
    let bar = console.bar(dataset.num_recordings() as u64, 0, template);
    let mut progress = |done: usize| bar.set_position(done as u64);
    let variants = variants(&detector, &dataset, num_workers, &mut progress);
    bar.finish_and_clear();
    let truth = match detector.external_scores() {
        Some(_) => dataset.labelled_truth(),
        None => dataset.ground_truth(),
    };
    let mut classes = detector.classes().clone();
    if classes.is_empty() {
        classes.insert(0, ANY_CLASS)?;
    }
    Ok(TuneInput {
        annotations: config.dataset.annotations.clone(),
        classes,
        recordings: truth.recordings.clone(),
        variants: variants?,
        evaluation: evaluation(args, config.evaluation.clone()),
    })
}

/// The rules of mAP with those of the command line.
fn evaluation(args: &TuneArgs, config: EvaluationConfig) -> EvaluationConfig {
    EvaluationConfig {
        tiou_thresholds: match &args.tiou {
            Some(thresholds) => thresholds.0.clone(),
            None => config.tiou_thresholds,
        },
        dialect: args.dialect.unwrap_or(config.dialect),
        ..config
    }
}
