//! `tal demo --video`: from drawn films to features, a trained detector and its mAP.

use std::path::Path;

use anyhow::Result;
use tal_data::features::RowPrecision;
use tal_engine::DeviceChoice;
use tal_engine::extract::{
    ExtractOptions, Extractor, FfmpegFilms, NamedRecipe, OnFailure, find_films,
};
use tal_engine::run::RunOptions;
use tal_synth::FilmConfig;

use super::{extract, films, train, weight_file};
use crate::args::DemoArgs;
use crate::console::Console;

/// The configuration that `configs/demo_video.yaml` also gives to `tal train`.
const CONFIG: &str = include_str!("../../../../configs/demo_video.yaml");
const RECIPE: &str = "efficientnet_lite0_frames";

pub(crate) fn run(args: &DemoArgs, device: DeviceChoice, console: &Console) -> Result<()> {
    let out = args.folder();
    let data = std::path::absolute(out.join("films"))?;
    let (videos, features) = (
        data.join("videos"),
        std::path::absolute(out.join("features"))?,
    );
    let recipe = NamedRecipe::open(RECIPE)?;
    let weights = weight_file::find(args.weights.as_deref(), &recipe.recipe)?;
    let ffmpeg = extract::find_ffmpeg(None)?;
    let mut overrides = vec![
        format!(
            "dataset.annotations={}",
            data.join("annotations.json").display()
        ),
        format!("dataset.features.dir={}", features.display()),
    ];
    overrides.extend(args.overrides.iter().cloned());
    let mut config = tal_config::from_yaml(
        CONFIG,
        "the demo's configuration",
        Path::new(""),
        &overrides,
    )?;
    // The annotations are written last: without them the films are incomplete.
    if !(args.resume && data.join("annotations.json").exists()) {
        if args.resume {
            tal_core::atomic::remove_partial(&data);
        }
        films::write(&FilmConfig::default(), &ffmpeg, &data, console)?;
    }
    let device = device.resolve()?;
    let extractor = Extractor::open(recipe, &weights, device)?;
    let reader = FfmpegFilms {
        ffmpeg: Some(ffmpeg),
        stream: 0,
        image_rate: None,
    };
    let options = ExtractOptions {
        precision: Some(RowPrecision::Single),
        out: features.clone(),
        batch_size: 1,
        on_failure: OnFailure::Stop,
    };
    let summary = extract::extract(
        &extractor,
        &find_films(&[videos])?,
        &reader,
        &options,
        console,
    )?;
    if summary.interrupted {
        return console.print("Stopped; `tal demo --video --resume` goes on.");
    }
    console.print(&format!(
        "Features of {} films: {}",
        summary.made + summary.kept,
        features.display()
    ))?;
    config.dataset.extract = Some(tal_core::config::ExtractConfig {
        recipe: RECIPE.to_owned(),
        recipe_sha256: Some(extractor.recipe().sha256.clone()),
        weights: std::path::absolute(weights)?,
        weights_sha256: Some(extractor.weights().sha256.clone()),
    });
    let options = RunOptions {
        out: out.join("run"),
        resume: args.resume,
        device,
        profile: false,
        ranks: tal_engine::Ranks::alone(),
    };
    let summary = train::train(&config, &options, console)?;
    console.print(&format!(
        "\nNext, detect in a film:\n  {} predict {} {}/videos/film_test_0001.mp4",
        super::own_name::own_name(),
        summary.out.display(),
        data.display(),
    ))
}
