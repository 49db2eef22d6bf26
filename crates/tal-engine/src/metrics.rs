//! `metrics.jsonl`: one JSON object per line, for programs. On resume, the file is cut to the state of the checkpoint.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tal_core::FileError;
use tal_core::config::CurveFormat;
use tal_decoder::LearnedActionSensitivity;
use tal_runs::Curves;

use crate::error::EngineError;
use crate::ranks::Ranks;

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
        /// Steps in these seconds: fewer than the epoch has if it was interrupted. Absent in files of earlier versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timed_steps: Option<u64>,
    },
    /// An evaluation.
    Evaluation {
        /// Epoch before the evaluation, counted from 1.
        epoch: u64,
        /// Evaluated subsets.
        subsets: Vec<String>,
        /// Mean over thresholds of mAP, 0 to 1.
        average_map: f64,
        /// mAP per tIoU threshold, 0 to 1.
        map: Vec<f64>,
        /// The tIoU thresholds. Absent in files of earlier versions.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tiou_thresholds: Vec<f64>,
        /// Seconds.
        seconds: f64,
    },
}

/// Figures of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "StepLine", into = "StepLine")]
pub struct StepMetrics {
    /// Epoch, counted from 1.
    pub epoch: u64,
    /// Step, counted from 0 over the whole run.
    pub step: u64,
    /// Learning rate.
    pub rate: f64,
    /// Total loss.
    pub loss: f64,
    /// L2 norm of all gradients before clipping.
    pub grad_norm: f64,
    /// The loss normaliser after the step.
    pub normalizer: f64,
    /// Figures of the method.
    pub terms: StepTerms,
}

/// Figures of one step that depend on the method.
#[derive(Debug, Clone, PartialEq)]
pub enum StepTerms {
    /// Learning from segments.
    Pyramid(PyramidMetrics),
    /// BackTAL.
    BackTal {
        /// The terms of the loss.
        losses: BackTalMetrics,
        /// Clicks in the batch.
        num_clicks: u64,
    },
}

impl StepTerms {
    /// Puts the figures of the whole batch in the place of the share of a rank. `num_positives` is that of the whole batch
    /// already.
    pub(crate) fn sum_over(&mut self, ranks: &Ranks) -> Result<(), EngineError> {
        if ranks.is_alone() {
            return Ok(());
        }
        match self {
            StepTerms::Pyramid(terms) => {
                let mut parts = vec![&mut terms.cls_loss, &mut terms.reg_loss];
                if let Some(sensitivity) = &mut terms.action_sensitivity {
                    let ActionSensitivityMetrics {
                        cls_weight,
                        reg_weight,
                        quality_loss,
                        contrastive_loss,
                        classes: _,
                    } = &mut **sensitivity;
                    // Whether one is there depends on the whole batch.
                    let there = [cls_weight, reg_weight, quality_loss, contrastive_loss];
                    parts.extend(there.into_iter().flatten());
                }
                sum_parts(parts, ranks)?;
            }
            StepTerms::BackTal { losses, num_clicks } => {
                let BackTalMetrics {
                    base_loss,
                    supp_loss,
                    norm_loss,
                    click_loss,
                    separation_loss,
                    embedding_loss,
                } = losses;
                let mut count = *num_clicks as f64;
                let parts = vec![
                    base_loss,
                    supp_loss,
                    norm_loss,
                    click_loss,
                    separation_loss,
                    embedding_loss,
                    &mut count,
                ];
                sum_parts(parts, ranks)?;
                *num_clicks = count as u64;
            }
        }
        Ok(())
    }
}

/// Puts sums over all ranks in the place of parts.
fn sum_parts(parts: Vec<&mut f64>, ranks: &Ranks) -> Result<(), EngineError> {
    let mut sums: Vec<f64> = parts.iter().map(|part| **part).collect();
    ranks.sum(&mut sums)?;
    for (part, sum) in parts.into_iter().zip(sums) {
        *part = sum;
    }
    Ok(())
}

/// Figures of one step of a detector that learns from segments.
#[derive(Debug, Clone, PartialEq)]
pub struct PyramidMetrics {
    /// Classification loss.
    pub cls_loss: f64,
    /// Regression loss.
    pub reg_loss: f64,
    /// Positive points of the batch.
    pub num_positives: u64,
    /// Action sensitivity learning; `None` without `loss.action_sensitivity`.
    pub action_sensitivity: Option<Box<ActionSensitivityMetrics>>,
}

/// A step as `metrics.jsonl` has it, with the same fields for both methods: for BackTAL `cls_loss` is `base_loss + supp_loss`,
/// `reg_loss` is 0 and `num_positives` counts clicks.
#[derive(Serialize, Deserialize)]
struct StepLine {
    epoch: u64,
    step: u64,
    rate: f64,
    loss: f64,
    cls_loss: f64,
    reg_loss: f64,
    grad_norm: f64,
    num_positives: u64,
    normalizer: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    backtal: Option<BackTalMetrics>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sensitivity: Option<Box<ActionSensitivityMetrics>>,
}

impl From<StepLine> for StepMetrics {
    fn from(line: StepLine) -> Self {
        Self {
            epoch: line.epoch,
            step: line.step,
            rate: line.rate,
            loss: line.loss,
            grad_norm: line.grad_norm,
            normalizer: line.normalizer,
            terms: match line.backtal {
                Some(losses) => StepTerms::BackTal {
                    losses,
                    num_clicks: line.num_positives,
                },
                None => StepTerms::Pyramid(PyramidMetrics {
                    cls_loss: line.cls_loss,
                    reg_loss: line.reg_loss,
                    num_positives: line.num_positives,
                    action_sensitivity: line.sensitivity,
                }),
            },
        }
    }
}

impl From<StepMetrics> for StepLine {
    fn from(step: StepMetrics) -> Self {
        let (terms, backtal) = match step.terms {
            StepTerms::Pyramid(terms) => (terms, None),
            StepTerms::BackTal { losses, num_clicks } => {
                let terms = PyramidMetrics {
                    cls_loss: losses.cls_loss(),
                    reg_loss: 0.0,
                    num_positives: num_clicks,
                    action_sensitivity: None,
                };
                (terms, Some(losses))
            }
        };
        Self {
            epoch: step.epoch,
            step: step.step,
            rate: step.rate,
            loss: step.loss,
            cls_loss: terms.cls_loss,
            reg_loss: terms.reg_loss,
            grad_norm: step.grad_norm,
            num_positives: terms.num_positives,
            normalizer: step.normalizer,
            backtal,
            sensitivity: terms.action_sensitivity,
        }
    }
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

impl BackTalMetrics {
    /// Classification part of the loss: that of both branches.
    pub fn cls_loss(&self) -> f64 {
        self.base_loss + self.supp_loss
    }
}

/// Figures of action sensitivity learning in one step; parts that are switched off, or had no data, are absent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ActionSensitivityMetrics {
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
    pub classes: Option<LearnedActionSensitivity>,
}

/// Reads a `metrics.jsonl`. A last line that is not complete, as a kill leaves it, is left out.
///
/// # Errors
/// If the file cannot be read or a line is not a metric.
pub fn read(path: &Path) -> Result<Vec<Metric>, EngineError> {
    let text = std::fs::read_to_string(path).map_err(FileError::at("read", path))?;
    let complete = text.rfind('\n').map_or("", |end| &text[..end]);
    complete
        .lines()
        .enumerate()
        .map(|(line, text)| {
            serde_json::from_str(text).map_err(|error| {
                EngineError::checkpoint(path, format!("line {}: {error}", line + 1))
            })
        })
        .collect()
}

/// Writer of `metrics.jsonl`.
pub struct MetricsLog {
    path: PathBuf,
    file: File,
    bytes: u64,
    curves: Option<Curves>,
}

impl MetricsLog {
    /// Opens the log and cuts it to its first `keep` bytes: the rest belongs to steps that will be done again.
    ///
    /// # Errors
    /// If the file cannot be opened, or is shorter than `keep`.
    pub fn open(path: &Path, keep: u64) -> Result<Self, EngineError> {
        let io = FileError::at("write", path);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(&io)?;
        let found = file.metadata().map_err(&io)?.len();
        if found < keep {
            let reason = format!(
                "has {found} bytes, the checkpoint beside it expects at least {keep}; restore the file that belongs to the \
                 checkpoint"
            );
            return Err(EngineError::checkpoint(path, reason));
        }
        file.set_len(keep).map_err(&io)?;
        file.seek(SeekFrom::End(0)).map_err(&io)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            bytes: keep,
            curves: None,
        })
    }

    /// Also writes the curves in formats of other tools, beside the log; they then hold its lines and no others.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub fn with_curves(mut self, formats: &[CurveFormat]) -> Result<Self, EngineError> {
        if !formats.is_empty() {
            let text = std::fs::read_to_string(&self.path);
            let text = text.map_err(FileError::at("read", &self.path))?;
            let folder = self.path.parent().unwrap_or(Path::new(""));
            self.curves = Some(Curves::open(folder, formats, &text)?);
        }
        Ok(self)
    }

    /// Adds a line.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&mut self, metric: &Metric) -> Result<(), EngineError> {
        let mut line = serde_json::to_string(metric).expect("metrics are plain data");
        line.push('\n');
        let written = self.file.write_all(line.as_bytes());
        written.map_err(FileError::at("write", &self.path))?;
        self.bytes += line.len() as u64;
        if let Some(curves) = &mut self.curves {
            curves.add(&line)?;
        }
        Ok(())
    }

    /// Makes sure that everything is on disk, and returns the number of bytes.
    ///
    /// # Errors
    /// If the system fails.
    pub fn sync(&mut self) -> Result<u64, EngineError> {
        let synced = self.file.sync_data();
        synced.map_err(FileError::at("write", &self.path))?;
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
