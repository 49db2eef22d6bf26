//! Comparison of two ways of training, over folds and seeds.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::comparison::{Difference, Verdict};
use super::config::BootstrapConfig;
use super::draws;
use super::error::ConfidenceError;
use super::resampler::{Resampler, Scratch, WeightedEvaluation};

/// Two runs with the same seed on the same fold, which differ in the way of training.
#[derive(Debug, Clone, Copy)]
pub struct RunPair<'a> {
    /// Detections of the first run, matched with the fold's annotations.
    pub a: &'a Resampler,
    /// Those of the second run.
    pub b: &'a Resampler,
}

/// Comparison of two ways of training. All values are fractions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunComparison {
    /// Configuration of the bootstrap.
    pub bootstrap: BootstrapConfig,
    /// Thresholds in the order of the configuration.
    pub tiou_thresholds: Vec<f64>,
    /// Number of recordings, over all folds.
    pub num_recordings: usize,
    /// Number of folds.
    pub num_folds: usize,
    /// Number of pairs of runs, over all folds.
    pub num_pairs: usize,
    /// Whether each fold has at least two pairs, so that the intervals include the variation of training.
    pub includes_training: bool,
    /// Mean of mAP over thresholds, then over the runs of a fold, then over folds.
    pub average_map: Difference,
    /// The same mean of mAP at each threshold.
    pub map: Vec<Difference>,
    /// Conclusion from `average_map`; undecided without `includes_training`.
    pub verdict: Verdict,
}

/// Comparison of two ways of training by their average mAP, over recordings and trainings drawn at random. `folds` holds the
/// pairs of each fold.
///
/// Each replicate draws, within every fold, recordings and pairs of runs with replacement. Both runs of a pair are evaluated
/// on the same draw of recordings, so the cost of a hard recording to both cancels; the mean over folds of the differences is
/// the replicate's value. In contrast to [`crate::compare`], the result is about the two ways of training, not about
/// two trained detectors.
///
/// Recordings of one person are not independent, see [`crate::bootstrap`]. With n pairs, the variance due to training is
/// estimated too small by a factor of (n − 1)/n.
///
/// # Errors
/// No fold or a fold without pairs; runs of a fold on different recordings; different thresholds; those of
/// [`crate::bootstrap`].
pub fn compare_runs(
    folds: &[Vec<RunPair<'_>>],
    bootstrap: &BootstrapConfig,
) -> Result<RunComparison, ConfidenceError> {
    let thresholds = check(folds)?;
    let mut recordings = folds.iter().flat_map(|fold| fold[0].a.recordings());
    let ids: Vec<String> = recordings.by_ref().take(2).cloned().collect();
    bootstrap.check(&ids)?;

    let replicates = (0..bootstrap.num_replicates).into_par_iter();
    let replicates = replicates.map_init(Scratch::default, |scratch, replicate| {
        let of_folds = folds.iter().enumerate().map(|(number, pairs)| {
            let (seed, replicate, fold) = (bootstrap.seed, replicate as u64, number as u64);
            let weights = draws::draw(seed, replicate, fold, pairs[0].a.annotated());
            let counts = draws::draw_runs(seed, replicate, fold, pairs.len());
            fold_difference(pairs, &counts, &weights, scratch)
        });
        // A draw that leaves nothing to evaluate is repeated, so every fold has a value.
        mean_rows(of_folds.flatten())
    });
    let replicates: Vec<Vec<f64>> = replicates.collect();

    let mean_of = |value: &dyn Fn(&RunPair<'_>) -> f64| {
        let of_fold =
            |pairs: &Vec<RunPair<'_>>| pairs.iter().map(value).sum::<f64>() / pairs.len() as f64;
        folds.iter().map(of_fold).sum::<f64>() / folds.len() as f64
    };
    let difference = |column: usize, value: &dyn Fn(&Resampler) -> f64| {
        let (a, b) = (
            mean_of(&|pair| value(pair.a)),
            mean_of(&|pair| value(pair.b)),
        );
        let values = replicates.iter().map(|row| row[column]).collect();
        Difference::of(a, b, values, bootstrap.level)
    };
    let average_map = difference(0, &|run| run.evaluation().average_map);
    let map = (0..thresholds.len()).map(|t| difference(t + 1, &|run| run.evaluation().map[t]));
    let includes_training = folds.iter().all(|pairs| pairs.len() > 1);
    Ok(RunComparison {
        bootstrap: *bootstrap,
        num_recordings: folds.iter().map(|fold| fold[0].a.recordings().len()).sum(),
        num_folds: folds.len(),
        num_pairs: folds.iter().map(Vec::len).sum(),
        includes_training,
        verdict: match includes_training {
            true => average_map.verdict(bootstrap.level),
            false => Verdict::Undecided,
        },
        map: map.collect(),
        average_map,
        tiou_thresholds: thresholds,
    })
}

/// The thresholds, if the runs can be compared.
fn check(folds: &[Vec<RunPair<'_>>]) -> Result<Vec<f64>, ConfidenceError> {
    let first = folds.first().and_then(|pairs| pairs.first());
    let first = first.ok_or(ConfidenceError::NoRuns { fold: 1 })?;
    let thresholds = &first.a.evaluation().tiou_thresholds;
    for (index, pairs) in folds.iter().enumerate() {
        let fold = index + 1;
        let Some(RunPair { a: reference, .. }) = pairs.first() else {
            return Err(ConfidenceError::NoRuns { fold });
        };
        let mut runs = pairs.iter().flat_map(|pair| [pair.a, pair.b]);
        let fits = |run: &Resampler| {
            run.recordings() == reference.recordings()
                && run.annotated() == reference.annotated()
                && run.evaluation().tiou_thresholds == *thresholds
        };
        if !runs.all(fits) {
            return Err(ConfidenceError::OtherRecordings { fold });
        }
    }
    Ok(thresholds.clone())
}

/// b − a of average mAP, then of mAP per threshold: the mean over pairs, each counted `counts` times.
fn fold_difference(
    pairs: &[RunPair<'_>],
    counts: &[u32],
    weights: &[u32],
    scratch: &mut Scratch,
) -> Option<Vec<f64>> {
    let mut sum: Vec<f64> = Vec::new();
    for (pair, count) in pairs.iter().zip(counts).filter(|(_, count)| **count > 0) {
        let a = pair.a.evaluate_with(weights, scratch)?;
        let b = pair.b.evaluate_with(weights, scratch)?;
        sum.resize(a.map.len() + 1, 0.0);
        for ((sum, a), b) in sum.iter_mut().zip(row(&a)).zip(row(&b)) {
            *sum += f64::from(*count) * (b - a);
        }
    }
    let num: u32 = counts.iter().sum();
    sum.iter_mut().for_each(|sum| *sum /= f64::from(num));
    Some(sum)
}

fn row(evaluation: &WeightedEvaluation) -> impl Iterator<Item = f64> {
    let average = std::iter::once(evaluation.average_map);
    average.chain(evaluation.map.iter().copied())
}

/// The mean of rows of equal length.
fn mean_rows(rows: impl Iterator<Item = Vec<f64>>) -> Vec<f64> {
    let mut num = 0.0;
    let mut sum: Vec<f64> = Vec::new();
    for row in rows {
        num += 1.0;
        sum.resize(row.len(), 0.0);
        sum.iter_mut()
            .zip(row)
            .for_each(|(sum, value)| *sum += value);
    }
    sum.iter_mut().for_each(|sum| *sum /= num);
    sum
}
