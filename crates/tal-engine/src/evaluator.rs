//! A detector measured on a subset.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tal_core::config::ExternalScoresConfig;
use tal_core::{ClassMap, DetectionSet, GroundTruth};
use tal_data::Dataset;
use tal_postprocess::{Evaluation, evaluate_with};

use crate::detector::Detector;
use crate::error::EngineError;
use crate::external_scores::ExternalScores;

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
    external_scores: Option<ExternalScores>,
}

impl Evaluator {
    /// An evaluator for the recordings of `dataset`; `subsets` are their subsets' names for the report.
    pub fn new(dataset: Arc<Dataset>, subsets: &[String], num_workers: usize) -> Self {
        Self {
            dataset,
            subsets: subsets.to_vec(),
            num_workers,
            external_scores: None,
        }
    }

    /// Detections get their classes from the scores that `config` names, and are compared with the classes of the
    /// annotation file; without it, they keep those of the network.
    ///
    /// # Errors
    /// Where the file cannot be used or lacks a recording.
    pub fn with_external_scores(
        mut self,
        config: Option<&ExternalScoresConfig>,
    ) -> Result<Self, EngineError> {
        self.external_scores = None;
        if let Some(config) = config {
            let classes = &self.dataset.labelled_truth().classes;
            let scores = ExternalScores::read(&config.file, classes, config.fusion())?;
            let ids = (0..self.num_recordings()).map(|index| &*self.dataset.recording(index).id);
            scores.check(ids)?;
            self.external_scores = Some(scores);
        }
        Ok(self)
    }

    /// Names of the classes that detections have, where they are those of external scores.
    pub fn external_classes(&self) -> Option<&ClassMap> {
        self.external_scores.as_ref().map(ExternalScores::classes)
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
        let truth = self.truth();
        let none = DetectionSet::new();
        evaluate_with(&truth.recordings, &none, config, &truth.classes)?;
        Ok(())
    }

    /// Finds actions in all recordings and gives them their classes. `progress` is called with the number of recordings done and their number.
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
        match &self.external_scores {
            Some(scores) => scores.fuse(&detections),
            None => Ok(detections),
        }
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
        let truth = self.truth();
        let rules = &detector.config().evaluation;
        let evaluation = evaluate_with(&truth.recordings, &detections, rules, &truth.classes)?;
        Ok(EvaluationReport {
            subsets: self.subsets.clone(),
            detections,
            evaluation,
            detect_time,
        })
    }

    /// What detections are compared with: where the network knows one class and nothing gives them others, annotations of
    /// that one class.
    fn truth(&self) -> &GroundTruth {
        match &self.external_scores {
            Some(_) => self.dataset.labelled_truth(),
            None => self.dataset.ground_truth(),
        }
    }
}
