//! A run folder.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use tal_core::{FileError, grouped};
use tal_runs::files::{BEST, DETECTIONS, LAST, LOG, METRICS};
use tal_runs::{RunRecord, RunState};

use crate::error::InspectError;
use crate::section::{Section, duration, facts};

/// Points of the course of the loss.
const NUM_POINTS: usize = 60;

/// A run folder.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunFacts {
    /// The run as a row of tables has it.
    #[serde(flatten)]
    pub run: RunRecord,
    /// Its evaluations: epoch and mean of mAP over the thresholds, 0 to 1.
    pub evaluations: Vec<(u64, f64)>,
    /// Mean loss over equal parts of the steps.
    pub loss: Vec<f64>,
    /// Last message of a run that failed.
    pub fault: Option<String>,
}

pub(crate) fn read(path: &Path) -> Result<RunFacts, InspectError> {
    let name = path.file_name().unwrap_or(path.as_os_str());
    let run = RunRecord::read(path, name.to_string_lossy().into_owned())?;
    let metrics = path.join(METRICS);
    let text = std::fs::read_to_string(&metrics).map_err(FileError::at("read", &metrics))?;
    let lines = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let (mut losses, mut evaluations) = (Vec::new(), Vec::new());
    for line in lines {
        match line["event"].as_str() {
            Some("step") => losses.extend(line["loss"].as_f64()),
            Some("evaluation") => {
                evaluations.extend(line["epoch"].as_u64().zip(line["average_map"].as_f64()));
            }
            _ => {}
        }
    }
    let log = std::fs::read_to_string(path.join(LOG)).unwrap_or_default();
    let last = log.lines().rev().find(|line| line.contains("ERROR"));
    Ok(RunFacts {
        fault: last
            .filter(|_| run.state == RunState::Failed)
            .map(str::to_owned),
        run,
        evaluations,
        loss: means(&losses, NUM_POINTS),
    })
}

/// Means over at most `num_points` equal parts.
fn means(values: &[f64], num_points: usize) -> Vec<f64> {
    let num_points = num_points.min(values.len());
    let part = |index: usize| index * values.len() / num_points;
    let parts = (0..num_points).map(|index| &values[part(index)..part(index + 1)]);
    parts
        .map(|part| part.iter().sum::<f64>() / part.len() as f64)
        .collect()
}

impl RunFacts {
    pub(crate) fn sections(&self) -> Vec<Section> {
        let run = &self.run;
        let folder = run.folder.display();
        let percent = |map: f64| format!("{:.2} %", 100.0 * map);
        let of = run.num_steps.map_or(String::new(), |all| {
            format!(" of {}", grouped(all as usize))
        });
        let next = match run.state {
            RunState::Finished => format!("tal test {folder}, or tal predict {folder} INPUT"),
            RunState::Running => format!("wait for it; {folder}/{LOG} has its messages"),
            RunState::Stopped => format!("tal train CONFIG --out {folder} --resume continues it"),
            RunState::Failed => format!(
                "{folder}/{LOG} says why; tal train CONFIG --out {folder} --resume tries again"
            ),
        };
        let there = [BEST, LAST, DETECTIONS, METRICS, LOG];
        let there: Vec<&str> = there
            .into_iter()
            .filter(|name| run.folder.join(name).is_file())
            .collect();
        let mut sections = vec![facts([
            ("state", Some(run.state.name().to_owned())),
            ("fault", self.fault.clone()),
            ("method", Some(run.method.clone())),
            ("data", Some(run.data.clone())),
            (
                "steps",
                Some(format!(
                    "{}{of}, {} epochs",
                    grouped(run.steps as usize),
                    run.epochs
                )),
            ),
            ("time", Some(duration(run.seconds))),
            ("best mAP", run.best_map.map(percent)),
            ("last mAP", run.last_map.map(percent)),
            ("files", Some(there.join(", "))),
            ("next", Some(next)),
        ])];
        if !self.loss.is_empty() {
            sections.push(Section::Plot {
                title: "Loss over the steps".to_owned(),
                values: self.loss.clone(),
            });
        }
        if self.evaluations.len() > 1 {
            sections.push(Section::Plot {
                title: "Average mAP [%] over the evaluations".to_owned(),
                values: self
                    .evaluations
                    .iter()
                    .map(|(_, map)| 100.0 * map)
                    .collect(),
            });
        }
        sections
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_long_run_are_its_means() {
        assert_eq!(means(&[1.0, 3.0, 5.0, 7.0], 2), [2.0, 6.0]);
        assert_eq!(means(&[1.0, 3.0], 60), [1.0, 3.0]);
        assert_eq!(means(&[], 60), [] as [f64; 0]);
    }
}
