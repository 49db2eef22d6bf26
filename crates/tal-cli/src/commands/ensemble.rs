//! `tal ensemble`: the detections of several models, fused into one set.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use tal_core::config::Config;
use tal_core::{DetectionSet, GroundTruth};
use tal_data::{annotations, results};
use tal_engine::run::{DETECTIONS, RESOLVED_CONFIG};
use tal_postprocess::{FusionRule, evaluate_with, fuse_detection_sets};

use super::output;
use crate::args::EnsembleArgs;
use crate::console::Console;
use crate::failure::bail_usage;
use crate::tables::{self, percent};

pub(crate) fn run(args: &EnsembleArgs, console: &Console) -> Result<()> {
    output::check("--out", &args.out, &output::DETECTIONS)?;
    if let Some(file) = &args.json {
        output::check("--json", file, &[])?;
    }
    let config = first_config(&args.models)?;
    let annotated = config.as_ref().map(|config| &config.dataset.annotations);
    let Some(file) = args.annotations.as_ref().or(annotated) else {
        bail_usage!(
            "--annotations: needed for the names of the classes, since no model is a run folder"
        );
    };
    if args.json.is_some() && config.is_none() {
        bail_usage!(
            "--json: needs a run folder among the models, for test subsets and rules; `tal evaluate` takes any file"
        );
    }
    let truth = annotations::read(file, None)?;
    let files = args.models.iter().map(|model| detections_file(model));
    let files = files.collect::<Result<Vec<PathBuf>>>()?;
    let models = files.iter().map(|file| results::read(file, &truth.classes));
    let models = models.collect::<Result<Vec<DetectionSet>, _>>()?;
    let rule = FusionRule {
        iou_threshold: args.tiou,
        max_detections: args.max_detections,
    };
    let fused = fuse_detection_sets(&models, &rule)
        .map_err(|error| anyhow!("{error} (models are counted as they were given)"))?;
    results::write(&args.out, &fused, &truth.classes)?;
    if let Some(config) = &config {
        measure(args, console, config, &truth, &files, &models, &fused)?;
    }
    let count = |set: &DetectionSet| set.values().map(Vec::len).sum::<usize>();
    console.print(&format!(
        "{}: {} detections of {} recordings, from {} of {} models.",
        args.out.display(),
        count(&fused),
        fused.len(),
        models.iter().map(count).sum::<usize>(),
        models.len()
    ))
}

/// The configuration of the first run folder; none if all models are files.
fn first_config(models: &[PathBuf]) -> Result<Option<Config>> {
    let Some(folder) = models.iter().find(|model| model.is_dir()) else {
        return Ok(None);
    };
    // A folder that is no run at all is told by its detections, which it lacks.
    detections_file(folder)?;
    Ok(Some(tal_config::load(&folder.join(RESOLVED_CONFIG), &[])?))
}

fn detections_file(model: &Path) -> Result<PathBuf> {
    if !model.is_dir() {
        return Ok(model.to_owned());
    }
    let file = model.join(DETECTIONS);
    if !file.is_file() {
        bail_usage!(
            "{}: holds no {DETECTIONS}; give the folder of a finished run, or a file of detections",
            model.display()
        );
    }
    Ok(file)
}

/// Prints mAP of the fused detections, and the average mAP of each model.
fn measure(
    args: &EnsembleArgs,
    console: &Console,
    config: &Config,
    truth: &GroundTruth,
    files: &[PathBuf],
    models: &[DetectionSet],
    fused: &DetectionSet,
) -> Result<()> {
    let subsets = &config.dataset.test_subsets;
    let evaluated = |detections: &DetectionSet| {
        let recordings = truth.subset(subsets);
        evaluate_with(recordings, detections, &config.evaluation, &truth.classes)
    };
    let mut table = tables::table(["model", "average mAP [%]"]);
    for (file, detections) in files.iter().zip(models) {
        let average = percent(evaluated(detections)?.average_map);
        table.add_row([file.display().to_string(), average]);
    }
    let evaluation = evaluated(fused)?;
    table.add_row(["fused".to_owned(), percent(evaluation.average_map)]);
    if let Some(file) = &args.json {
        output::write_json(file, &evaluation)?;
    }
    console.print(&format!(
        "{table}\n{}",
        tables::evaluation(&evaluation, None)
    ))?;
    console.print(&format!(
        "On {}, rules of {}.",
        subsets.join(", "),
        config.evaluation.dialect
    ))
}
