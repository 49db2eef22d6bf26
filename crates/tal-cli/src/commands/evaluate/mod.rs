//! `tal evaluate`: a file of detections, compared with annotations.

mod annotator;
mod input;
mod measure_tables;
mod measured;
mod measures;
mod show;

use anyhow::Result;
use tal_postprocess::{
    BootstrapConfig, CharacteristicBuckets, DiagnosisConfig, Matching, average_recall, bootstrap,
    compare, diagnose,
};
use tal_report::Figures;

use super::output;
use crate::args::{EvaluateArgs, RulesArgs};

pub(crate) use input::{Input, Request};

/// Number of draws of `--compare` without `--bootstrap`.
const NUM_REPLICATES: usize = 1000;
/// Largest average number of proposals of `--recall`.
const MAX_PROPOSALS: usize = 100;
/// The k of Recall@k×.
const RECALL_AT: [usize; 2] = [1, 5];

pub(crate) fn run(args: &EvaluateArgs) -> Result<()> {
    if let Some(file) = &args.json {
        output::check("--json", file, &[])?;
    }
    output::check_plots(args.plots.as_deref())?;
    let input = Input::read(&args.into())?;
    if !args.measures.measures.is_empty() {
        return measures::run(args, &input);
    }
    let (detections, config) = (&input.detections, &input.config);
    let classes = Some(&input.truth.classes);

    let matched = Matching::new(input.recordings(), detections, config, classes)?;
    let mut figures = Figures::new(matched.evaluation(), &input.truth.classes, &input.subsets);
    if args.recall {
        figures.recall = Some(matched.recall_at(&RECALL_AT));
        let recordings = input.recordings();
        figures.average_recall = Some(average_recall(
            recordings,
            detections,
            config,
            classes,
            MAX_PROPOSALS,
        )?);
    }
    if args.ties {
        figures.ties = Some(matched.ties());
    }
    if args.diagnose {
        let rules = DiagnosisConfig {
            buckets: buckets(&args.rules),
            counted_instances: args.count_instances.into(),
            ties: args.diagnosis_ties.into(),
            ..DiagnosisConfig::from(config)
        };
        let without = input.without_ambiguous();
        figures.diagnosis = Some(diagnose(&without, detections, &rules)?);
    }
    let replicates = BootstrapConfig {
        num_replicates: args.bootstrap.unwrap_or(NUM_REPLICATES),
        seed: args.seed,
        ..BootstrapConfig::default()
    };
    if args.bootstrap.is_some() {
        let recordings = input.recordings();
        figures.confidence = Some(bootstrap(
            recordings,
            detections,
            config,
            classes,
            &replicates,
        )?);
    }
    if let Some(other) = &input.other {
        let recordings = input.recordings();
        figures.comparison = Some(compare(
            recordings,
            detections,
            other,
            config,
            classes,
            &replicates,
        )?);
    }

    if let Some(file) = &args.json {
        output::write_json(file, &figures)?;
    }
    if let Some(folder) = &args.plots {
        output::create_folder(folder)?;
        figures.draw(folder, &input.truth.classes, &matched.precision_recall())?;
    }
    show::all(args, &figures, &input)
}

/// The buckets of DETAD for THUMOS14 if the data set is THUMOS14 or MultiTHUMOS, and those for ActivityNet otherwise.
pub(crate) fn buckets(rules: &RulesArgs) -> CharacteristicBuckets {
    match &rules.dataset {
        Some(dataset) if dataset.name.contains("thumos") => CharacteristicBuckets::thumos14(),
        _ => CharacteristicBuckets::activitynet(),
    }
}
