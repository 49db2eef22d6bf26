//! A detector measured on a subset.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tal_core::DetectionSet;
use tal_data::Dataset;
use tal_postprocess::{Evaluation, evaluate_with};

use crate::detector::Detector;
use crate::error::EngineError;

/// What a detector found in a subset and how good that is.
#[derive(Debug, Clone)]
pub struct EvaluationReport {
    /// Subsets that were evaluated.
    pub subsets: Vec<String>,
    /// What was found, by recording.
    pub detections: DetectionSet,
    /// The figures.
    pub evaluation: Evaluation,
    /// Time for loading, the network and suppression.
    pub detect_time: Duration,
}

/// Runs a detector over a data set and compares what it finds with the annotations.
pub struct Evaluator {
    dataset: Arc<Dataset>,
    subsets: Vec<String>,
    num_workers: usize,
}

impl Evaluator {
    /// An evaluator for the recordings of `dataset`; `subsets` are their subsets' names for the report.
    pub fn new(dataset: Arc<Dataset>, subsets: &[String], num_workers: usize) -> Self {
        Self {
            dataset,
            subsets: subsets.to_vec(),
            num_workers,
        }
    }

    /// Number of recordings.
    pub fn num_recordings(&self) -> usize {
        self.dataset.num_recordings()
    }

    /// Whether the annotations can be evaluated at all: what would otherwise only show after training.
    ///
    /// # Errors
    /// Where the ground truth is empty or not usable.
    pub fn check(&self, config: &tal_core::config::EvaluationConfig) -> Result<(), EngineError> {
        let classes = &self.dataset.ground_truth().classes;
        evaluate_with(self.recordings(), &DetectionSet::new(), config, classes)?;
        Ok(())
    }

    /// Finds actions in all recordings. `progress` is called with the number of recordings done and their number.
    ///
    /// # Errors
    /// Where a recording cannot be loaded or its detections are not usable.
    pub fn detect(
        &self,
        detector: &Detector,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<DetectionSet, EngineError> {
        let total = self.num_recordings();
        progress(0, total);
        let mut detections = DetectionSet::new();
        let all = self.dataset.features_in_order(self.num_workers, 4)?;
        for (index, features) in all.enumerate() {
            let features = features?;
            let found = detector.detect(&features)?;
            detections.insert(features.id, found);
            progress(index + 1, total);
        }
        Ok(detections)
    }

    /// [`Evaluator::detect`], then the comparison with the annotations under the detector's `evaluation` settings.
    ///
    /// # Errors
    /// As [`Evaluator::detect`], and where the ground truth is not usable.
    pub fn evaluate(
        &self,
        detector: &Detector,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<EvaluationReport, EngineError> {
        let start = Instant::now();
        let detections = self.detect(detector, progress)?;
        let detect_time = start.elapsed();
        let evaluation = evaluate_with(
            self.recordings(),
            &detections,
            &detector.config().evaluation,
            &self.dataset.ground_truth().classes,
        )?;
        Ok(EvaluationReport {
            subsets: self.subsets.clone(),
            detections,
            evaluation,
            detect_time,
        })
    }

    fn recordings(&self) -> &[tal_core::Recording] {
        &self.dataset.ground_truth().recordings
    }
}
