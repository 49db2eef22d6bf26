//! Sources of a report: run folders and files of detections, and the annotations that both are compared with.

use std::path::{Path, PathBuf};

use anyhow::Result;
use tal_core::config::Config;
use tal_engine::run::{DETECTIONS, RESOLVED_CONFIG};

use crate::args::{NamedPath, ReportArgs, RulesArgs};
use crate::commands::evaluate::{Input, Request};
use crate::failure::bail_usage;

/// A run folder with its configuration.
pub(super) struct RunFolder {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) config: Config,
}

/// The runs among the inputs, and what all inputs are compared with.
pub(super) struct Sources {
    pub(super) runs: Vec<RunFolder>,
    pub(super) ground_truth: PathBuf,
}

impl Sources {
    pub(super) fn read(args: &ReportArgs) -> Result<Self> {
        let mut names: Vec<&str> = args
            .inputs
            .iter()
            .map(|input| input.name.as_str())
            .collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            bail_usage!(
                "two inputs have the name {:?}; give them others with NAME=PATH",
                pair[0]
            );
        }
        let folders = args.inputs.iter().filter(|input| input.path.is_dir());
        let runs: Vec<RunFolder> = folders.map(open).collect::<Result<_>>()?;
        let ground_truth = match (&args.ground_truth, runs.first()) {
            (Some(file), _) => file.clone(),
            (None, Some(run)) => run.config.dataset.annotations.clone(),
            (None, None) => bail_usage!(
                "--ground-truth FILE is needed: none of the inputs is a run folder, whose configuration names the annotations"
            ),
        };
        let other = runs
            .iter()
            .find(|run| run.config.dataset.annotations != ground_truth);
        if let Some(run) = other.filter(|_| args.ground_truth.is_none()) {
            bail_usage!(
                "{} was trained with the annotations {}, the first run with {}; choose with --ground-truth",
                run.path.display(),
                run.config.dataset.annotations.display(),
                ground_truth.display()
            );
        }
        Ok(Self { runs, ground_truth })
    }

    pub(super) fn first_run(&self) -> Option<&RunFolder> {
        self.runs.first()
    }

    /// Detections of every input with the annotations, by the rules of the command line or else of the first run.
    pub(super) fn inputs(&self, args: &ReportArgs) -> Result<Vec<Input>> {
        let run = self.first_run();
        let config = run.filter(|_| !args.rules.are_given());
        let config = config.map(|run| &run.config.evaluation);
        let mut rules: RulesArgs = args.rules.clone();
        if let Some(run) = run.filter(|_| rules.subset.is_empty()) {
            rules.subset = run.config.dataset.test_subsets.clone();
        }
        if let Some(config) = config {
            // The rules of the subsets' names are those of the dialect.
            rules.dialect = config.dialect;
        }
        let inputs: Vec<Input> = args
            .inputs
            .iter()
            .map(|input| {
                Input::read(&Request {
                    ground_truth: &self.ground_truth,
                    detections: &detections(&input.path),
                    compare: None,
                    rules: &rules,
                    fusion: &args.fusion,
                    tuned: None,
                    config,
                    per_class: false,
                })
            })
            .collect::<Result<_>>()?;
        let agnostic = |input: &Input| input.is_class_agnostic;
        if inputs.iter().any(agnostic) && !inputs.iter().all(agnostic) {
            bail_usage!(
                "some inputs have detections with classes, others without; make a report of each kind"
            );
        }
        Ok(inputs)
    }
}

/// The file of detections of an input.
fn detections(path: &Path) -> PathBuf {
    match path.is_dir() {
        true => path.join(DETECTIONS),
        false => path.to_owned(),
    }
}

fn open(input: &NamedPath) -> Result<RunFolder> {
    let NamedPath { name, path } = input;
    let file = path.join(RESOLVED_CONFIG);
    if !file.is_file() {
        bail_usage!(
            "{} is no run folder: it has no {RESOLVED_CONFIG}",
            path.display()
        );
    }
    if !path.join(DETECTIONS).is_file() {
        bail_usage!(
            "{} has no {DETECTIONS}: its run is not finished; `tal train --resume` continues it",
            path.display()
        );
    }
    Ok(RunFolder {
        name: name.clone(),
        path: path.clone(),
        config: tal_config::load(&file, &[])?,
    })
}
