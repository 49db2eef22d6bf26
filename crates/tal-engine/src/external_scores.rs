//! Classes for class-agnostic detections: scores of a classifier of whole recordings, read once and checked early.

use std::path::{Path, PathBuf};

use tal_core::config::{ClassScoresConfig, ClassScoresRule};
use tal_core::{ClassMap, DetectionSet};
use tal_data::{annotations, class_scores};
use tal_postprocess::{ClassAssignmentError, ClassScores, assign_classes_to_all};

use crate::error::EngineError;

/// The class scores of a file and how they are used.
#[derive(Debug, Clone)]
pub struct ExternalScores {
    path: PathBuf,
    scores: ClassScores,
    classes: ClassMap,
    fusion: ClassScoresRule,
}

impl ExternalScores {
    /// Reads a file of class scores; the score at position i belongs to the class with id i of `classes`.
    ///
    /// # Errors
    /// As [`class_scores::read`].
    pub fn read(
        path: &Path,
        classes: &ClassMap,
        fusion: ClassScoresRule,
    ) -> Result<Self, EngineError> {
        Ok(Self {
            path: path.to_owned(),
            scores: class_scores::read(path, classes)?,
            classes: classes.clone(),
            fusion,
        })
    }

    /// The scores that a configuration names, with the class names of `annotations` where that file exists; classes are
    /// `class_0`, `class_1`, … otherwise.
    ///
    /// # Errors
    /// Where one of the files cannot be used.
    pub fn open(config: &ClassScoresConfig, annotations: &Path) -> Result<Self, EngineError> {
        let classes = if annotations.exists() {
            annotations::read(annotations, None)?.classes
        } else {
            tracing::warn!(
                "{} does not exist; classes will be called class_0, class_1, …",
                annotations.display()
            );
            ClassMap::default()
        };
        Self::read(&config.file, &classes, config.rule())
    }

    /// Names of the classes that detections get.
    pub fn classes(&self) -> &ClassMap {
        &self.classes
    }

    /// Makes sure that recordings have scores, before a network runs over them.
    ///
    /// # Errors
    /// The first recording without scores.
    pub fn check<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> Result<(), EngineError> {
        let empty = ids.into_iter().map(|id| (id.to_owned(), Vec::new()));
        self.fuse(&empty.collect()).map(|_| ())
    }

    /// The best detections of each recording, once for each of its best classes, see [`tal_postprocess::assign_classes`].
    ///
    /// # Errors
    /// A recording without scores; scores that cannot be used.
    pub fn fuse(&self, detections: &DetectionSet) -> Result<DetectionSet, EngineError> {
        let wrong = |source: ClassAssignmentError| EngineError::ExternalScores {
            path: self.path.clone(),
            source,
        };
        assign_classes_to_all(detections, &self.scores, &self.fusion).map_err(wrong)
    }
}
