//! `tal predict RUN VIDEO`: features of videos, made on the way to their detections.

use std::path::Path;

use anyhow::{Result, anyhow};
use tal_data::Features;
use tal_engine::extract::{
    ExtractOptions, Extractor, FfmpegFilms, Film, OnFailure, read_extracted,
};
use tal_engine::{Detector, DeviceChoice};

use crate::args::PredictArgs;
use crate::commands::extract::{decoder, extract};
use crate::commands::output;
use crate::console::Console;
use crate::failure::bail_usage;

/// Computes features of videos, one video at a time.
pub(super) struct Films<'a> {
    args: &'a PredictArgs,
    detector: &'a Detector,
    device: DeviceChoice,
    console: &'a Console,
    /// Opened for the first video.
    tools: Option<(Extractor, FfmpegFilms)>,
}

impl<'a> Films<'a> {
    pub(super) fn new(
        args: &'a PredictArgs,
        detector: &'a Detector,
        device: DeviceChoice,
        console: &'a Console,
    ) -> Self {
        Self {
            args,
            detector,
            device,
            console,
            tools: None,
        }
    }

    /// The features of a video.
    pub(super) fn features(&mut self, film: &Film) -> Result<Features> {
        let (args, dataset) = (self.args, &self.detector.config().dataset);
        let (extractor, reader) = match &mut self.tools {
            Some(tools) => &*tools,
            none => none.insert(tools(args, self.detector, self.device, &film.path)?),
        };
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
            // Features that are there are taken, in whatever precision.
            precision: None,
            out: out.clone(),
            batch_size: 1,
            on_failure: OnFailure::Stop,
        };
        let films = std::slice::from_ref(film);
        let summary = extract(extractor, films, reader, &options, self.console)?;
        if summary.interrupted {
            return Err(anyhow!(
                "stopped before the features of all videos were there"
            ));
        }
        Ok(read_extracted(dataset, &out, &film.id)?)
    }
}

fn tools(
    args: &PredictArgs,
    detector: &Detector,
    device: DeviceChoice,
    first: &Path,
) -> Result<(Extractor, FfmpegFilms)> {
    let Some(config) = &detector.config().dataset.extract else {
        bail_usage!(
            "{} is a video, but the configuration of this detector does not say how its features were made: write the section \
             dataset.extract (recipe, weights) and train, or extract features of the same kind with `tal features extract`, or \
             add --set 'dataset.extract={{recipe: NAME, weights: FILE}}'",
            first.display()
        );
    };
    let reader = decoder(&args.decoder, true)?;
    let extractor = Extractor::of_dataset(config, args.backbone.as_deref(), device.resolve()?)?;
    Ok((extractor, reader))
}
