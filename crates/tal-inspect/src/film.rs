//! Descriptions beside extracted features.

use std::path::{Path, PathBuf};

use serde::Serialize;
use tal_video::{FailureRecord, Sidecar};

use crate::error::InspectError;
use crate::section::{Section, duration, facts};
use tal_core::grouped;

/// The description of a film's features.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FilmFacts {
    /// The description.
    pub description: Sidecar,
    /// The feature file that it lies beside; `None` if that is not there.
    pub features: Option<PathBuf>,
}

/// The description of a film that could not be extracted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FailedFilmFacts {
    /// The description.
    pub description: FailureRecord,
}

pub(crate) fn read(path: &Path) -> Result<FilmFacts, InspectError> {
    let features = path.with_extension("npy");
    Ok(FilmFacts {
        description: Sidecar::read(path)?,
        features: features.is_file().then_some(features),
    })
}

pub(crate) fn read_failed(path: &Path) -> Result<FailedFilmFacts, InspectError> {
    let description = FailureRecord::read(path)?;
    Ok(FailedFilmFacts { description })
}

impl FilmFacts {
    pub(crate) fn sections(&self) -> Vec<Section> {
        let Sidecar {
            source,
            format,
            report,
            recipe,
            weights,
            features,
            ..
        } = &self.description;
        let damage = &report.damage;
        let beside = self
            .features
            .as_ref()
            .map(|path| path.display().to_string());
        vec![facts([
            (
                "film",
                Some(format!(
                    "{} ({} bytes)",
                    source.name,
                    grouped(source.bytes as usize)
                )),
            ),
            ("SHA-256", Some(source.sha256.clone())),
            (
                "frames",
                Some(format!(
                    "{}, {} x {} pixels",
                    grouped(report.timeline.frames as usize),
                    format.width,
                    format.height
                )),
            ),
            ("length", Some(duration(self.description.duration))),
            ("start", Some(format!("{:.3} s", self.description.start))),
            (
                "rate seen",
                Some(format!("{} frames a second", self.description.rate)),
            ),
            (
                "damage",
                damage
                    .is_damaged()
                    .then(|| format!("{} complaints of the decoder", damage.complaints)),
            ),
            (
                "recipe",
                Some(format!(
                    "{} ({}…)",
                    recipe.name,
                    recipe.sha256.chars().take(8).collect::<String>()
                )),
            ),
            (
                "weights",
                weights.as_ref().map(|weights| weights.name.clone()),
            ),
            (
                "features",
                Some(format!(
                    "({}, {}), one every {} of {} frames a second, windows of {}",
                    features.length,
                    features.channels,
                    features.feat_stride,
                    features.fps,
                    features.num_frames
                )),
            ),
            ("feature file", beside.or(Some("not there".to_owned()))),
        ])]
    }
}

impl FailedFilmFacts {
    pub(crate) fn sections(&self) -> Vec<Section> {
        vec![facts([
            ("film", Some(self.description.name.clone())),
            ("fault", Some(self.description.error.clone())),
        ])]
    }
}
