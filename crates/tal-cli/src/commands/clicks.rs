//! `tal data clicks`: background clicks, simulated from full annotations.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Result, bail};
use tal_core::{GroundTruth, Recording};
use tal_corpus::simulation::{self, Simulation, SimulationConfig};
use tal_data::annotations::{self, extra};

use super::output;
use crate::args::ClicksArgs;
use crate::console::print;
use crate::failure::bail_usage;

/// Number of marks of an annotator per action: start, end and class.
const MARKS_PER_ACTION: usize = 3;

pub(crate) fn run(args: &ClicksArgs) -> Result<()> {
    output::check("--out", &args.out, &["json"])?;
    output::check_new("--out", &args.out, args.force)?;
    let (path, subsets) = input(args)?;
    let truth = annotations::read(&path, None)?;
    let extra = extra::read(&path)?;
    output::check_subsets(&truth, &args.subset)?;
    let is_chosen = |recording: &Recording| {
        let subset = recording.subset.to_lowercase();
        subsets.is_empty() || subsets.iter().any(|name| name.to_lowercase() == subset)
    };
    let all = truth.recordings.iter().enumerate();
    let chosen: Vec<(usize, &Recording)> = all.filter(|(_, one)| is_chosen(one)).collect();
    let config = SimulationConfig {
        per_stretch: args.per_stretch,
        min_length: args.min_length,
        jitter: args.jitter,
        seed: args.seed,
    };
    let found = simulation::simulate(chosen.iter().copied(), &extra, &config)?;
    if found.num_without_segments == chosen.len() {
        let subsets = match subsets.is_empty() {
            true => "any subset".to_owned(),
            false => subsets.join(", "),
        };
        bail_usage!(
            "{}: no recording in {subsets} has segments; clicks need full annotations",
            path.display()
        );
    }
    if found.num_without_segments > 0 {
        tracing::warn!(
            "{} recordings left out: they have labels but no segments",
            found.num_without_segments
        );
    }
    if found.clicks.is_empty() {
        bail!(
            "{}: no click: no stretch of background{} in {} recordings",
            path.display(),
            match args.min_length > 0.0 {
                true => format!(" of {} s or more (--min-length)", args.min_length),
                false => String::new(),
            },
            chosen.len()
        );
    }
    found.clicks.write(&args.out)?;
    report(args, &truth, &found)
}

/// The annotation file and the wanted subsets; an empty list stands for all.
fn input(args: &ClicksArgs) -> Result<(PathBuf, Vec<String>)> {
    let extension = args.input.extension().unwrap_or_default();
    if !extension.eq_ignore_ascii_case("json") {
        let dataset = args.layers.load(&args.input)?.dataset;
        let subsets = match args.subset.is_empty() {
            true => dataset.train_subsets,
            false => args.subset.clone(),
        };
        return Ok((dataset.annotations, subsets));
    }
    if !args.layers.is_empty() {
        bail_usage!(
            "--set and --overlay change a configuration, but the input is an annotation file"
        );
    }
    Ok((args.input.clone(), args.subset.clone()))
}

fn report(args: &ClicksArgs, truth: &GroundTruth, found: &Simulation) -> Result<()> {
    let ids: BTreeSet<&str> = found.clicks.iter().map(|(id, _)| id).collect();
    let all = &truth.recordings;
    let recordings = || all.iter().filter(|one| ids.contains(one.id.as_str()));
    let num_clicks = found.clicks.len();
    let num_actions: usize = recordings().map(|one| one.instances.len()).sum();
    let labels = recordings().flat_map(|one| one.instances.iter().map(move |i| (&one.id, i.label)));
    let num_labels = labels.collect::<BTreeSet<_>>().len();
    let is_clicked = |one: &&Recording| !found.clicks.of(&one.id).is_empty();
    let num_clicked = recordings().filter(is_clicked).count();
    let mut text = format!(
        "{}: {num_clicks} clicks in {} stretches of background",
        args.out.display(),
        found.num_stretches
    );
    if found.num_short_stretches > 0 {
        text += &format!(
            " ({} shorter than {} s left out)",
            found.num_short_stretches, args.min_length
        );
    }
    text += &format!(
        "\n{} recordings, {num_clicked} with clicks; {:.1} min, {:.1} % of it background; {} classes",
        ids.len(),
        found.seconds / 60.0,
        100.0 * found.background_seconds / found.seconds,
        truth.classes.len()
    );
    if args.jitter > 0.0 {
        let in_actions = found.clicks.in_actions(recordings()).len();
        text += &format!("\n{in_actions} clicks lie in actions because of the annotator's error");
    }
    let full = MARKS_PER_ACTION * num_actions;
    let weak = num_labels + num_clicks;
    text += &format!(
        "\nmarks to set: {weak} ({num_labels} labels of recordings, {num_clicks} clicks); \
         full annotation: {full} ({num_actions} actions with start, end and class)"
    );
    if full > 0 {
        text += &format!(", {:.1} times as many", full as f64 / weak.max(1) as f64);
    }
    print(&text)
}
