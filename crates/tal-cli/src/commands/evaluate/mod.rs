//! `tal evaluate`: a file of detections against annotations, without a network.

mod draw;
mod input;
mod report;
mod show;

use anyhow::{Result, anyhow};
use tal_core::config::EvaluationDialect;
use tal_postprocess::{
    BootstrapConfig, CharacteristicBuckets, DiagnosisConfig, Matching, average_recall, bootstrap,
    compare, diagnose,
};

use super::output;
use crate::args::EvaluateArgs;
use crate::failure::UsageError;
use input::Input;
use report::Report;

/// Draws of `--compare` without `--bootstrap`.
const NUM_REPLICATES: usize = 1000;
/// Largest average number of proposals of `--recall`.
const MAX_PROPOSALS: usize = 100;
/// The k of Recall@k×.
const RECALL_AT: [usize; 2] = [1, 5];

pub(crate) fn run(args: &EvaluateArgs) -> Result<()> {
    if let Some(file) = &args.json {
        output::check("--json", file, &[])?;
    }
    if let Some(folder) = args.plots.as_deref().filter(|f| f.exists() && !f.is_dir()) {
        let folder = folder.display();
        return Err(UsageError(format!("--plots {folder}: is a file; give a folder")).into());
    }
    let input = Input::read(args)?;
    let (detections, config) = (&input.detections, &input.config);
    let classes = Some(&input.truth.classes);

    let matched = Matching::new(input.recordings(), detections, config, classes)?;
    let mut report = Report::new(matched.evaluation(), &input.truth.classes, &input.subsets);
    if args.recall {
        report.recall = Some(matched.recall_at(&RECALL_AT));
        let recordings = input.recordings();
        report.average_recall = Some(average_recall(
            recordings,
            detections,
            config,
            classes,
            MAX_PROPOSALS,
        )?);
    }
    if args.diagnose {
        let rules = DiagnosisConfig {
            tiou_thresholds: config.tiou_thresholds.clone(),
            buckets: buckets(args),
            drop_duplicates: config.dialect != EvaluationDialect::ActivityNet,
            blocked: config.blocked.clone(),
            ..DiagnosisConfig::default()
        };
        let without = input.without_ambiguous();
        report.diagnosis = Some(diagnose(&without, detections, &rules)?);
    }
    let replicates = BootstrapConfig {
        num_replicates: args.bootstrap.unwrap_or(NUM_REPLICATES),
        seed: args.seed,
        ..BootstrapConfig::default()
    };
    if args.bootstrap.is_some() {
        let recordings = input.recordings();
        report.confidence = Some(bootstrap(
            recordings,
            detections,
            config,
            classes,
            &replicates,
        )?);
    }
    if let Some(other) = &input.other {
        let recordings = input.recordings();
        report.comparison = Some(compare(
            recordings,
            detections,
            other,
            config,
            classes,
            &replicates,
        )?);
    }

    if let Some(file) = &args.json {
        output::write_json(file, &report)?;
    }
    if let Some(folder) = &args.plots {
        std::fs::create_dir_all(folder)
            .map_err(|error| anyhow!("cannot make the folder {}: {error}", folder.display()))?;
        draw::all(folder, &report, &matched, &input)?;
    }
    show::all(args, &report, &input)
}

/// The buckets of DETAD for THUMOS14 where its thresholds were asked for, and those for ActivityNet otherwise.
fn buckets(args: &EvaluateArgs) -> CharacteristicBuckets {
    match &args.rules.dataset {
        Some(dataset) if dataset.name.contains("thumos") => CharacteristicBuckets::thumos14(),
        _ => CharacteristicBuckets::activitynet(),
    }
}
