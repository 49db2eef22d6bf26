//! Evaluation of a detector on a subset.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tal_core::config::Config;
use tal_core::{
    ClassMap, Detection, DetectionSet, GroundTruth, Recording, Share, plain_list, quoted_list,
};
use tal_data::{DataError, Dataset, Features};
use tal_postprocess::{DetectionRules, Evaluation, EvaluationError, evaluate_with};

use crate::detector::Detector;
use crate::error::EngineError;
use crate::external_scores::ExternalScores;
use crate::ranks::{Ranks, RanksError};

/// Detections of a detector in a subset, and their figures.
#[derive(Debug, Clone)]
pub struct EvaluationReport {
    /// Evaluated subsets.
    pub subsets: Vec<String>,
    /// Detections by recording.
    pub detections: DetectionSet,
    /// The figures.
    pub evaluation: Evaluation,
    /// Time for loading, the network and suppression.
    pub detect_time: Duration,
}

/// Recordings with annotations, to run detectors over.
pub struct Evaluator {
    dataset: Arc<Dataset>,
    subsets: Vec<String>,
    num_workers: usize,
    ranks: Ranks,
}

impl Evaluator {
    /// An evaluator on the recordings of `dataset`; the report names their `subsets`.
    pub fn new(dataset: Arc<Dataset>, subsets: &[String], num_workers: usize) -> Self {
        Self {
            dataset,
            subsets: subsets.to_vec(),
            num_workers,
            ranks: Ranks::alone(),
        }
    }

    /// Shares the recordings among ranks: each runs the detector on some, and all get the detections of all.
    pub(crate) fn shared_by(mut self, ranks: &Ranks) -> Self {
        self.ranks = ranks.clone();
        self
    }

    /// Number of recordings.
    pub fn num_recordings(&self) -> usize {
        self.dataset.num_recordings()
    }

    /// Checks that the detections of a network can be compared with the annotations: mistakes that would otherwise only show
    /// after training, or not at all. `classes` are those of the detections: the network's, or those of `external_scores`.
    ///
    /// # Errors
    /// If the ground truth is empty or not usable; if it gives a class id to another name than the network; if it lacks
    /// classes of the network and the dialect refuses that; if a frame rate is needed and not known; if a recording has no
    /// class scores.
    pub fn check(
        &self,
        config: &Config,
        classes: &ClassMap,
        external_scores: Option<&ExternalScores>,
    ) -> Result<(), EngineError> {
        let mut recordings = (0..self.num_recordings()).map(|index| self.dataset.recording(index));
        if let Some(scores) = external_scores {
            scores.check(recordings.clone().map(|recording| recording.id.as_str()))?;
        }
        let truth = self.truth(external_scores);
        let rules = &config.evaluation;
        let known: BTreeSet<&str> = recordings.clone().map(|one| one.id.as_str()).collect();
        let unknown = rules
            .blocked
            .iter()
            .filter(|id| !known.contains(id.as_str()));
        let unknown: Vec<&String> = unknown.collect();
        if !unknown.is_empty() {
            tracing::warn!(
                "evaluation.blocked: {} of {} ids are no recordings of {}: {}",
                unknown.len(),
                rules.blocked.len(),
                self.subsets.join(", "),
                quoted_list(&unknown)
            );
        }
        let refuse = |reason: String| EngineError::Untestable {
            path: config.dataset.annotations.clone(),
            subsets: self.subsets.join(", "),
            reason,
        };
        let none = DetectionSet::new();
        match evaluate_with(&truth.recordings, &none, rules, &truth.classes) {
            Err(error @ EvaluationError::NoGroundTruth { .. }) => {
                return Err(refuse(format!(
                    "{error}; annotate recordings to test on, even if training needs labels alone"
                )));
            }
            outcome => outcome?,
        };
        if external_scores.is_none()
            && let Some((id, trained, annotated)) = classes.conflict(&truth.classes)
        {
            return Err(refuse(format!(
                "the class with id {id} is {annotated:?} here, {trained:?} in the network; give every annotation the label_id \
                 that the network was trained with"
            )));
        }
        let bound = match external_scores {
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
                plain_list(&lacking),
                rules.dialect
            )));
        }
        let unknown = |recording: &&Recording| recording.fps.is_none();
        if config.needs_fps()
            && config.dataset.fps.is_none()
            && let Some(Recording { id, .. }) = recordings.find(unknown)
        {
            return Err(DataError::MissingFps(id.clone()).into());
        }
        Ok(())
    }

    /// Actions in all recordings, by id. `progress` is called with the number of recordings that are done, and of all recordings.
    ///
    /// `inference.batch_size` recordings of one padded length go through the network together.
    ///
    /// # Errors
    /// If a recording cannot be loaded or its detections are not usable.
    pub fn detect(
        &self,
        detector: &Detector,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<DetectionSet, EngineError> {
        let Share { index, count } = self.ranks.share();
        let own: Vec<usize> = (index..self.num_recordings()).step_by(count).collect();
        let total = own.len();
        progress(0, total);
        let batch_size = detector.config().inference.batch_size;
        // By id, so that neither the order of batches nor the number of workers decides between equal scores.
        let mut detections = BTreeMap::new();
        let mut finish = |batch: Vec<Features>| -> Result<(), EngineError> {
            let found = detector.detect_all(&batch.iter().collect::<Vec<_>>())?;
            detections.extend(batch.into_iter().map(|features| features.id).zip(found));
            progress(detections.len(), total);
            Ok(())
        };
        let mut waiting = Waiting::new(batch_size);
        for features in self.dataset.features_of(own, self.num_workers, 4)? {
            let features = features?;
            let padded_len = detector.padded_len(&features);
            if let Some(batch) = waiting.push(padded_len, features) {
                finish(batch)?;
            }
        }
        waiting.rest().try_for_each(finish)?;
        Ok(self.gathered(detections)?.into_iter().collect())
    }

    /// The detections of all ranks, by id.
    fn gathered(
        &self,
        own: BTreeMap<String, Vec<Detection>>,
    ) -> Result<BTreeMap<String, Vec<Detection>>, EngineError> {
        if self.ranks.is_alone() {
            return Ok(own);
        }
        let bytes = serde_json::to_vec(&own).expect("detections are plain data");
        let mut all = BTreeMap::new();
        for (rank, bytes) in self.ranks.gather(&bytes)?.iter().enumerate() {
            let unreadable = |error: serde_json::Error| RanksError::Failed {
                rank,
                message: format!("the detections of rank {rank} cannot be read: {error}"),
                is_usage: false,
            };
            let part: BTreeMap<String, Vec<Detection>> =
                serde_json::from_slice(bytes).map_err(unreadable)?;
            all.extend(part);
        }
        Ok(all)
    }

    /// [`Evaluator::detect`], then the comparison with the annotations by the rules of the detector's section `evaluation`.
    ///
    /// # Errors
    /// As [`Evaluator::detect`]; if the ground truth is not usable.
    pub fn evaluate(
        &self,
        detector: &Detector,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<EvaluationReport, EngineError> {
        self.evaluate_with(detector, &DetectionRules::default(), progress)
    }

    /// [`Evaluator::evaluate`] of the detections that `rules` leave.
    ///
    /// # Errors
    /// As [`Evaluator::evaluate`].
    pub fn evaluate_with(
        &self,
        detector: &Detector,
        rules: &DetectionRules,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<EvaluationReport, EngineError> {
        let start = Instant::now();
        let detections = rules.apply_to_all(&self.detect(detector, progress)?);
        let detect_time = start.elapsed();
        let truth = self.truth(detector.external_scores());
        let rules = &detector.config().evaluation;
        let evaluation = evaluate_with(&truth.recordings, &detections, rules, &truth.classes)?;
        Ok(EvaluationReport {
            subsets: self.subsets.clone(),
            detections,
            evaluation,
            detect_time,
        })
    }

    /// Annotations to compare detections with: with one class for all if the network knows one class and no scores give
    /// others.
    fn truth(&self, external_scores: Option<&ExternalScores>) -> &GroundTruth {
        match external_scores {
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
    /// Limit of waiting batches, so that memory does not grow with the number of different lengths.
    const MAX_BATCHES: usize = 2;

    fn new(batch_size: usize) -> Self {
        Waiting {
            batch_size,
            of_len: BTreeMap::new(),
            count: 0,
        }
    }

    /// Adds an item; gives the batch that is due now, if any.
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

    /// Batches that are left.
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
