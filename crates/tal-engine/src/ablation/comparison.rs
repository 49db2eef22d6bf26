//! Comparison of variants with the baseline of a plan, over folds and seeds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tal_core::{ClassMap, GroundTruth};
use tal_data::{ANY_CLASS, annotations, results};
use tal_postprocess::{BootstrapConfig, Resampler, RunComparison, RunPair, Verdict, compare_runs};

use super::{AblationError, Plan, Run};
use crate::error::EngineError;
use crate::run::{DETECTIONS, RunFigures};

/// A variant compared with the baseline, over the folds and seeds of which both runs are finished.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The variant.
    pub variant: String,
    /// What it is compared with.
    pub baseline: String,
    /// The comparison; a is the baseline, b the variant.
    #[serde(flatten)]
    pub comparison: RunComparison,
}

impl Comparison {
    /// Compares every variant with the baseline of `plan`; variants without a common finished run are left out, and those that
    /// were evaluated on other recordings, with a warning. `runs` are those of [`Plan::runs`].
    ///
    /// # Errors
    /// If the annotations or detections of a run cannot be read.
    pub fn collect(plan: &Plan, runs: &[Run]) -> Result<Vec<Self>, AblationError> {
        let bootstrap = BootstrapConfig::default();
        let baseline = plan.baseline();
        let mut of_baseline: BTreeMap<(&str, u64), Resampler> = BTreeMap::new();
        for run in of_variant(runs, baseline) {
            if let Some(matched) = matched(run)? {
                of_baseline.insert((run.fold.as_str(), run.seed), matched);
            }
        }
        let mut comparisons = Vec::new();
        for variant in plan.variants.iter().filter(|v| v.name != baseline) {
            // By fold, so that each has its pairs together.
            let mut of_folds: BTreeMap<&str, Vec<(u64, Resampler)>> = BTreeMap::new();
            for run in of_variant(runs, &variant.name) {
                if of_baseline.contains_key(&(run.fold.as_str(), run.seed))
                    && let Some(matched) = matched(run)?
                {
                    let fold = of_folds.entry(&run.fold).or_default();
                    fold.push((run.seed, matched));
                }
            }
            if of_folds.is_empty() {
                continue;
            }
            let folds = of_folds.iter().map(|(fold, runs)| {
                let pairs = runs.iter().map(|(seed, b)| RunPair {
                    a: &of_baseline[&(*fold, *seed)],
                    b,
                });
                pairs.collect()
            });
            let folds: Vec<Vec<RunPair<'_>>> = folds.collect();
            match compare_runs(&folds, &bootstrap) {
                Ok(comparison) => comparisons.push(Self {
                    variant: variant.name.clone(),
                    baseline: baseline.to_owned(),
                    comparison,
                }),
                // Other variants can be compared all the same.
                Err(error) => tracing::warn!("{} is not compared: {error}", variant.name),
            }
        }
        Ok(comparisons)
    }

    /// The conclusion in words, about the variant.
    pub fn verdict(&self) -> &'static str {
        match self.comparison.verdict {
            Verdict::BBetter => "better",
            Verdict::ABetter => "worse",
            Verdict::Undecided if !self.comparison.includes_training => "not told apart (one seed)",
            Verdict::Undecided => "not told apart",
        }
    }
}

fn of_variant<'a>(runs: &'a [Run], variant: &'a str) -> impl Iterator<Item = &'a Run> {
    runs.iter().filter(move |run| run.variant == variant)
}

/// The detections of a finished run, matched with the annotations that it was evaluated on.
fn matched(run: &Run) -> Result<Option<Resampler>, AblationError> {
    let file = run.folder.join(DETECTIONS);
    if RunFigures::read(&run.folder)?.is_none() || !file.is_file() {
        return Ok(None);
    }
    let data = &run.config.dataset;
    let truth = annotations::read(&data.annotations, None).map_err(EngineError::from)?;
    let without_classes = data.class_agnostic && run.config.inference.external_scores.is_none();
    let truth = match without_classes {
        true => one_class(truth),
        false => truth,
    };
    let detections = results::read(&file, &truth.classes).map_err(EngineError::from)?;
    let rules = &run.config.evaluation;
    let recordings = truth.subset(&data.test_subsets);
    let matched = Resampler::new(recordings, &detections, rules, Some(&truth.classes));
    Ok(Some(matched.map_err(EngineError::from)?))
}

fn one_class(mut truth: GroundTruth) -> GroundTruth {
    let mut classes = ClassMap::default();
    // Cannot fail: it is the only name.
    let _ = classes.insert(0, ANY_CLASS);
    truth.classes = classes;
    let instances = truth.recordings.iter_mut().flat_map(|r| &mut r.instances);
    instances.for_each(|instance| instance.label = 0);
    truth
}
