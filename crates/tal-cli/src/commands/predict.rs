//! `tal predict`: actions in feature files.

use anyhow::Result;
use tal_core::{ClassMap, DetectionSet};
use tal_data::read_features;
use tal_data::{Features, results};
use tal_engine::{Detector, DeviceChoice, ExternalScores};

use super::{output, trained};
use crate::args::PredictArgs;
use crate::console::Console;
use crate::failure::UsageError;
use crate::tables;

/// Detections of a recording that are printed.
const PRINTED: usize = 20;

pub(crate) fn run(args: &PredictArgs, device: DeviceChoice, console: &Console) -> Result<()> {
    if let Some(fps) = args.fps
        && !(fps > 0.0 && fps.is_finite())
    {
        return Err(UsageError(format!("--fps {fps}: must be a number above 0")).into());
    }
    if let Some(out) = &args.out {
        output::check("--out", out, &output::DETECTIONS)?;
    }
    let (path, loaded) = trained::read(&args.checkpoint, &args.overrides)?;
    let weights = args.weights.map(Into::into);
    let detector = Detector::from_checkpoint(&loaded, &path, weights, device.resolve()?)?;
    let config = detector.config();
    let external_scores = match &config.inference.external_scores {
        Some(scores) => Some(ExternalScores::open(scores, &config.dataset.annotations)?),
        None => None,
    };
    let bar = console.bar(
        args.features.len() as u64,
        0,
        "predicting {bar:30} {pos}/{len} recordings, {eta} left",
    );
    let outcome = detect_all(args, &detector, external_scores.as_ref(), &bar);
    bar.finish_and_clear();
    let mut detections = outcome?;
    let mut classes = detector.classes();
    if let Some(scores) = &external_scores {
        detections = scores.fuse(&detections)?;
        classes = scores.classes();
    }
    for found in detections.values_mut() {
        found.retain(|detection| detection.score >= args.min_score);
    }
    match &args.out {
        Some(out) => {
            results::write(out, &detections, classes)?;
            let num: usize = detections.values().map(Vec::len).sum();
            console.print(&format!(
                "{num} detections in {} recording(s): {}",
                detections.len(),
                out.display()
            ))
        }
        None => print(&detections, classes, console),
    }
}

fn detect_all(
    args: &PredictArgs,
    detector: &Detector,
    external_scores: Option<&ExternalScores>,
    bar: &indicatif::ProgressBar,
) -> Result<DetectionSet> {
    let dataset = &detector.config().dataset;
    if dataset.feat_stride.is_none() && args.duration.is_none() {
        return Err(UsageError(
            "the features are of fixed length (dataset.feat_stride is null): only the length of a recording tells how they \
             lie in time, and feature files do not have it; give it in seconds with --duration, for one recording at a time"
                .to_owned(),
        )
        .into());
    }
    if detector.config().needs_fps() && dataset.fps.or(args.fps).is_none() {
        return Err(UsageError(
            "the frame rate of the recordings is not known: the configuration leaves it to the annotations, and feature \
             files do not have it; give it with --fps"
                .to_owned(),
        )
        .into());
    }
    if args.duration.is_some() && args.features.len() > 1 {
        return Err(UsageError(format!(
            "--duration belongs to one recording, but there are {} feature files",
            args.features.len()
        ))
        .into());
    }
    let mut detections = DetectionSet::new();
    for file in &args.features {
        let mut features = read_features(dataset, file, args.fps, args.duration)?;
        features.duration = Some(args.duration.unwrap_or_else(|| duration(&features)));
        if let Some(scores) = external_scores {
            scores.check([features.id.as_str()])?;
        }
        let found = detector.detect(&features)?;
        let id = features.id;
        if detections.insert(id.clone(), found).is_some() {
            return Err(UsageError(format!(
                "two feature files belong to the recording {id:?}; the second is {}",
                file.display()
            ))
            .into());
        }
        bar.inc(1);
    }
    Ok(detections)
}

/// Seconds to the end of the last window: where the recording ends, as far as its features tell.
fn duration(features: &Features) -> f64 {
    let grid = &features.grid;
    let last = (features.array.len().max(1) - 1) as f32 * grid.feat_stride;
    f64::from((last + grid.num_frames.max(grid.feat_stride)) / grid.fps)
}

fn print(detections: &DetectionSet, classes: &ClassMap, console: &Console) -> Result<()> {
    for (id, found) in detections {
        console.print(id)?;
        console.print(&tables::detections(found, classes, PRINTED))?;
        if found.len() > PRINTED {
            console.print(&format!(
                "the best {PRINTED} of {}; --out FILE writes all",
                found.len()
            ))?;
        }
    }
    Ok(())
}
