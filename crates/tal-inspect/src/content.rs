//! A file and what it holds.

use std::path::{Path, PathBuf};

use serde::Serialize;
use tal_runs::RunRecord;

use crate::annotations::{self, AnnotationFacts};
use crate::checkpoint::CheckpointFacts;
use crate::configuration::{self, ConfigurationFacts};
use crate::detections::{self, DetectionFacts};
use crate::error::InspectError;
use crate::features::{self, FeatureFacts};
use crate::file_kind::FileKind;
use crate::film::{self, FailedFilmFacts, FilmFacts};
use crate::run_folder::{self, RunFacts};
use crate::section::Section;
use crate::tensor_file;
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

/// Finds out what a file or folder is, and looks into it. Its content decides, not its name.
///
/// # Errors
/// If it is of no kind that is known, cannot be read, or is damaged.
pub fn inspect(path: &Path, options: &InspectOptions) -> Result<Inspection, InspectError> {
    Ok(Inspection {
        path: path.to_owned(),
        content: content(path, options)?,
    })
}

fn content(path: &Path, options: &InspectOptions) -> Result<Content, InspectError> {
    if path.is_dir() {
        if RunRecord::is_run(path) {
            return Ok(Content::Run(Box::new(run_folder::read(path)?)));
        }
        let reason = "is a folder, but not that of a run; `tal runs` lists the runs in it, and a file in it can be inspected";
        return Err(InspectError::unknown(path, reason));
    }
    let kind = FileKind::of(path)?;
    Ok(match kind {
        FileKind::Annotations => Content::Annotations(annotations::read(path)?),
        FileKind::DetectionsJson | FileKind::DetectionsTable => {
            Content::Detections(detections::read(path, kind == FileKind::DetectionsJson)?)
        }
        FileKind::Film => Content::Film(Box::new(film::read(path)?)),
        FileKind::FailedFilm => Content::FailedFilm(film::read_failed(path)?),
        FileKind::Configuration => Content::Configuration(configuration::read(path)?),
        FileKind::Safetensors => tensor_file::safetensors(path, options)?,
        FileKind::Pickled => tensor_file::pickled(path, options)?,
        FileKind::Npy | FileKind::Npz | FileKind::Hdf5 | FileKind::NumberTable { .. } => {
            Content::Features(features::read(path, kind, options.key.as_deref())?)
        }
    })
}
