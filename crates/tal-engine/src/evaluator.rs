//! A detector measured on a subset.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tal_core::config::{ClassScoresConfig, Config};
use tal_core::{ClassMap, DetectionSet, GroundTruth};
use tal_data::{Dataset, Features};
use tal_postprocess::{Evaluation, EvaluationError, evaluate_with};

use crate::backtal;
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
        config: Option<&ClassScoresConfig>,
    ) -> Result<Self, EngineError> {
        self.external_scores = None;
        if let Some(config) = config {
            let classes = &self.dataset.labelled_truth().classes;
            let scores = ExternalScores::read(&config.file, classes, config.rule())?;
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

    /// Whether what a network with these `classes` finds can be compared with the annotations: what would otherwise only show
    /// after training, or not at all.
    ///
    /// # Errors
    /// Where the ground truth is empty or not usable; where it gives a class id to another name than the network; where it
    /// lacks classes of the network and the dialect refuses that; where BackTAL does not know how many frames a recording
    /// has.
    pub fn check(&self, config: &Config, classes: &ClassMap) -> Result<(), EngineError> {
        let truth = self.truth();
        let rules = &config.evaluation;
        let refuse = |reason: String| EngineError::Untestable {
            path: config.dataset.annotations.clone(),
            subsets: self.subsets.join(", "),
            reason,
        };
        let none = DetectionSet::new();
        match evaluate_with(&truth.recordings, &none, rules, &truth.classes) {
            Err(error @ EvaluationError::NoGroundTruth { .. }) => {
                return Err(refuse(format!(
                    "{error}; annotate recordings to test on, also where training needs labels alone"
                )));
            }
            outcome => outcome?,
        };
        if self.external_scores.is_none()
            && let Some((id, trained, annotated)) = classes.conflict(&truth.classes)
        {
            return Err(refuse(format!(
                "the class with id {id} is {annotated:?} here, {trained:?} in the network; give every annotation the label_id \
                 that the network was trained with"
            )));
        }
        let classes = self.external_classes().unwrap_or(classes);
        let bound = match self.external_scores {
            Some(_) => 0,
            None => config.dataset.num_classes as u32,
        };
        let counted = truth.recordings.iter();
        let counted = counted.filter(|recording| !rules.blocked.contains(&recording.id));
        let annotated: BTreeSet<u32> = counted
            .flat_map(|recording| &recording.instances)
            .map(|instance| instance.label)
            .collect();
        let lacking: Vec<String> = (0..bound.max(classes.id_bound()))
            .filter(|label| !annotated.contains(label))
            .map(|label| classes.display_name(label))
            .filter(|name| Some(name) != rules.ambiguous_class.as_ref())
            .map(|name| format!("{name:?}"))
            .collect();
        if rules.dialect.refuses_unknown_classes() && !lacking.is_empty() {
            return Err(refuse(format!(
                "no annotation of the class {}, which the network may find and the dialect {} refuses; annotate it, or choose \
                 another evaluation.dialect, such as clean",
                lacking.join(", "),
                rules.dialect
            )));
        }
        if config.backtal.is_some() {
            backtal::check_fps(&self.dataset)?;
        }
        Ok(())
    }

    /// Finds actions in all recordings and gives them their classes. `progress` is called with the number of recordings done
    /// and their number.
    ///
    /// `inference.batch_size` recordings of one padded length go through the network together.
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
        let batch_size = detector.config().inference.batch_size;
        let mut detections = DetectionSet::new();
        let mut finish = |batch: Vec<Features>| -> Result<(), EngineError> {
            let found = detector.detect_all(&batch.iter().collect::<Vec<_>>())?;
            detections.extend(batch.into_iter().map(|features| features.id).zip(found));
            progress(detections.len(), total);
            Ok(())
        };
        let mut waiting = Waiting::new(batch_size);
        for features in self.dataset.features_in_order(self.num_workers, 4)? {
            let features = features?;
            let padded_len = detector.padded_len(&features);
            if let Some(batch) = waiting.push(padded_len, features) {
                finish(batch)?;
            }
        }
        waiting.rest().try_for_each(finish)?;
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

/// Recordings that wait for others of their padded length.
struct Waiting<T> {
    batch_size: usize,
    of_len: BTreeMap<usize, Vec<T>>,
    count: usize,
}

impl<T> Waiting<T> {
    /// Batches that may wait in all, so that memory does not grow with the number of different lengths.
    const MAX_BATCHES: usize = 2;

    fn new(batch_size: usize) -> Self {
        Waiting {
            batch_size,
            of_len: BTreeMap::new(),
            count: 0,
        }
    }

    /// Takes one more; the batch to be done now, if any.
    fn push(&mut self, len: usize, item: T) -> Option<Vec<T>> {
        self.count += 1;
        let batch = self.of_len.entry(len).or_default();
        batch.push(item);
        let full = if batch.len() == self.batch_size {
            len
        } else if self.count >= Self::MAX_BATCHES * self.batch_size {
            let fullest = self.of_len.iter().max_by_key(|(_, batch)| batch.len());
            *fullest.expect("something waits").0
        } else {
            return None;
        };
        let batch = self.of_len.remove(&full).expect("a batch of that length");
        self.count -= batch.len();
        Some(batch)
    }

    /// What is left.
    fn rest(self) -> impl Iterator<Item = Vec<T>> {
        self.of_len.into_values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_recording_is_in_one_batch_of_its_length() {
        for batch_size in 1..5 {
            let lens = [8, 8, 16, 8, 24, 16, 8, 32, 40, 48, 56, 64, 8];
            let mut waiting = Waiting::new(batch_size);
            let mut batches: Vec<Vec<usize>> = Vec::new();
            let mut most = 0;
            for (item, len) in lens.into_iter().enumerate() {
                batches.extend(waiting.push(len, item));
                most = most.max(waiting.count);
            }
            batches.extend(waiting.rest());
            assert!(most < 2 * batch_size);
            assert!(batches.iter().all(|batch| batch.len() <= batch_size));
            for batch in &batches {
                assert!(batch.iter().all(|&item| lens[item] == lens[batch[0]]));
            }
            let mut items = batches.concat();
            items.sort_unstable();
            assert!(items.into_iter().eq(0..lens.len()));
        }
    }
}
