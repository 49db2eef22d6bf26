//! `tal evaluate`: a file of detections against annotations, without a network.

use anyhow::Result;
use tal_core::config::EvaluationConfig;
use tal_data::{annotations, results};
use tal_postprocess::evaluate;

use super::output;
use crate::args::EvaluateArgs;
use crate::console::print;
use crate::failure::UsageError;
use crate::tables;

pub(crate) fn run(args: &EvaluateArgs) -> Result<()> {
    if let Some(file) = &args.json {
        output::check("--json", file, &[])?;
    }
    let truth = annotations::read(&args.ground_truth, None)?;
    let detections = results::read(&args.detections, &truth.classes)?;
    let subsets: Vec<String> = if args.subset.is_empty() {
        truth
            .subset_names()
            .into_iter()
            .map(str::to_owned)
            .collect()
    } else {
        args.subset.clone()
    };
    let known = truth.subset_names();
    for wanted in &subsets {
        if !known.iter().any(|name| name.eq_ignore_ascii_case(wanted)) {
            return Err(UsageError(format!(
                "--subset {wanted}: {} has the subsets {}",
                args.ground_truth.display(),
                known.join(", ")
            ))
            .into());
        }
    }
    let config = EvaluationConfig {
        tiou_thresholds: args.tiou.0.clone(),
        dialect: args.dialect.into(),
        ambiguous_class: None,
        blocked: Vec::new(),
    };
    let evaluation = evaluate(truth.subset(&subsets), &detections, &config)?;
    if let Some(file) = &args.json {
        output::write_json(file, &evaluation)?;
    }
    print(&tables::evaluation(&evaluation, Some(&truth.classes)))?;
    let counts = &evaluation.counts;
    print(&format!(
        "{} detections, {} annotations, {} recordings of {}; rules of {}.",
        counts.num_detections,
        counts.num_ground_truth,
        counts.num_recordings,
        subsets.join(", "),
        format!("{:?}", config.dialect).to_lowercase(),
    ))?;
    let without = truth
        .subset(&subsets)
        .filter(|recording| !detections.contains_key(&recording.id))
        .count();
    if without > 0 {
        print(&format!(
            "{without} of these recordings have no detection, and all their annotations count as missed; --subset leaves out \
             those that were not searched."
        ))?;
    }
    if counts.num_unmatched_recording_detections > 0 {
        print(&format!(
            "{} detections are of other recordings and count as false positives.",
            counts.num_unmatched_recording_detections
        ))?;
    }
    Ok(())
}
