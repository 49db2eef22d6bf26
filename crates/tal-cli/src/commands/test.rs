//! `tal test`: a checkpoint measured on a subset.

use std::sync::Arc;

use anyhow::Result;
use tal_data::{Dataset, results};
use tal_engine::{DeviceChoice, Evaluator};

use super::{output, rules, trained};
use crate::args::TestArgs;
use crate::console::Console;
use crate::tables;

pub(crate) fn run(args: &TestArgs, device: DeviceChoice, console: &Console) -> Result<()> {
    if let Some(file) = &args.json {
        output::check("--json", file, &[])?;
    }
    if let Some(file) = &args.detections {
        output::check("--detections", file, &output::DETECTIONS)?;
    }
    let file = rules::read(args.tuned.thresholds.as_deref())?;
    let sigma = file.as_ref().and_then(|file| file.sigma);
    let (path, detector) = trained::open(&args.trained, sigma, device)?;
    let config = detector.config();
    let subsets = match args.subset.is_empty() {
        true => config.dataset.test_subsets.clone(),
        false => args.subset.clone(),
    };
    let dataset = Arc::new(Dataset::open(&config.dataset, &subsets)?);
    let ids = (0..dataset.num_recordings()).map(|index| dataset.recording(index).id.as_str());
    let note = rules::note(&args.tuned, file.as_ref(), ids)?;
    let classes = detector.classes();
    let rules = rules::of_file(args.tuned.thresholds.as_deref(), file.as_ref(), classes)?;
    let evaluator = Evaluator::new(dataset, &subsets, config.train.num_workers);
    evaluator.check(config, classes, detector.external_scores())?;
    let template = "testing {bar:30} {pos}/{len} recordings, {eta} left";
    let bar = console.bar(evaluator.num_recordings() as u64, 0, template);
    let outcome = evaluator.evaluate_with(&detector, &rules, &mut |done, _| {
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    let report = outcome?;
    if let Some(file) = &args.json {
        output::write_json(file, &report.evaluation)?;
    }
    if let Some(file) = &args.detections {
        results::write(file, &report.detections, classes)?;
    }
    console.print(&tables::evaluation(&report.evaluation, Some(classes)))?;
    if let Some(scores) = &config.inference.external_scores {
        let file = scores.file.display();
        console.print(&format!("Classes from the scores in {file}."))?;
    } else if config.dataset.class_agnostic {
        console.print(
            "Evaluated without classes: dataset.class_agnostic is set and inference.external_scores is not.",
        )?;
    }
    console.print(&format!(
        "{} with its {} weights on {} ({} recordings, {:.1} s), rules of {}.",
        path.display(),
        format!("{:?}", detector.weights()).to_uppercase(),
        subsets.join(", "),
        evaluator.num_recordings(),
        report.detect_time.as_secs_f64(),
        config.evaluation.dialect,
    ))?;
    note.map_or(Ok(()), |note| console.print(&note))
}
