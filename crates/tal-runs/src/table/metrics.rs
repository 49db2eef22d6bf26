//! Summary of a run by its `metrics.jsonl`.

use std::path::Path;

use serde_json::Value;
use tal_core::FileError;

/// Sums over the lines of a run.
#[derive(Debug, Default)]
pub(super) struct Course {
    pub(super) steps: u64,
    pub(super) epochs: u64,
    /// Steps of an epoch, known after the first one.
    pub(super) steps_per_epoch: Option<u64>,
    pub(super) best_map: Option<f64>,
    pub(super) last_map: Option<f64>,
    /// Seconds of training and of evaluations.
    pub(super) seconds: f64,
}

impl Course {
    /// Reads a `metrics.jsonl`; nothing if there is none. Lines that are not whole are left out.
    pub(super) fn read(path: &Path) -> Result<Self, FileError> {
        let mut course = Self::default();
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(course),
            text => text.map_err(FileError::at("read", path))?,
        };
        let lines = text.lines();
        for line in lines.filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            course.add(&line);
        }
        Ok(course)
    }

    fn add(&mut self, line: &Value) {
        self.seconds += line["seconds"].as_f64().unwrap_or(0.0);
        match line["event"].as_str() {
            Some("step") => self.steps = line["step"].as_u64().map_or(self.steps, |step| step + 1),
            Some("epoch") => {
                self.epochs = line["epoch"].as_u64().unwrap_or(self.epochs);
                self.steps = line["step"].as_u64().unwrap_or(self.steps);
                let per_epoch = self.steps.checked_div(self.epochs);
                self.steps_per_epoch = self.steps_per_epoch.or(per_epoch);
            }
            Some("evaluation") => {
                self.last_map = line["average_map"].as_f64();
                let best = self.best_map.into_iter().chain(self.last_map);
                self.best_map = best.max_by(f64::total_cmp);
            }
            _ => {}
        }
    }
}
