//! How far an evaluation depends on the choice of recordings, and whether one detector is better than another.
//!
//! [`bootstrap`] draws as many recordings as there are, with replacement, again and again: a recording that is drawn twice
//! counts twice with its annotations and its detections. The spread of mAP over these replicates stands for the spread over
//! other recordings of the same kind. [`compare`] does so for two sets of detections at once, with the same draws for both:
//! what a hard recording costs both of them cancels in the difference.
//!
//! What is assumed, and what is not covered:
//!
//! - Recordings are the unit: they are taken for independent of each other and of one kind. Actions within a recording need
//!   not be. Several recordings of one person or place are not independent; intervals are then too narrow.
//! - The detections are given. How much a detector would differ after a training with another seed is not in them: a
//!   difference that is certain here says that these two sets of detections differ, not that the two methods do.
//! - Percentile intervals are approximate, and too narrow for few recordings (less than some 20).
//! - A class without ground truth in a replicate is left out of the mean of that replicate. Draws without any ground truth
//!   are made again.
//!
//! Replicate `i` is a function of the seed and `i`: neither the number of threads nor the order of the recordings matters,
//! and more replicates begin with the same ones.
//!
//! # Source
//! Efron and Tibshirani, An Introduction to the Bootstrap (1993): percentile intervals (chapter 13), achieved significance
//! levels (chapters 15 and 16).

mod comparison;
mod draws;
mod error;
mod interval;
mod resampler;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tal_core::config::{EvaluationConfig, EvaluationDialect};
use tal_core::{ClassMap, DetectionSet, Recording};

pub use comparison::{Difference, PairedComparison, Verdict, compare};
pub use error::ConfidenceError;
pub use interval::Interval;
pub use resampler::{Resampler, WeightedEvaluation, weighted_average_precision};

use resampler::{Scratch, mean};

/// How replicates are drawn and what is made of them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BootstrapConfig {
    /// Number of replicates, at least `2 / (1 − level) − 1`: 39 for 0.95. A thousand gives intervals that hardly move.
    pub num_replicates: usize,
    /// Where the random numbers start.
    pub seed: u64,
    /// The share of replicates within an interval, between 0 and 1.
    pub level: f64,
}

impl Default for BootstrapConfig {
    /// 1000 replicates, seed 0, level 0.95.
    fn default() -> Self {
        Self {
            num_replicates: 1000,
            seed: 0,
            level: 0.95,
        }
    }
}

impl BootstrapConfig {
    fn check(&self, recordings: &[String]) -> Result<(), ConfidenceError> {
        let level = self.level;
        if !(level > 0.0 && level < 1.0) {
            return Err(ConfidenceError::Level { value: level });
        }
        // With fewer, a tail of the interval would hold less than one of the replicates and the estimate. The small number
        // is for levels that are not exact in binary.
        let minimum = (2.0 / (1.0 - level) - 1.0 - 1e-6).ceil() as usize;
        if self.num_replicates < minimum {
            return Err(ConfidenceError::NumReplicates {
                value: self.num_replicates,
                level,
                minimum,
            });
        }
        if let [recording] = recordings {
            let recording = recording.clone();
            return Err(ConfidenceError::SingleRecording { recording });
        }
        Ok(())
    }

    /// What `each` says of the weights of every replicate, in their order.
    fn replicates<T: Send>(
        &self,
        resampler: &Resampler,
        each: impl Fn(&[u32], &mut Scratch) -> T + Sync,
    ) -> Vec<T> {
        (0..self.num_replicates)
            .into_par_iter()
            .map_init(Scratch::default, |scratch, replicate| {
                let weights = draws::draw(self.seed, replicate as u64, resampler.annotated());
                each(&weights, scratch)
            })
            .collect()
    }
}

/// How sure an evaluation is. All values are fractions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Confidence {
    /// How it was found.
    pub bootstrap: BootstrapConfig,
    /// Whose rules were used.
    pub dialect: EvaluationDialect,
    /// The thresholds, in the order of the configuration.
    pub tiou_thresholds: Vec<f64>,
    /// Number of recordings that were drawn from.
    pub num_recordings: usize,
    /// Mean of mAP over the thresholds.
    pub average_map: Interval,
    /// mAP per threshold.
    pub map: Vec<Interval>,
    /// The classes that have ground truth, by id.
    pub classes: Vec<ClassConfidence>,
}

/// How sure the evaluation of one class is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassConfidence {
    /// The class id.
    pub label: u32,
    /// Number of replicates with ground truth of this class: the others say nothing about it.
    pub num_replicates: usize,
    /// Mean of AP over the thresholds; none where no replicate has the class.
    pub average_ap: Option<Interval>,
    /// AP per threshold; empty where no replicate has the class.
    pub ap: Vec<Interval>,
}

/// Percentile intervals of mAP and AP, over recordings drawn anew.
///
/// `recordings` are those of the evaluated subset, as for [`crate::evaluate`]; `classes` gives `config.ambiguous_class` its id
/// and is not needed without one.
///
/// # Units
/// Segments in seconds.
///
/// # Errors
/// As [`crate::evaluate`]; fewer than two recordings; a level that is not between 0 and 1; too few replicates for it.
pub fn bootstrap<'a>(
    recordings: impl IntoIterator<Item = &'a Recording>,
    detections: &DetectionSet,
    config: &EvaluationConfig,
    classes: Option<&ClassMap>,
    bootstrap: &BootstrapConfig,
) -> Result<Confidence, ConfidenceError> {
    let resampler = Resampler::new(recordings, detections, config, classes)?;
    bootstrap.check(resampler.recordings())?;
    let replicates: Vec<WeightedEvaluation> = bootstrap
        .replicates(&resampler, |weights, scratch| {
            resampler.evaluate_with(weights, scratch)
        })
        .into_iter()
        .flatten()
        .collect();

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
