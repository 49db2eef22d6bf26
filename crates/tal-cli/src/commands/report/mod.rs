//! `tal report`: runs and detections in one HTML file.

mod films;
mod signals;
mod sources;
mod training;

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use tal_core::Recording;
use tal_core::config::EvaluationConfig;
use tal_postprocess::{BootstrapConfig, DiagnosisConfig};
use tal_report::page::{Detector, MeasureOptions, Parts, Report, fragment, html};

use super::evaluate::{Input, buckets};
use super::output;
use crate::args::ReportArgs;
use crate::console::Console;
use sources::Sources;

pub(crate) fn run(args: &ReportArgs, console: &Console) -> Result<()> {
    output::check("--out", &args.out, &["html", "htm"])?;
    let sources = Sources::read(args)?;
    let inputs = sources.inputs(args)?;
    let report = report(args, &sources, &inputs)?;
    let (num_recordings, num_films) = (report.recordings.len(), report.films.len());
    let page = match args.fragment {
        Some(_) => fragment(&report),
        None => html(&report),
    };
    let page = page.context("cannot make the report")?;
    output::write_text(&args.out, &page)?;
    let films = match args.media {
        Some(_) => format!(", {num_films} films beside it"),
        None => String::new(),
    };
    console.print(&format!(
        "{num_recordings} recordings, {} detector(s){films}: {}",
        inputs.len(),
        args.out.display()
    ))
}

fn report<'a>(args: &ReportArgs, sources: &Sources, inputs: &'a [Input]) -> Result<Report<'a>> {
    let Some(first) = inputs.first() else {
        bail!("there is no input");
    };
    let recordings: Vec<&Recording> = first.recordings().collect();
    let config = &first.config;
    let draws = BootstrapConfig {
        num_replicates: args.bootstrap,
        seed: args.seed,
        ..BootstrapConfig::default()
    };
    let mut options = MeasureOptions {
        config,
        classes: &first.truth.classes,
        subsets: &first.subsets,
        diagnosis: Some(DiagnosisConfig {
            buckets: buckets(&args.rules),
            ..DiagnosisConfig::from(config)
        }),
        bootstrap: (args.bootstrap > 0).then_some(draws),
        other: None,
    };
    let mut detectors = Vec::new();
    for (input, source) in inputs.iter().zip(&args.inputs) {
        let name = source.name.clone();
        let measured = Detector::measured(name, &recordings, &input.detections, &options);
        detectors.push(measured.with_context(|| source.path.display().to_string())?);
        options.other = Some(&first.detections);
    }
    let names: Vec<&str> = args
        .inputs
        .iter()
        .map(|input| input.name.as_str())
        .collect();
    let ambiguous = config.ambiguous_class.as_deref();
    Ok(Report {
        title: args.title.clone().unwrap_or_else(|| names.join(", ")),
        facts: facts(sources, first, config, &recordings),
        classes: &first.truth.classes,
        ambiguous: ambiguous.and_then(|name| first.truth.classes.id(name)),
        films: match &args.media {
            Some(folder) => films::find(folder, &args.out, &recordings)?,
            None => BTreeMap::new(),
        },
        signals: signals::read(args.signal, sources.first_run(), &recordings)?,
        runs: sources
            .runs
            .iter()
            .map(training::run)
            .collect::<Result<_>>()?,
        recordings,
        detectors,
        parts: match args.fragment {
            Some(_) => Parts::Timeline,
            None => Parts::All,
        },
    })
}

/// The data and the rules in words.
fn facts(
    sources: &Sources,
    input: &Input,
    config: &EvaluationConfig,
    recordings: &[&Recording],
) -> Vec<(String, String)> {
    let num_annotations: usize = recordings.iter().map(|r| r.instances.len()).sum();
    let seconds: Option<f64> = recordings.iter().map(|r| r.duration).sum();
    let mut facts = vec![
        ("annotations of", sources.ground_truth.display().to_string()),
        ("subsets", input.subsets.join(", ")),
        ("recordings", recordings.len().to_string()),
        ("annotations", num_annotations.to_string()),
        ("classes", input.truth.classes.len().to_string()),
    ];
    if let Some(seconds) = seconds {
        facts.push(("duration", format!("{:.1} min", seconds / 60.0)));
    }
    facts.push(("rules", config.dialect.to_string()));
    if let Some(ambiguous) = &config.ambiguous_class {
        facts.push(("ambiguous class", ambiguous.clone()));
    }
    if !config.blocked.is_empty() {
        facts.push(("left out", format!("{} recordings", config.blocked.len())));
    }
    let named = facts.into_iter();
    named
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
