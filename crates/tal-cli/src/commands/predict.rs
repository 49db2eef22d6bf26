//! `tal predict`: actions in videos and feature files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use tal_core::{ClassMap, DetectionSet, quoted_list};
use tal_data::{Features, FoundRecording, results};
use tal_engine::extract::described_timing;
use tal_engine::{Detector, DeviceChoice};

use super::{output, predict_films, trained};
use crate::args::PredictArgs;
use crate::console::Console;
use crate::failure::{UsageError, bail_usage};
use crate::tables;

/// Number of detections of a recording to print.
const PRINTED: usize = 20;

pub(crate) fn run(args: &PredictArgs, device: DeviceChoice, console: &Console) -> Result<()> {
    if let Some(out) = &args.out {
        output::check("--out", out, &output::DETECTIONS)?;
    }
    let (_, detector) = trained::open(&args.trained, device)?;
    let is_video = |input: &PathBuf| predict_films::is_video(input);
    let (videos, files): (Vec<_>, Vec<_>) = args.features.iter().cloned().partition(is_video);
    let recordings = recordings(args, &files, &detector)?;
    let films = predict_films::features(args, &videos, &detector, device, console)?;
    if !recordings.is_empty() {
        tell_of_traits(args, &detector, console)?;
    }
    let bar = console.bar(
        (recordings.len() + films.len()) as u64,
        0,
        "predicting {bar:30} {pos}/{len} recordings, {eta} left",
    );
    let outcome = detect_all(args, &recordings, films, &detector, &bar);
    bar.finish_and_clear();
    let mut detections = outcome?;
    let classes = detector.classes();
    let scores = detections.values().flatten().map(|found| found.score);
    let best = scores.max_by(f64::total_cmp);
    for found in detections.values_mut() {
        found.retain(|detection| detection.score >= args.min_score);
    }
    if let Some(best) = best
        && detections.values().all(Vec::is_empty)
    {
        return Err(UsageError(format!(
            "--min-score {}: no detection is left, the best has the score {best:.4}",
            args.min_score
        ))
        .into());
    }
    match &args.out {
        Some(out) => {
            results::write(out, &detections, classes)?;
            let num: usize = detections.values().map(Vec::len).sum();
            if num == 0 {
                tracing::warn!("the detector found nothing");
            }
            console.print(&format!(
                "{num} detections in {} recording(s): {}",
                detections.len(),
                out.display()
            ))
        }
        None => print(&detections, classes, console),
    }
}

/// A recording and the file that it lies in.
type InFile<'a> = (&'a Path, FoundRecording);

/// The recordings in the given files, each once, or those that are named.
fn recordings<'a>(
    args: &PredictArgs,
    files: &'a [PathBuf],
    detector: &Detector,
) -> Result<Vec<InFile<'a>>> {
    let mut all: Vec<InFile<'a>> = Vec::new();
    let mut file_of: BTreeMap<String, &Path> = BTreeMap::new();
    for file in files {
        for found in detector.find_recordings(file, args.below.as_deref())? {
            if let Some(first) = file_of.insert(found.id().to_owned(), file) {
                return Err(UsageError(format!(
                    "{} and {} both belong to the recording {:?}; if folders tell them apart, name the folder that ids begin \
                     in with --below",
                    first.display(),
                    file.display(),
                    found.id()
                ))
                .into());
            }
            all.push((file, found));
        }
    }
    if let Some(absent) = args.recording.iter().find(|id| !file_of.contains_key(*id)) {
        return Err(UsageError(format!(
            "--recording {absent}: the files hold {}",
            quoted_list(file_of.keys())
        ))
        .into());
    }
    if !args.recording.is_empty() {
        all.retain(|(_, found)| args.recording.iter().any(|id| id == found.id()));
    }
    if args.duration.is_some() && all.len() > 1 {
        return Err(UsageError(format!(
            "--duration belongs to one recording, but there are {}",
            all.len()
        ))
        .into());
    }
    Ok(all)
}

/// Says which trait of the training recordings is taken for new ones.
fn tell_of_traits(args: &PredictArgs, detector: &Detector, console: &Console) -> Result<()> {
    let config = detector.config();
    let is_open = config.needs_fps() && config.dataset.fps.is_none();
    match (args.fps, detector.trained_on().common_fps()) {
        (None, Some(fps)) if is_open => console.print(&format!(
            "{fps} frames per second, as all training recordings had; --fps sets another rate."
        )),
        _ => Ok(()),
    }
}

fn detect_all(
    args: &PredictArgs,
    recordings: &[InFile<'_>],
    films: Vec<Features>,
    detector: &Detector,
    bar: &indicatif::ProgressBar,
) -> Result<DetectionSet> {
    let mut detections = DetectionSet::new();
    for (file, recording) in recordings {
        // Extracted features are described beside them.
        let (fps, duration) = described_timing(file).unzip();
        let (fps, duration) = (args.fps.or(fps), args.duration.or(duration));
        let features = detector.read_recording(file, recording, fps, duration)?;
        detections.insert(features.id.clone(), detector.detect(&features)?);
        bar.inc(1);
    }
    for features in films {
        let found = detector.detect(&features)?;
        if detections.insert(features.id.clone(), found).is_some() {
            bail_usage!(
                "a video and a feature file both belong to the recording {:?}",
                features.id
            );
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
