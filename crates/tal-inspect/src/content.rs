//! Content of a file, by kind.

use std::path::PathBuf;

use serde::Serialize;

use crate::annotations::AnnotationFacts;
use crate::checkpoint::CheckpointFacts;
use crate::configuration::ConfigurationFacts;
use crate::detections::DetectionFacts;
use crate::features::FeatureFacts;
use crate::film::{FailedFilmFacts, FilmFacts};
use crate::run_folder::RunFacts;
use crate::section::Section;
use crate::weights::WeightFacts;

/// Choices about what is shown.
#[derive(Debug, Clone)]
pub struct InspectOptions {
    /// Name of the array in a file of several.
    pub key: Option<String>,
    /// Levels of the tree of parameters.
    pub depth: usize,
}

impl Default for InspectOptions {
    fn default() -> Self {
        Self {
            key: None,
            depth: 3,
        }
    }
}

/// A file and what it holds.
#[derive(Debug, Clone, Serialize)]
pub struct Inspection {
    /// The file or folder.
    pub path: PathBuf,
    /// What it holds.
    #[serde(flatten)]
    pub content: Content,
}

/// What a file holds, by kind.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    /// A checkpoint of `tal`.
    Checkpoint(Box<CheckpointFacts>),
    /// Tensors of another program.
    Weights(WeightFacts),
    /// A configuration or a fragment of one.
    Configuration(ConfigurationFacts),
    /// Features of a recording.
    Features(FeatureFacts),
    /// Annotations.
    Annotations(AnnotationFacts),
    /// Detections.
    Detections(DetectionFacts),
    /// The description of a film's features.
    Film(Box<FilmFacts>),
    /// The description of a film that could not be extracted.
    FailedFilm(FailedFilmFacts),
    /// A run folder.
    Run(Box<RunFacts>),
}

impl Inspection {
    /// The kind in words.
    pub fn kind(&self) -> &'static str {
        match &self.content {
            Content::Checkpoint(_) => "checkpoint of tal",
            Content::Weights(_) => "tensors of another program",
            Content::Configuration(facts) => match facts.fault {
                None => "configuration",
                Some(_) => "configuration that is not complete or has a mistake",
            },
            Content::Features(_) => "features",
            Content::Annotations(_) => "annotations",
            Content::Detections(_) => "detections",
            Content::Film(_) => "description of a film's features",
            Content::FailedFilm(_) => "description of a film that could not be extracted",
            Content::Run(_) => "run folder",
        }
    }

    /// What is shown of it.
    pub fn sections(&self) -> Vec<Section> {
        match &self.content {
            Content::Checkpoint(facts) => facts.sections(),
            Content::Weights(facts) => facts.sections(),
            Content::Configuration(facts) => facts.sections(),
            Content::Features(facts) => facts.sections(),
            Content::Annotations(facts) => facts.sections(),
            Content::Detections(facts) => facts.sections(),
            Content::Film(facts) => facts.sections(),
            Content::FailedFilm(facts) => facts.sections(),
            Content::Run(facts) => facts.sections(),
        }
    }
}
