//! `tal data synth --video`: films of a drawn figure.

use std::path::Path;
use std::sync::atomic::Ordering;

use anyhow::Result;
use tal_core::GroundTruth;
use tal_synth::FilmConfig;
use tal_video::Ffmpeg;

use super::extract::find_ffmpeg;
use crate::args::SynthArgs;
use crate::console::Console;

pub(crate) fn run(args: &SynthArgs, console: &Console) -> Result<()> {
    let default = FilmConfig::default();
    let config = FilmConfig {
        num_train: args.corpus.num_train.unwrap_or(default.num_train),
        num_test: args.corpus.num_test.unwrap_or(default.num_test),
        seconds: args.seconds.unwrap_or(default.seconds),
        seed: args.corpus.corpus_seed,
    };
    let ffmpeg = find_ffmpeg(None)?;
    let truth = write(&config, &ffmpeg, &args.out, console)?;
    console.print(&format!(
        "{}: annotations.json, videos/ ({} training and {} test films, {} actions of {} classes)",
        args.out.display(),
        config.num_train,
        config.num_test,
        truth
            .recordings
            .iter()
            .map(|recording| recording.instances.len())
            .sum::<usize>(),
        truth.classes.len(),
    ))
}

/// Draws the films with a bar.
pub(super) fn write(
    config: &FilmConfig,
    ffmpeg: &Ffmpeg,
    out: &Path,
    console: &Console,
) -> Result<GroundTruth> {
    let stop = console.catch_interrupts_saying(
        "stopping; films that are not complete are not kept, and the same command begins again; again to stop at once",
    );
    let total = config.num_train + config.num_test;
    let bar = console.bar(
        total as u64,
        0,
        "drawing {bar:30} {pos}/{len} films, {eta} left",
    );
    let written = tal_synth::write_films(config, ffmpeg, out, &mut |done| {
        bar.set_position(done as u64);
        !stop.load(Ordering::Relaxed)
    });
    bar.finish_and_clear();
    Ok(written?)
}
