//! `metrics.jsonl`: one JSON object per line, for programs; the end of the file always matches a checkpoint on resume.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tal_decoder::sensitivity::LearnedSensitivity;

use crate::error::EngineError;

/// A line of `metrics.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Metric {
    /// One optimiser step.
    Step(StepMetrics),
    /// The end of an epoch.
    Epoch {
        /// Epoch, counted from 1.
        epoch: u64,
        /// Steps done in all.
        step: u64,
        /// Mean of the total loss over the epoch's steps.
        mean_loss: f64,
        /// Seconds that the epoch's steps took in this process.
        seconds: f64,
        /// Steps that these seconds cover: fewer than the epoch has after an interruption within it. Absent in files of
        /// earlier versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timed_steps: Option<u64>,
    },
    /// An evaluation.
    Evaluation {
        /// Epoch after which it was made, counted from 1.
        epoch: u64,
        /// Subsets that were evaluated.
        subsets: Vec<String>,
        /// Mean over thresholds of mAP, 0 to 1.
        average_map: f64,
        /// mAP per tIoU threshold, 0 to 1.
        map: Vec<f64>,
        /// Seconds.
        seconds: f64,
    },
}

/// What one step did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepMetrics {
    /// Epoch, counted from 1.
    pub epoch: u64,
    /// Step, counted from 0 over the whole run.
    pub step: u64,
    /// Learning rate.
    pub rate: f64,
    /// Total loss.
    pub loss: f64,
    /// Classification part.
    pub cls_loss: f64,
    /// Regression part.
    pub reg_loss: f64,
    /// L2 norm of all gradients before clipping.
    pub grad_norm: f64,
    /// Positive points of the batch.
    pub num_positives: u64,
    /// The loss normaliser after the step.
    pub normalizer: f64,
    /// BackTAL's losses, of which `cls_loss` is `base_loss + supp_loss`, `reg_loss` is 0 and `num_positives` counts clicks;
    /// absent for detectors that learn from segments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backtal: Option<BackTalMetrics>,
    /// Action sensitivity learning; absent without `loss.action_sensitivity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<Box<SensitivityMetrics>>,
}

/// The terms of BackTAL's loss, before their weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackTalMetrics {
    /// Cross-entropy of recording scores, background present.
    pub base_loss: f64,
    /// The same of the suppressed branch, background absent.
    pub supp_loss: f64,
    /// L1 norm of the foreground weights.
    pub norm_loss: f64,
    /// Cross-entropy at clicked snippets.
    pub click_loss: f64,
    /// Score separation.
    pub separation_loss: f64,
    /// Affinity loss of the embedding.
    pub embedding_loss: f64,
}

/// What one step did with `loss.action_sensitivity`; parts that are switched off, or had nothing to work on, are absent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SensitivityMetrics {
    /// Mean classification weight of the positive pairs, before it is normalised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cls_weight: Option<f64>,
    /// Mean regression weight of the positive pairs, before it is normalised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reg_weight: Option<f64>,
    /// Squared error of the evaluators, before its weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality_loss: Option<f64>,
    /// Contrastive loss, before its weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contrastive_loss: Option<f64>,
    /// μ and σ of every class after the step; in the last step of an epoch only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<LearnedSensitivity>,
}

/// Reads a `metrics.jsonl`. A last line that is not complete, as a kill leaves it, is left out.
///
/// # Errors
/// Where the file cannot be read or a line is no metric.
pub fn read(path: &Path) -> Result<Vec<Metric>, EngineError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| EngineError::io("read", path, source))?;
    let complete = text.rfind('\n').map_or("", |end| &text[..end]);
    complete
        .lines()
        .enumerate()
        .map(|(line, text)| {
            serde_json::from_str(text).map_err(|error| EngineError::Checkpoint {
                path: path.to_owned(),
                reason: format!("line {}: {error}", line + 1),
            })
        })
        .collect()
}

/// Writer of `metrics.jsonl`.
pub struct MetricsLog {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl MetricsLog {
    /// Opens the log and cuts it to its first `keep` bytes: what comes after belongs to steps that will be done again.
    ///
    /// # Errors
    /// Where the file cannot be opened, or is shorter than `keep`.
    pub fn open(path: &Path, keep: u64) -> Result<Self, EngineError> {
        let io = |source| EngineError::io("write", path, source);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(io)?;
        let found = file.metadata().map_err(io)?.len();
        if found < keep {
            return Err(EngineError::Checkpoint {
                path: path.to_owned(),
                reason: format!(
                    "has {found} bytes, the checkpoint beside it expects at least {keep}; restore the file that belongs \
                     to the checkpoint"
                ),
            });
        }
        file.set_len(keep).map_err(io)?;
        file.seek(SeekFrom::End(0)).map_err(io)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            bytes: keep,
        })
    }

    /// Adds a line.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&mut self, metric: &Metric) -> Result<(), EngineError> {
        let mut line = serde_json::to_string(metric).expect("metrics are plain data");
        line.push('\n');
        self.file
            .write_all(line.as_bytes())
            .map_err(|source| EngineError::io("write", &self.path, source))?;
        self.bytes += line.len() as u64;
        Ok(())
    }

    /// Makes sure that everything is on disk and returns how many bytes that is.
    ///
    /// # Errors
    /// Where the system cannot.
    pub fn sync(&mut self) -> Result<u64, EngineError> {
        self.file
            .sync_data()
            .map_err(|source| EngineError::io("write", &self.path, source))?;
        Ok(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(epoch: u64) -> Metric {
        Metric::Epoch {
            epoch,
            step: epoch * 10,
            mean_loss: 0.1 + 0.2,
            seconds: 1.0,
            timed_steps: Some(3),
        }
    }

    #[test]
    fn what_lies_behind_a_checkpoint_is_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.jsonl");
        let mut log = MetricsLog::open(&path, 0).unwrap();
        log.write(&epoch(1)).unwrap();
        let keep = log.sync().unwrap();
        log.write(&epoch(2)).unwrap();
        drop(log);
        let mut log = MetricsLog::open(&path, keep).unwrap();
        log.write(&epoch(3)).unwrap();
        drop(log);
        assert_eq!(read(&path).unwrap(), [epoch(1), epoch(3)]);
        let torn = std::fs::read_to_string(&path).unwrap() + "{\"event\": \"ste";
        std::fs::write(&path, torn).unwrap();
        assert_eq!(read(&path).unwrap(), [epoch(1), epoch(3)]);
        let error = MetricsLog::open(&path, 10_000).err().unwrap().to_string();
        assert!(error.contains("expects at least 10000"), "{error}");
    }
}
