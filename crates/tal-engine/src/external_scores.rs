//! Classes for class-agnostic detections: scores of a classifier of whole recordings, read once and checked early.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tal_core::config::{ClassScoresRule, Config};
use tal_core::{ClassMap, Detection, DetectionSet};
use tal_data::{annotations, class_scores};
use tal_postprocess::{ClassAssignmentError, ClassScores, assign_classes_to_all};

use crate::error::EngineError;

/// Class scores of a file, and the rule that fuses them with detections.
#[derive(Debug, Clone)]
pub struct ExternalScores {
    path: PathBuf,
    scores: ClassScores,
    classes: ClassMap,
    rule: ClassScoresRule,
}

impl ExternalScores {
    /// Reads a file of class scores; the score at position i belongs to the class with id i of `classes`.
    ///
    /// # Errors
    /// As [`class_scores::read`].
    pub fn read(
        path: &Path,
        classes: &ClassMap,
        rule: ClassScoresRule,
    ) -> Result<Self, EngineError> {
        Ok(Self {
            path: path.to_owned(),
            scores: class_scores::read(path, classes)?,
            classes: classes.clone(),
            rule,
        })
    }

    /// The scores that `inference.external_scores` names, with the class names of the annotation file if that exists, and
    /// `class_0`, `class_1`, … otherwise; `None` if the configuration names no scores.
    ///
    /// # Errors
    /// If one of the files cannot be used.
    pub fn of(config: &Config) -> Result<Option<Arc<Self>>, EngineError> {
        let Some(scores) = &config.inference.external_scores else {
            return Ok(None);
        };
        let annotations = &config.dataset.annotations;
        let classes = if annotations.exists() {
            annotations::read(annotations, None)?.classes
        } else {
            tracing::warn!(
                "{} does not exist; classes will be called class_0, class_1, …",
                annotations.display()
            );
            ClassMap::default()
        };
        let scores = Self::read(&scores.file, &classes, scores.rule())?;
        Ok(Some(Arc::new(scores)))
    }

    /// Names of the classes that detections get.
    pub fn classes(&self) -> &ClassMap {
        &self.classes
    }

    /// Checks that recordings have scores.
    ///
    /// # Errors
    /// If a recording has none.
    pub fn check<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> Result<(), EngineError> {
        let empty = ids.into_iter().map(|id| (id.to_owned(), Vec::new()));
        self.fuse(&empty.collect()).map(|_| ())
    }

    /// [`ExternalScores::fuse`] for one recording.
    pub(crate) fn fuse_one(
        &self,
        id: &str,
        detections: Vec<Detection>,
    ) -> Result<Vec<Detection>, EngineError> {
        let fused = self.fuse(&DetectionSet::from([(id.to_owned(), detections)]))?;
        let mut fused = fused.into_iter();
        Ok(fused
            .next()
            .map(|(_, detections)| detections)
            .unwrap_or_default())
    }

    /// The best detections of each recording, once for each of its best classes, see [`tal_postprocess::assign_classes`].
    ///
    /// # Errors
    /// If a recording has no scores, or they cannot be used.
    pub fn fuse(&self, detections: &DetectionSet) -> Result<DetectionSet, EngineError> {
        let wrong = |source: ClassAssignmentError| EngineError::ExternalScores {
            path: self.path.clone(),
            source,
        };
        assign_classes_to_all(detections, &self.scores, &self.rule).map_err(wrong)
    }
}
