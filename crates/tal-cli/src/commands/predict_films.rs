//! `tal predict RUN VIDEO`: features of videos, made on the way to their detections.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use tal_data::Features;
use tal_engine::extract::{ExtractOptions, Extractor, Film, OnFailure, find_films, read_extracted};
use tal_engine::{Detector, DeviceChoice};

use super::extract::{decoder, extract};
use super::output;
use crate::args::PredictArgs;
use crate::console::Console;
use crate::failure::bail_usage;

/// Whether an input is a video, or a folder of videos.
pub(super) fn is_video(input: &Path) -> bool {
    Film::is_likely(input) || input.is_dir() && find_films(&[input.to_owned()]).is_ok()
}

/// The features of all videos that `inputs` name, in the order of their ids.
pub(super) fn features(
    args: &PredictArgs,
    inputs: &[PathBuf],
    detector: &Detector,
    device: DeviceChoice,
    console: &Console,
) -> Result<Vec<Features>> {
    if inputs.is_empty() {
        return Ok(Vec::new());
    }
    let dataset = &detector.config().dataset;
    let Some(config) = &dataset.extract else {
        bail_usage!(
            "{} is a video, but the configuration of this detector does not say how its features were made: write the section \
             dataset.extract (recipe, weights) and train, or extract features of the same kind with `tal features extract`, or \
             add --set 'dataset.extract={{recipe: NAME, weights: FILE}}'",
            inputs[0].display()
        );
    };
    let films = find_films(inputs)?;
    let reader = decoder(&args.decoder, true)?;
    let extractor = Extractor::of_dataset(config, args.backbone.as_deref(), device.resolve()?)?;
    // Without a folder for them, the features go with this value.
    let scratch = tempfile::tempdir()?;
    let out = match &args.features_out {
        Some(folder) => {
            output::create_folder(folder)?;
            folder.clone()
        }
        None => scratch.path().to_owned(),
    };
    let options = ExtractOptions {
        out: out.clone(),
        batch_size: 1,
        on_failure: OnFailure::Stop,
    };
    let summary = extract(&extractor, &films, &reader, &options, console)?;
    if summary.interrupted {
        return Err(anyhow!(
            "stopped before the features of all videos were there"
        ));
    }
    films
        .iter()
        .map(|film| Ok(read_extracted(dataset, &out, &film.id)?))
        .collect()
}
