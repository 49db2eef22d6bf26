//! `tal features extract`: videos to features.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use indicatif::ProgressBar;
use tal_data::features::RowPrecision;
use tal_engine::DeviceChoice;
use tal_engine::extract::{
    ExtractError, ExtractEvent, ExtractOptions, ExtractSummary, Extractor, FfmpegFilms, Film,
    NamedRecipe, find_films,
};
use tal_video::Ffmpeg;

use super::{output, weight_file};
use crate::args::{DecoderArgs, ExtractArgs};
use crate::console::Console;
use crate::failure::UsageError;

/// Failed videos that are listed on the console.
const LISTED: usize = 20;

pub(crate) fn run(args: &ExtractArgs, device: DeviceChoice, console: &Console) -> Result<()> {
    let films = films(args)?;
    let reader = FfmpegFilms {
        image_rate: args.images,
        ..decoder(&args.decoder, args.images.is_none())?
    };
    output::create_folder(&args.out)?;
    console.log_to(&args.out.join("extract.log"))?;
    let recipe = NamedRecipe::open(&args.recipe)?;
    let weights = weight_file::find(args.weights.as_deref(), &recipe.recipe)?;
    let extractor = Extractor::open(recipe, &weights, device.resolve()?)?;
    let options = ExtractOptions {
        out: args.out.clone(),
        batch_size: args.batch_size,
        on_failure: args.on_error.into(),
        precision: Some(match args.half {
            true => RowPrecision::Half,
            false => RowPrecision::Single,
        }),
    };
    let summary = extract(&extractor, &films, &reader, &options, console)?;
    console.print(&told(&summary, &args.out))?;
    let failed = summary.failed.len();
    match failed {
        0 => Ok(()),
        _ => Err(anyhow!(
            "{failed} of {} videos failed{}",
            films.len(),
            list(&summary)
        )),
    }
}

/// The ffmpeg program.
pub(super) fn find_ffmpeg(setting: Option<&Path>) -> Result<Ffmpeg, ExtractError> {
    Ok(Ffmpeg::find(setting)?)
}

/// The reader of videos; without `needed`, the absence of ffmpeg is no error.
pub(super) fn decoder(args: &DecoderArgs, needed: bool) -> Result<FfmpegFilms> {
    let ffmpeg = match find_ffmpeg(args.ffmpeg.as_deref()) {
        Ok(found) => Some(found),
        Err(_) if !needed => None,
        Err(error) => return Err(error.into()),
    };
    Ok(FfmpegFilms {
        ffmpeg,
        stream: args.stream,
        image_rate: None,
    })
}

/// Extracts with a bar over all videos, measured in bytes, and a clean stop.
pub(super) fn extract(
    extractor: &Extractor,
    films: &[Film],
    reader: &FfmpegFilms,
    options: &ExtractOptions,
    console: &Console,
) -> Result<ExtractSummary> {
    let stop = console.catch_interrupts_saying(
        "stopping; finished videos stay, and the same command goes on with the others; again to stop at once",
    );
    let progress = Progress::new(films, console);
    let mut open = BTreeMap::new();
    let mut observer = |event: ExtractEvent<'_>| {
        progress.advance(&event, &mut open);
        log(&event);
    };
    let outcome = extractor.run(films, reader, options, &stop, &mut observer);
    progress.bar.finish_and_clear();
    Ok(outcome?)
}

/// The videos of the command line and the list, or their share.
fn films(args: &ExtractArgs) -> Result<Vec<Film>> {
    let mut inputs = args.videos.clone();
    if let Some(list) = &args.list {
        let text = std::fs::read_to_string(list)
            .map_err(|error| UsageError(format!("--list {}: {error}", list.display())))?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        inputs.extend(lines.map(PathBuf::from));
    }
    let mut films = match args.images {
        None => find_films(&inputs)?,
        Some(_) => inputs
            .iter()
            .map(|folder| Film::of_folder(folder))
            .collect(),
    };
    if let Some((index, count)) = args.shard {
        let mut number = 0..;
        films.retain(|_| {
            number
                .next()
                .is_some_and(|number: usize| number % count == index)
        });
    }
    Ok(films)
}

/// The bar, and the sizes of all videos.
struct Progress {
    bar: ProgressBar,
    sizes: BTreeMap<String, u64>,
}

impl Progress {
    fn new(films: &[Film], console: &Console) -> Self {
        let size =
            |film: &Film| std::fs::metadata(&film.path).map_or(1, |found| found.len().max(1));
        let sizes: BTreeMap<_, _> = films
            .iter()
            .map(|film| (film.id.clone(), size(film)))
            .collect();
        let total = sizes.values().sum();
        let template = "{msg} {bar:30} {bytes}/{total_bytes}, {eta} left";
        Self {
            bar: console.bar(total, 0, template),
            sizes,
        }
    }

    /// Moves the bar. Of videos under way, `open` holds the length and the bytes that were counted.
    fn advance(&self, event: &ExtractEvent<'_>, open: &mut BTreeMap<String, (f64, u64)>) {
        let size = |film: &Film| self.sizes.get(&film.id).copied().unwrap_or(0);
        match event {
            ExtractEvent::Started { film, seconds, .. } => {
                self.bar.set_message(film.id.clone());
                open.insert(film.id.clone(), (seconds.unwrap_or(0.0), 0));
            }
            ExtractEvent::Advanced { film, seconds, .. } => {
                if let Some((length, counted)) = open.get_mut(&film.id)
                    && *length > 0.0
                {
                    let now = (size(film) as f64 * (seconds / *length).min(1.0)) as u64;
                    self.bar.inc(now.saturating_sub(*counted));
                    *counted = now.max(*counted);
                }
            }
            ExtractEvent::Kept { film }
            | ExtractEvent::Finished { film, .. }
            | ExtractEvent::Failed { film, .. } => {
                let (_, counted) = open.remove(&film.id).unwrap_or_default();
                self.bar.inc(size(film).saturating_sub(counted));
            }
        }
    }
}

/// Writes what happened into the log.
fn log(event: &ExtractEvent<'_>) {
    match event {
        ExtractEvent::Kept { film } => tracing::debug!("{}: features are there", film.id),
        ExtractEvent::Started {
            film,
            again: Some(reason),
            ..
        } => {
            tracing::warn!("{}: the features are made again: {reason}", film.id);
        }
        ExtractEvent::Finished {
            film,
            windows,
            complaints,
        } => {
            tracing::info!("{}: {windows} features", film.id);
            if *complaints > 0 {
                tracing::warn!(
                    "{}: the video is damaged ({complaints} complaints of the decoder); the features hold what could be decoded",
                    film.path.display()
                );
            }
        }
        ExtractEvent::Failed { film, error } => tracing::warn!("{}: failed: {error}", film.id),
        _ => {}
    }
}

fn told(summary: &ExtractSummary, out: &Path) -> String {
    let mut text = format!("{} videos: features in {}", summary.made, out.display());
    if summary.kept > 0 {
        text += &format!("; {} had them already", summary.kept);
    }
    if summary.interrupted {
        text += "; stopped before the end: the same command goes on";
    }
    text
}

fn list(summary: &ExtractSummary) -> String {
    let mut text = String::new();
    for failed in summary.failed.iter().take(LISTED) {
        text += &format!("\n  {}: {}", failed.film.id, failed.error);
    }
    if let Some(more @ 1..) = summary.failed.len().checked_sub(LISTED) {
        text += &format!("\n  and {more} more; each has an ID.failed.json");
    }
    text
}
