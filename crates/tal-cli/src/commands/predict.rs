//! `tal predict`: actions in feature files.

use anyhow::Result;
use tal_core::{ClassMap, DetectionSet};
use tal_data::results;
use tal_engine::{Detector, DeviceChoice};

use super::{output, trained};
use crate::args::PredictArgs;
use crate::console::Console;
use crate::failure::UsageError;
use crate::tables;

/// Number of detections of a recording to print.
const PRINTED: usize = 20;

pub(crate) fn run(args: &PredictArgs, device: DeviceChoice, console: &Console) -> Result<()> {
    if let Some(out) = &args.out {
        output::check("--out", out, &output::DETECTIONS)?;
    }
    let (_, detector) = trained::open(&args.trained, device)?;
    let bar = console.bar(
        args.features.len() as u64,
        0,
        "predicting {bar:30} {pos}/{len} recordings, {eta} left",
    );
    let outcome = detect_all(args, &detector, &bar);
    bar.finish_and_clear();
    let mut detections = outcome?;
    let classes = detector.classes();
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
    bar: &indicatif::ProgressBar,
) -> Result<DetectionSet> {
    if args.duration.is_some() && args.features.len() > 1 {
        return Err(UsageError(format!(
            "--duration belongs to one recording, but there are {} feature files",
            args.features.len()
        ))
        .into());
    }
    let mut detections = DetectionSet::new();
    for file in &args.features {
        let features = detector.read_features(file, args.fps, args.duration)?;
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
