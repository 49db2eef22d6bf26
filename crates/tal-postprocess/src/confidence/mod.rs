//! Confidence of an evaluation: bootstrap over recordings.

mod comparison;
mod config;
mod draws;
mod error;
mod interval;
mod resampler;
mod runs;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tal_core::config::{EvaluationConfig, EvaluationDialect};
use tal_core::{ClassMap, DetectionSet, Recording};

pub use comparison::{Difference, PairedComparison, Verdict, compare};
pub use config::BootstrapConfig;
pub use error::ConfidenceError;
pub use interval::Interval;
pub use resampler::{Resampler, WeightedEvaluation, weighted_average_precision};
pub use runs::{RunComparison, RunPair, compare_runs};

use resampler::mean;

/// Uncertainty of an evaluation. All values are fractions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Confidence {
    /// Configuration of the bootstrap.
    pub bootstrap: BootstrapConfig,
    /// Dialect by whose rules the detections were evaluated.
    pub dialect: EvaluationDialect,
    /// Thresholds in the order of the configuration.
    pub tiou_thresholds: Vec<f64>,
    /// Number of recordings from which replicates were drawn.
    pub num_recordings: usize,
    /// Mean of mAP over the thresholds.
    pub average_map: Interval,
    /// mAP per threshold.
    pub map: Vec<Interval>,
    /// Classes that have ground truth, by id.
    pub classes: Vec<ClassConfidence>,
}

/// Uncertainty of the evaluation of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassConfidence {
    /// The class id.
    pub label: u32,
    /// Number of replicates with ground truth of this class; the others are not used.
    pub num_replicates: usize,
    /// Mean of AP over the thresholds; `None` if no replicate has the class.
    pub average_ap: Option<Interval>,
    /// AP per threshold; empty if no replicate has the class.
    pub ap: Vec<Interval>,
}

/// Percentile intervals of mAP and AP, over recordings drawn at random.
///
/// Each replicate draws as many recordings as there are, with replacement: a recording that is drawn twice counts twice,
/// with its annotations and its detections. The spread of mAP over the replicates estimates its spread over other
/// recordings of the same kind. [`compare`] does so for the difference of two sets of detections.
///
/// `recordings` are those of the evaluated subset, as for [`crate::evaluate`]. `classes` gives the id of
/// `config.ambiguous_class`; it is needed only if that is given.
///
/// Assumptions and limits:
///
/// - Recordings are independent of each other and of one kind; actions within a recording need not be. Several recordings
///   of one person or place are not independent, so intervals are too narrow for them.
/// - The detections are fixed. The variation of a detector over training seeds is not included: a certain difference means
///   that these two sets of detections differ, not that the two methods do.
/// - Percentile intervals are approximate, and too narrow for few recordings (fewer than about 20).
/// - A class without ground truth in a replicate is left out of the mean of that replicate. Draws without any ground truth
///   are repeated.
///
/// Replicate `i` is a function of the seed and `i`. It depends neither on the number of threads nor on the order of the
/// recordings, and a larger number of replicates starts with the same ones.
///
/// # Units
/// Segments in seconds.
///
/// # Errors
/// Those of [`crate::evaluate_with`]; fewer than two recordings; a level that is not between 0 and 1; too few replicates
/// for the level.
///
/// # Source
/// Efron and Tibshirani, An Introduction to the Bootstrap (1993): percentile intervals (chapter 13), achieved significance
/// levels (chapters 15 and 16).
pub fn bootstrap<'a>(
    recordings: impl IntoIterator<Item = &'a Recording>,
    detections: &DetectionSet,
    config: &EvaluationConfig,
    classes: Option<&ClassMap>,
    bootstrap: &BootstrapConfig,
) -> Result<Confidence, ConfidenceError> {
    let resampler = Resampler::new(recordings, detections, config, classes)?;
    bootstrap.check(resampler.recordings())?;
    let replicates = bootstrap.replicates(&resampler, |weights, scratch| {
        resampler.evaluate_with(weights, scratch)
    });

    let evaluation = resampler.evaluation();
    let interval = |estimate: f64, value: &dyn Fn(&WeightedEvaluation) -> f64| {
        let values = replicates.iter().map(value).collect();
        Interval::of(estimate, values, bootstrap.level)
    };
    let map = evaluation.map.iter().enumerate();
    let classes = evaluation.classes.par_iter().enumerate();
    Ok(Confidence {
        bootstrap: *bootstrap,
        dialect: evaluation.dialect,
        tiou_thresholds: evaluation.tiou_thresholds.clone(),
        num_recordings: resampler.recordings().len(),
        average_map: interval(evaluation.average_map, &|replicate| replicate.average_map),
        map: map
            .map(|(t, map)| interval(*map, &|replicate| replicate.map[t]))
            .collect(),
        classes: classes
            .map(|(position, class)| {
                let replicates = replicates.iter().filter_map(|r| r.ap[position].as_ref());
                let replicates: Vec<&Vec<f64>> = replicates.collect();
                class_confidence(class.label, &class.ap, &replicates, bootstrap.level)
            })
            .collect(),
    })
}

fn class_confidence(
    label: u32,
    estimate: &[f64],
    replicates: &[&Vec<f64>],
    level: f64,
) -> ClassConfidence {
    let interval = |estimate: f64, value: &dyn Fn(&[f64]) -> f64| {
        let values: Vec<f64> = replicates.iter().map(|ap| value(ap)).collect();
        (!values.is_empty()).then(|| Interval::of(estimate, values, level))
    };
    ClassConfidence {
        label,
        num_replicates: replicates.len(),
        average_ap: interval(mean(estimate), &mean),
        ap: estimate
            .iter()
            .enumerate()
            .filter_map(|(t, estimate)| interval(*estimate, &|ap| ap[t]))
            .collect(),
    }
}
