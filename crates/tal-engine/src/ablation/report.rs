//! Figures of the runs of a plan.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{AblationError, Comparison, Plan, Run, Stage, TableConfig};
use crate::run::RunFigures;

/// Figures of the runs of a plan; also the content of `table.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The plan's title.
    pub title: String,
    /// The recordings that the figures belong to.
    pub stage: Stage,
    /// tIoU thresholds; those of the first finished run.
    pub tiou_thresholds: Vec<f64>,
    /// One row per variant, in the plan's order.
    pub rows: Vec<Row>,
    /// Rows of each table.
    pub tables: Vec<TableConfig>,
    /// Variants compared with the baseline; empty until [`Report::compare`].
    #[serde(default)]
    pub comparisons: Vec<Comparison>,
}

/// Figures of the runs of a variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The variant.
    pub variant: String,
    /// Runs of the plan.
    pub num_runs: usize,
    /// Its finished runs.
    pub seeds: Vec<SeedFigures>,
    /// Average mAP of each fold, mean over seeds, 0 to 1; empty if the plan has no folds.
    #[serde(default)]
    pub folds: Vec<FoldFigures>,
    /// Average mAP, 0 to 1.
    pub average_map: Option<Spread>,
    /// mAP per threshold, 0 to 1; empty if no run is finished.
    pub map: Vec<Spread>,
    /// Trained values of the network.
    pub num_parameters: Option<usize>,
    /// Seconds per training step.
    pub step_seconds: Option<Spread>,
    /// Largest resident set of the runs' processes, in bytes.
    pub peak_memory_bytes: Option<u64>,
}

/// A finished run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeedFigures {
    /// Its fold; empty if the plan has none.
    #[serde(default)]
    pub fold: String,
    /// Its seed.
    pub seed: u64,
    /// Its figures.
    #[serde(flatten)]
    pub figures: RunFigures,
}

/// Figures of a variant on one fold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoldFigures {
    /// The fold.
    pub fold: String,
    /// Average mAP, 0 to 1; `None` if no run is finished.
    pub average_map: Option<f64>,
}

/// Mean and standard deviation over seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation (of a sample: divided by n − 1); `None` for one value.
    pub std: Option<f64>,
}

/// A value of a run, with its fold and seed.
type RunValue<'a> = (&'a str, u64, f64);

impl Spread {
    /// Mean and standard deviation of `values`; `None` if there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len() as f64;
        if values.is_empty() {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count;
        let square: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Some(Self {
            mean,
            std: (values.len() > 1).then(|| (square / (count - 1.0)).sqrt()),
        })
    }

    /// Mean over folds of the means over seeds, so that folds count equally while runs are missing; standard deviation, over
    /// the seeds that have all folds, of the mean over folds.
    fn over_folds(values: &[RunValue<'_>]) -> Option<Self> {
        let mut folds: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        let mut seeds: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
        for (fold, seed, value) in values {
            folds.entry(fold).or_default().push(*value);
            seeds.entry(*seed).or_default().push(*value);
        }
        let mean = |values: &Vec<f64>| Some(Self::of(values)?.mean);
        let of_folds: Vec<f64> = folds.values().filter_map(mean).collect();
        let complete = seeds
            .values()
            .filter(|of_seed| of_seed.len() == folds.len());
        let of_seeds: Vec<f64> = complete.filter_map(mean).collect();
        Some(Self {
            mean: Self::of(&of_folds)?.mean,
            std: Self::of(&of_seeds).and_then(|spread| spread.std),
        })
    }
}

impl Report {
    /// Reads the figures of the finished runs of `plan`; `runs` are those of [`Plan::runs`].
    ///
    /// # Errors
    /// If the figures of a run cannot be read.
    pub fn collect(plan: &Plan, stage: Stage, runs: &[Run]) -> Result<Self, AblationError> {
        let rows = plan
            .variants
            .iter()
            .map(|variant| Row::of(&variant.name, runs))
            .collect::<Result<Vec<_>, _>>()?;
        let tiou_thresholds = rows
            .iter()
            .find_map(|row| row.seeds.first())
            .map(|seed| seed.figures.tiou_thresholds.clone())
            .unwrap_or_default();
        Ok(Self {
            title: plan.title.clone(),
            stage,
            tiou_thresholds,
            rows,
            tables: plan.tables(),
            comparisons: Vec::new(),
        })
    }

    /// Adds the comparison of every variant with the baseline, from the detections of the runs.
    ///
    /// # Errors
    /// Those of [`Comparison::collect`].
    pub fn compare(&mut self, plan: &Plan, runs: &[Run]) -> Result<(), AblationError> {
        self.comparisons = Comparison::collect(plan, runs)?;
        Ok(())
    }

    /// Finished and planned runs.
    pub fn progress(&self) -> (usize, usize) {
        let finished = self.rows.iter().map(|row| row.seeds.len()).sum();
        (finished, self.rows.iter().map(|row| row.num_runs).sum())
    }
}

impl Row {
    fn of(variant: &str, runs: &[Run]) -> Result<Self, AblationError> {
        let runs: Vec<&Run> = runs.iter().filter(|run| run.variant == variant).collect();
        let mut seeds = Vec::new();
        for run in &runs {
            if let Some(figures) = RunFigures::read(&run.folder)? {
                seeds.push(SeedFigures {
                    fold: run.fold.clone(),
                    seed: run.seed,
                    figures,
                });
            }
        }
        let values = |value: &dyn Fn(&RunFigures) -> Option<f64>| -> Vec<RunValue<'_>> {
            let values = seeds.iter();
            let values = values.filter_map(|s| Some((s.fold.as_str(), s.seed, value(&s.figures)?)));
            values.collect()
        };
        let spread =
            |value: &dyn Fn(&RunFigures) -> Option<f64>| Spread::over_folds(&values(value));
        let mut names: Vec<&str> = Vec::new();
        for run in runs.iter().filter(|run| !run.fold.is_empty()) {
            if !names.contains(&run.fold.as_str()) {
                names.push(&run.fold);
            }
        }
        let folds = names.into_iter().map(|fold| {
            let mut of_fold = values(&|figures| Some(figures.average_map));
            of_fold.retain(|(other, ..)| *other == fold);
            FoldFigures {
                fold: fold.to_owned(),
                average_map: Spread::over_folds(&of_fold).map(|spread| spread.mean),
            }
        });
        let folds = folds.collect();
        let num_thresholds = seeds.iter().map(|s| s.figures.map.len()).min();
        Ok(Self {
            variant: variant.to_owned(),
            num_runs: runs.len(),
            folds,
            average_map: spread(&|figures| Some(figures.average_map)),
            map: (0..num_thresholds.unwrap_or(0))
                .filter_map(|index| spread(&|figures| Some(figures.map[index])))
                .collect(),
            num_parameters: seeds.first().map(|seed| seed.figures.num_parameters),
            step_seconds: {
                let seconds = seeds.iter().filter_map(|s| s.figures.step_seconds);
                Spread::of(&seconds.collect::<Vec<_>>())
            },
            peak_memory_bytes: seeds
                .iter()
                .filter_map(|seed| seed.figures.peak_memory_bytes)
                .max(),
            seeds,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn spread_is_that_of_a_sample() {
        assert_eq!(Spread::of(&[]), None);
        let one = Spread::of(&[0.5]).unwrap();
        assert_eq!((one.mean, one.std), (0.5, None));
        let three = Spread::of(&[1.0, 2.0, 4.0]).unwrap();
        assert_relative_eq!(three.mean, 7.0 / 3.0);
        assert_relative_eq!(three.std.unwrap(), (7.0f64 / 3.0).sqrt());
    }

    #[test]
    fn folds_count_equally_and_only_whole_seeds_spread() {
        let spread = |values: &[RunValue<'_>]| Spread::over_folds(values).unwrap();
        let whole = [("x", 1, 0.1), ("x", 2, 0.3), ("y", 1, 0.5), ("y", 2, 0.9)];
        let both = spread(&whole);
        assert_relative_eq!(both.mean, 0.45);
        assert_relative_eq!(
            both.std.unwrap(),
            Spread::of(&[0.3, 0.6]).unwrap().std.unwrap()
        );
        // Without y of seed 2, folds still count alike.
        let part = spread(&whole[..3]);
        assert_relative_eq!(part.mean, 0.35);
        assert_eq!(part.std, None);
        // Without folds it is the plain spread.
        let plain = spread(&[("", 1, 0.5), ("", 2, 1.0), ("", 7, 2.5)]);
        assert_eq!(Some(plain), Spread::of(&[0.5, 1.0, 2.5]));
    }
}
