//! Figures of a finished run, for tables over several runs.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tal_core::FileError;
use tal_core::config::Weights;

use tal_runs::files::{METRICS, SUMMARY};

use crate::error::EngineError;
use crate::metrics::{self, Metric};

/// Figures of a finished run: the file `summary.json` of a run folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFigures {
    /// The kind of weights that were evaluated.
    pub weights: Weights,
    /// Mean of mAP over the thresholds after the last epoch, 0 to 1.
    pub average_map: f64,
    /// tIoU thresholds.
    pub tiou_thresholds: Vec<f64>,
    /// mAP per threshold, 0 to 1.
    pub map: Vec<f64>,
    /// Trained values of the network.
    pub num_parameters: usize,
    /// Steps of the run.
    pub num_steps: u64,
    /// Seconds per step: median over the epochs of the mean over an epoch, loading included. `None` if no epoch was done in one
    /// piece.
    pub step_seconds: Option<f64>,
    /// Largest resident set of the process that finished the run, in bytes; `None` if the system does not tell.
    pub peak_memory_bytes: Option<u64>,
}

impl RunFigures {
    /// Reads the figures of a run folder; `None` if the run is not finished.
    ///
    /// # Errors
    /// If the file cannot be read or is not a summary.
    pub fn read(folder: &Path) -> Result<Option<Self>, EngineError> {
        let path = folder.join(SUMMARY);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(FileError::at("read", &path))?,
        };
        serde_json::from_str(&text).map(Some).map_err(|error| {
            let reason =
                format!("is not a summary of a run ({error}); delete it and resume the run");
            EngineError::checkpoint(&path, reason)
        })
    }
}

/// Median of the mean seconds per step, over the epochs of `metrics.jsonl` that one process did as a whole.
pub(super) fn step_seconds(
    folder: &Path,
    steps_per_epoch: usize,
) -> Result<Option<f64>, EngineError> {
    let mut means: Vec<f64> = metrics::read(&folder.join(METRICS))?
        .into_iter()
        .filter_map(|metric| match metric {
            Metric::Epoch {
                timed_steps: Some(steps),
                ..
            } if steps != steps_per_epoch as u64 => None,
            Metric::Epoch { seconds, .. } => Some(seconds / steps_per_epoch as f64),
            _ => None,
        })
        .collect();
    means.sort_by(f64::total_cmp);
    Ok(match means.len() {
        0 => None,
        len if len % 2 == 1 => Some(means[len / 2]),
        len => Some(0.5 * (means[len / 2 - 1] + means[len / 2])),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_that_were_interrupted_do_not_count() {
        let dir = tempfile::tempdir().unwrap();
        let line = |seconds: f64, timed: &str| {
            format!(
                r#"{{"event":"epoch","epoch":1,"step":4,"mean_loss":1.0,"seconds":{seconds}{timed}}}"#
            ) + "\n"
        };
        let figure = |lines: &[String]| {
            fs::write(dir.path().join(METRICS), lines.concat()).unwrap();
            step_seconds(dir.path(), 4).unwrap()
        };
        let (whole, part) = (r#","timed_steps":4"#, r#","timed_steps":1"#);
        assert_eq!(figure(&[line(8.0, whole), line(0.1, part)]), Some(2.0));
        assert_eq!(figure(&[line(0.1, part)]), None);
        // Files of earlier versions do not tell.
        assert_eq!(figure(&[line(8.0, ""), line(12.0, whole)]), Some(2.5));
    }
}
