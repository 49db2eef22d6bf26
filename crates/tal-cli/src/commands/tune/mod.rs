//! `tal tune`: thresholds and other rules for a measure.

mod input;

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use tal_core::config::EvaluationConfig;
use tal_core::{ClassMap, Recording};
use tal_engine::DeviceChoice;
use tal_engine::tuning::{RulesFile, TuningRecord};
use tal_postprocess::measures::{EventConfig, FrameRate};
use tal_postprocess::{Objective, Tuned, TuningVariant, tune};

use super::output;
use crate::args::{TuneArgs, TuneMeasure};
use crate::console::Console;
use crate::failure::{UsageError, bail_usage};
use crate::tables::{percent, table};

/// Annotated recordings and their detections.
struct TuneInput {
    annotations: PathBuf,
    classes: ClassMap,
    recordings: Vec<Recording>,
    variants: Vec<TuningVariant>,
    evaluation: EvaluationConfig,
}

pub(crate) fn run(args: &TuneArgs, device: DeviceChoice, console: &Console) -> Result<()> {
    let out = match &args.out {
        Some(out) => out.clone(),
        None if args.source.is_dir() && !input::is_detections(&args.source) => {
            args.source.join("thresholds.yaml")
        }
        None => bail_usage!("--out FILE.yaml: name a file for the rules"),
    };
    output::check("--out", &out, &["yaml", "yml", "json"])?;
    let input = match input::is_detections(&args.source) {
        true => input::of_file(args)?,
        false => input::of_run(args, device, console)?,
    };
    let objective = objective(args, &input)?;
    let bar = console.bar(0, 0, "tuning: {pos} settings tried, {rate}");
    let mut progress = |count: usize| bar.set_position(count as u64);
    let (recordings, classes) = (&input.recordings, &input.classes);
    let tuned = tune(
        &objective,
        recordings,
        classes,
        &input.variants,
        &mut progress,
    );
    bar.finish_and_clear();
    let tuned = tuned?;
    file(args, &input, &tuned)?.write(&out)?;
    show(args, &input, &tuned, &out, console)
}

fn file(args: &TuneArgs, input: &TuneInput, tuned: &Tuned) -> Result<RulesFile> {
    let record = TuningRecord {
        measure: measure(args),
        value: tuned.value,
        untuned: tuned.untuned,
        annotations: input.annotations.clone(),
        sha256: tal_backbone::sha256(&input.annotations)?,
        subsets: args.subset.clone(),
        recordings: input.recordings.iter().map(|one| one.id.clone()).collect(),
    };
    Ok(RulesFile {
        tuned: Some(record),
        ..RulesFile::of_rules(&tuned.rules, tuned.sigma, &input.classes)
    })
}

fn objective(args: &TuneArgs, input: &TuneInput) -> Result<Objective> {
    let labelling = args.labelling.into();
    Ok(match args.measure {
        TuneMeasure::Frame => Objective::FrameF1 {
            rate: frame_rate(args, &input.recordings)?,
            labelling,
        },
        TuneMeasure::Segment => Objective::SegmentF1 {
            rate: frame_rate(args, &input.recordings)?,
            overlaps: args.overlap.iter().map(|percent| percent / 100.0).collect(),
        },
        TuneMeasure::Event => Objective::EventF1 {
            config: EventConfig {
                onset_collar: Some(args.collar),
                offset_collar: Some(args.collar),
                offset_share: args.percentage / 100.0,
                ..EventConfig::default()
            },
            labelling,
        },
        TuneMeasure::Map => Objective::Map(input.evaluation.clone()),
    })
}

/// The frame rate asked for, or that of all recordings.
fn frame_rate(args: &TuneArgs, recordings: &[Recording]) -> Result<FrameRate> {
    let mut rates: Vec<Option<f64>> = recordings.iter().map(|one| one.fps).collect();
    rates.dedup();
    let known = match rates.as_slice() {
        [rate] => *rate,
        _ => None,
    };
    match args.frame_rate.or(known) {
        Some(rate) => Ok(FrameRate::new(rate)?),
        None => Err(UsageError(
            "the annotations name no frame rate, or several: choose one with --frame-rate"
                .to_owned(),
        )
        .into()),
    }
}

/// The measure in words.
fn measure(args: &TuneArgs) -> String {
    match args.measure {
        TuneMeasure::Frame => "mean F1 of frames".to_owned(),
        TuneMeasure::Segment => {
            let overlaps: Vec<String> = args.overlap.iter().map(f64::to_string).collect();
            format!("F1@{} of segments", overlaps.join(","))
        }
        TuneMeasure::Event => format!("mean F1 of events, collar {} s", args.collar),
        TuneMeasure::Map => "mAP".to_owned(),
    }
}

fn show(
    args: &TuneArgs,
    input: &TuneInput,
    tuned: &Tuned,
    out: &Path,
    console: &Console,
) -> Result<()> {
    let mut rows = table(["rule", "value"]);
    let least = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.4}"));
    rows.add_row(["lowest score".to_owned(), least(tuned.rules.min_score)]);
    for (label, value) in &tuned.rules.class_min_scores {
        let name = format!("lowest score of {}", input.classes.display_name(*label));
        rows.add_row([name, least(Some(*value))]);
    }
    rows.add_row([
        "smallest gap [s]".to_owned(),
        tuned.rules.min_gap.to_string(),
    ]);
    let length = tuned.rules.min_duration.to_string();
    rows.add_row(["shortest length [s]".to_owned(), length]);
    if let Some(sigma) = tuned.sigma {
        rows.add_row(["sigma of Soft-NMS".to_owned(), sigma.to_string()]);
    }
    console.print(&rows.to_string())?;
    console.print(&format!(
        "{}: {} % before, {} % with these rules, on {} recordings of {}. Figures that you report need other recordings.",
        measure(args),
        percent(tuned.untuned),
        percent(tuned.value),
        input.recordings.len(),
        args.subset.join(", ")
    ))?;
    console.print(&format!("Rules: {}", out.display()))
}

/// A subset that is not in the annotations.
fn no_recordings(args: &TuneArgs, path: &Path, known: &[&str]) -> anyhow::Error {
    anyhow!(UsageError(format!(
        "--subset {}: {} has the subsets {}",
        args.subset.join(", "),
        path.display(),
        known.join(", ")
    )))
}
