//! Figures of the runs of a plan.

use serde::{Deserialize, Serialize};

use super::{AblationError, Plan, Run, TableConfig};
use crate::run::RunFigures;

/// Figures of the runs of a plan; also the content of `table.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The plan's title.
    pub title: String,
    /// tIoU thresholds; those of the first finished run.
    pub tiou_thresholds: Vec<f64>,
    /// One row per variant, in the plan's order.
    pub rows: Vec<Row>,
    /// Rows of each table.
    pub tables: Vec<TableConfig>,
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
    /// Its seed.
    pub seed: u64,
    /// Its figures.
    #[serde(flatten)]
    pub figures: RunFigures,
}

/// Mean and standard deviation over seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation (of a sample: divided by n − 1); `None` for one value.
    pub std: Option<f64>,
}

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
}

impl Report {
    /// Reads the figures of the finished runs of `plan`; `runs` are those of [`Plan::runs`].
    ///
    /// # Errors
    /// If the figures of a run cannot be read.
    pub fn collect(plan: &Plan, runs: &[Run]) -> Result<Self, AblationError> {
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
            tiou_thresholds,
            rows,
            tables: plan.tables(),
        })
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
                let seed = run.seed;
                seeds.push(SeedFigures { seed, figures });
            }
        }
        let spread = |value: &dyn Fn(&RunFigures) -> Option<f64>| {
            let values: Vec<f64> = seeds.iter().filter_map(|s| value(&s.figures)).collect();
            Spread::of(&values)
        };
        let num_thresholds = seeds.iter().map(|s| s.figures.map.len()).min();
        Ok(Self {
            variant: variant.to_owned(),
            num_runs: runs.len(),
            average_map: spread(&|figures| Some(figures.average_map)),
            map: (0..num_thresholds.unwrap_or(0))
                .filter_map(|index| spread(&|figures| Some(figures.map[index])))
                .collect(),
            num_parameters: seeds.first().map(|seed| seed.figures.num_parameters),
            step_seconds: spread(&|figures| figures.step_seconds),
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
}
