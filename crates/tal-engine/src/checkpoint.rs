//! Checkpoints: one safetensors file whose metadata holds a manifest.
//!
//! The file has tensors under `model.NAME` (trained weights), `ema.NAME` (their moving average) and, if a run can continue
//! from it, `optimizer.…`. Its metadata has one key, `tal`, with the [`Manifest`] as JSON. Files are written to a temporary
//! sibling, synced and renamed, so that a reader sees the old file or the new one and never a part.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tal_core::config::{Config, Weights};
use tal_core::weights::{NamedTensors, read_safetensors, write_safetensors};
use tal_core::{ClassMap, plain_list, plain_words};
use tal_decoder::CriterionState;

pub use tal_runs::files::{BEST, LAST};

use crate::error::EngineError;
use crate::trained_on::TrainedOn;

/// Version of the layout and of the configuration in it; a file of another version is refused.
pub const FORMAT: u32 = 2;

/// The metadata key of the manifest.
const KEY: &str = "tal";

/// Description of a checkpoint in its own file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`] of the file.
    pub format: u32,
    /// The program that wrote it: version and source revision.
    pub code: String,
    /// The resolved configuration.
    pub config: Config,
    /// Names of the classes.
    pub classes: ClassMap,
    /// The kind of weights to use by default.
    pub weights: Weights,
    /// Progress of the run; absent in files that hold weights alone.
    pub run: Option<RunState>,
    /// Origin of the weights, such as an imported file.
    pub origin: Option<String>,
    /// Traits of the training recordings; nothing in files of earlier versions and imported ones.
    #[serde(default)]
    pub trained_on: TrainedOn,
}

/// Everything that a run needs besides tensors to continue as if it had never stopped. Random numbers need no state: they are
/// drawn from streams named by (seed, epoch, step, recording).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// Optimiser steps done.
    pub step: u64,
    /// Epoch of the next step, from 0.
    pub epoch: u64,
    /// Batches of that epoch that are done.
    pub batch: u64,
    /// Sum of the total loss over these batches.
    pub epoch_loss: f64,
    /// State of the loss normaliser.
    pub criterion: CriterionState,
    /// Bytes of `metrics.jsonl` that belong to the steps done.
    pub metrics_bytes: u64,
    /// The best evaluation so far.
    pub best: Option<Best>,
}

/// The best evaluation of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Epoch before the evaluation, counted from 1.
    pub epoch: u64,
    /// Average mAP, 0 to 1.
    pub average_map: f64,
}

/// A checkpoint in memory.
#[derive(Debug)]
pub struct Checkpoint {
    /// The manifest.
    pub manifest: Manifest,
    /// Its tensors with their prefixes.
    pub tensors: NamedTensors,
}

impl Checkpoint {
    /// A checkpoint without tensors, written by this program.
    pub(crate) fn empty(
        config: &Config,
        classes: &ClassMap,
        weights: Weights,
        run: Option<RunState>,
        origin: Option<String>,
    ) -> Self {
        Self {
            manifest: Manifest {
                format: FORMAT,
                code: code_version(),
                config: config.clone(),
                classes: classes.clone(),
                weights,
                run,
                origin,
                trained_on: TrainedOn::default(),
            },
            tensors: NamedTensors::new(),
        }
    }

    /// Reads a checkpoint.
    ///
    /// # Errors
    /// If the file is missing, truncated, not a checkpoint of this program, or of another version of it.
    pub fn read(path: &Path) -> Result<Self, EngineError> {
        let (tensors, metadata) = read_safetensors(path)?;
        let refuse = |reason: String| EngineError::checkpoint(path, reason);
        let manifest = metadata.get(KEY).ok_or_else(|| {
            refuse(
                "is a safetensors file without the manifest of a checkpoint; was it written by `tal`?"
                    .to_owned(),
            )
        })?;
        let format = serde_json::from_str::<serde_json::Value>(manifest)
            .ok()
            .and_then(|value| value["format"].as_u64());
        if let Some(format) = format
            && format != u64::from(FORMAT)
        {
            let hint = if format > u64::from(FORMAT) {
                "use a newer version"
            } else {
                "use the version that wrote it, or train or import again"
            };
            return Err(refuse(format!(
                "has format {format}, this program reads {FORMAT}; {hint}"
            )));
        }
        let manifest: Manifest = serde_json::from_str(manifest).map_err(|error| {
            let error = plain_words(&error.to_string());
            refuse(format!("has a manifest that cannot be read: {error}"))
        })?;
        if let Err(errors) = manifest.config.validate() {
            let mistake = &errors[0];
            return Err(refuse(format!(
                "holds a configuration with a mistake: {mistake}"
            )));
        }
        Ok(Self { manifest, tensors })
    }

    /// The checkpoint file that `path` means: the file itself, or the best checkpoint of a run folder, or else its last one.
    ///
    /// # Errors
    /// If there is nothing, or a folder without checkpoint; the error names the runs beside it.
    pub fn locate(path: &Path) -> Result<PathBuf, EngineError> {
        if path.is_file() {
            return Ok(path.to_owned());
        }
        let mut files = [BEST, LAST].iter().map(|name| path.join(name));
        if let Some(file) = files.find(|file| file.is_file()) {
            return Ok(file);
        }
        let fault = match path.is_dir() {
            true => format!("is a folder without {BEST} or {LAST}"),
            false => "does not exist".to_owned(),
        };
        let beside = path.parent().unwrap_or(Path::new(""));
        let runs = [runs_in(path), runs_in(beside), runs_in(Path::new("runs"))];
        let runs: BTreeSet<String> = runs.into_iter().flatten().collect();
        let hint = match runs.is_empty() {
            true => String::new(),
            false => format!("; the runs here are {}", plain_list(runs)),
        };
        let reason = format!("{fault}; give a run folder or a checkpoint file{hint}");
        Err(EngineError::checkpoint(path, reason))
    }

    /// Writes the checkpoint, whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written; an existing file then stays as it was.
    pub fn write(&self, path: &Path) -> Result<(), EngineError> {
        let manifest = serde_json::to_string(&self.manifest).expect("a manifest is plain data");
        let metadata = BTreeMap::from([(KEY.to_owned(), manifest)]);
        Ok(write_safetensors(path, &self.tensors, &metadata)?)
    }

    /// The tensors below `prefix`, under their names without it.
    pub fn section(&self, prefix: &str) -> NamedTensors {
        let prefix = format!("{prefix}.");
        self.tensors
            .iter()
            .filter_map(|(name, tensor)| {
                let name = name.strip_prefix(&prefix)?;
                Some((name.to_owned(), tensor.shallow_clone()))
            })
            .collect()
    }

    /// Adds `tensors` under `prefix`.
    pub fn insert_section(&mut self, prefix: &str, tensors: &NamedTensors) {
        for (name, tensor) in tensors {
            self.tensors
                .insert(format!("{prefix}.{name}"), tensor.shallow_clone());
        }
    }

    /// The weights of the kind `wish` [default: that of the manifest], or of the only kind that the file holds.
    pub fn weights(&self, wish: Option<Weights>) -> (Weights, NamedTensors) {
        let first = wish.unwrap_or(self.manifest.weights);
        let second = match first {
            Weights::Ema => Weights::Raw,
            Weights::Raw => Weights::Ema,
        };
        let section = self.section(prefix(first));
        if section.is_empty() {
            (second, self.section(prefix(second)))
        } else {
            (first, section)
        }
    }
}

/// Folders in `folder` that hold a checkpoint.
fn runs_in(folder: &Path) -> Vec<String> {
    let listed = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let entries = std::fs::read_dir(listed).into_iter().flatten().flatten();
    let is_run = |name: &Path| [BEST, LAST].iter().any(|file| name.join(file).is_file());
    let runs = entries.filter(|entry| is_run(&entry.path()));
    runs.map(|entry| folder.join(entry.file_name()).display().to_string())
        .collect()
}

/// The prefix of a kind of weights in a checkpoint.
pub(crate) fn prefix(weights: Weights) -> &'static str {
    match weights {
        Weights::Ema => "ema",
        Weights::Raw => "model",
    }
}

/// Version and source revision of this program.
pub(crate) fn code_version() -> String {
    match option_env!("TAL_REVISION") {
        Some(revision) => format!("tal {} ({revision})", env!("CARGO_PKG_VERSION")),
        None => format!("tal {}", env!("CARGO_PKG_VERSION")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_formats_are_refused_before_their_content_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.safetensors");
        for (format, hint) in [(FORMAT - 1, "train or import again"), (FORMAT + 1, "newer")] {
            let manifest = format!("{{\"format\": {format}}}");
            let metadata = BTreeMap::from([(KEY.to_owned(), manifest)]);
            write_safetensors(&path, &NamedTensors::new(), &metadata).unwrap();
            let message = Checkpoint::read(&path).unwrap_err().to_string();
            assert!(
                message.contains(&format!("has format {format}")),
                "{message}"
            );
            assert!(message.contains(hint), "{message}");
        }
    }
}
