//! One run, as a row of a table.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;
use tal_core::FileError;

use super::metrics::Course;
use crate::files::{LOG, METRICS, RESOLVED_CONFIG, SUMMARY};
use crate::{RunsError, flattened};

/// A run, as its folder shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunRecord {
    /// Path of the folder from where the search began.
    pub name: String,
    /// The folder.
    pub folder: PathBuf,
    /// State.
    pub state: RunState,
    /// Method: the mixer of the network, or `backtal`.
    pub method: String,
    /// Data: the last two parts of the path of the annotations.
    pub data: String,
    /// Best mean of mAP over the thresholds, 0 to 1; `None` if nothing was evaluated.
    pub best_map: Option<f64>,
    /// The same of the last evaluation.
    pub last_map: Option<f64>,
    /// Steps done.
    pub steps: u64,
    /// Steps of the whole run; `None` before the end of the first epoch.
    pub num_steps: Option<u64>,
    /// Epochs done.
    pub epochs: u64,
    /// Seconds of training and evaluation.
    pub seconds: f64,
    /// The configuration, by dotted key.
    pub config: BTreeMap<String, Value>,
}

/// What became of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Its results are there.
    Finished,
    /// A process trains in the folder.
    Running,
    /// It was interrupted or killed, and can continue.
    Stopped,
    /// An error ended it, which stands at the end of its log.
    Failed,
}

impl RunState {
    /// The name in tables and conditions.
    pub fn name(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }
}

impl RunRecord {
    /// Whether a folder is that of a run.
    pub fn is_run(folder: &Path) -> bool {
        folder.join(RESOLVED_CONFIG).is_file() && folder.join(METRICS).is_file()
    }

    /// Reads the run of a folder.
    ///
    /// # Errors
    /// If the configuration or the metrics cannot be read.
    pub fn read(folder: &Path, name: String) -> Result<Self, RunsError> {
        let path = folder.join(RESOLVED_CONFIG);
        let text = fs::read_to_string(&path).map_err(FileError::at("read", &path))?;
        let config: Value = serde_yaml::from_str(&text).map_err(|error| {
            RunsError::malformed(&path, format!("is no configuration: {error}"))
        })?;
        let course = Course::read(&folder.join(METRICS))?;
        let number = |key: &str| config["train"][key].as_u64();
        let scheduled = number("warmup_epochs")
            .zip(number("epochs"))
            .map(|(a, b)| a + b);
        let stop = number("early_stop_epochs").unwrap_or(u64::MAX);
        let num_epochs = scheduled.map(|all| all.min(stop));
        let per_epoch = course.steps_per_epoch;
        Ok(Self {
            name,
            folder: folder.to_owned(),
            state: state(folder),
            method: method(&config).to_owned(),
            data: data(&config),
            best_map: course.best_map,
            last_map: course.last_map,
            steps: course.steps,
            num_steps: per_epoch
                .zip(num_epochs)
                .map(|(steps, epochs)| steps * epochs),
            epochs: course.epochs,
            seconds: course.seconds,
            config: flattened(&config),
        })
    }
}

/// The method of a configuration: the mixer of its network, or `backtal`.
pub fn method(config: &Value) -> &str {
    match config["backtal"].is_object() {
        true => "backtal",
        false => config["encoder"]["mixer"]["type"]
            .as_str()
            .unwrap_or("unknown"),
    }
}

/// The data of a configuration: the last two parts of the path of its annotations.
pub fn data(config: &Value) -> String {
    let path = config["dataset"]["annotations"]
        .as_str()
        .unwrap_or("unknown");
    let parts: Vec<&str> = path
        .split(['/', '\\'])
        .filter(|part| !part.is_empty())
        .collect();
    parts[parts.len().saturating_sub(2)..].join("/")
}

fn state(folder: &Path) -> RunState {
    if folder.join(SUMMARY).is_file() {
        RunState::Finished
    } else if is_locked(folder) {
        RunState::Running
    } else if ends_in_error(&folder.join(LOG)) {
        RunState::Failed
    } else {
        RunState::Stopped
    }
}

/// Whether a process has locked the folder, as one that trains does.
fn is_locked(folder: &Path) -> bool {
    let locked = File::open(folder).map(|folder| folder.try_lock_shared());
    matches!(locked, Ok(Err(TryLockError::WouldBlock)))
}

fn ends_in_error(log: &Path) -> bool {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    last.is_some_and(|line| line.split_whitespace().take(2).any(|word| word == "ERROR"))
}
