//! The files of one film.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tal_data::features::RowPrecision;
use tal_video::{FailureRecord, Origin, RecipeRecord, Sidecar, WeightsRecord};

use super::{ExtractError, Film, FilmError};

/// The files that extraction writes for a film.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilmPaths {
    /// Features, (T, C).
    pub features: PathBuf,
    /// Everything that made them.
    pub sidecar: PathBuf,
    /// The fault, if the film failed.
    pub failure: PathBuf,
    /// Features that are not complete yet.
    pub(super) partial: PathBuf,
}

/// Whether features are there already.
pub(super) enum Existing {
    /// They are those that would be made.
    Same,
    /// There are none.
    None,
    /// They differ for this reason.
    Differ(String),
}

impl FilmPaths {
    /// The files below `folder`.
    pub fn new(folder: &Path, id: &str) -> Self {
        let with = |suffix: &str| folder.join(format!("{id}{suffix}"));
        let features = with(".npy");
        let name = features.file_name().unwrap_or_default().to_string_lossy();
        Self {
            partial: features.with_file_name(format!(".{name}.partial")),
            sidecar: with(".json"),
            failure: with(".failed.json"),
            features,
        }
    }

    /// The precision that the description of existing features names; single without one.
    pub(super) fn stored_precision(&self) -> RowPrecision {
        match Sidecar::read(&self.sidecar) {
            Ok(found) if found.features.half => RowPrecision::Half,
            _ => RowPrecision::Single,
        }
    }

    /// Compares existing features with those that would be made.
    pub(super) fn existing(
        &self,
        origin: &Origin,
        recipe: &RecipeRecord,
        weights: &WeightsRecord,
        precision: RowPrecision,
    ) -> Result<Existing, FilmError> {
        let size = fs::metadata(&self.features).ok().map(|found| found.len());
        let Some(size) = size else {
            return Ok(Existing::None);
        };
        if !self.sidecar.exists() {
            return Err(FilmError::Foreign {
                path: self.features.clone(),
                sidecar: self.sidecar.clone(),
            });
        }
        let found = match Sidecar::read(&self.sidecar) {
            Ok(found) => found,
            Err(error) => return Ok(Existing::Differ(error.to_string())),
        };
        let values = found.features.length as u64 * found.features.channels as u64;
        let reason = if found.layout != Sidecar::LAYOUT {
            "their description is of another version"
        } else if found.source != *origin {
            "the film has changed"
        } else if found.recipe.sha256 != recipe.sha256 {
            "they were made by another recipe"
        } else if found
            .weights
            .is_none_or(|found| found.sha256 != weights.sha256)
        {
            "they were made with other weights"
        } else if found.features.half != (precision == RowPrecision::Half) {
            "they are stored in another precision"
        } else if size < precision.num_bytes() * values {
            "the feature file is shorter than its description says"
        } else {
            return Ok(Existing::Same);
        };
        Ok(Existing::Differ(reason.to_owned()))
    }

    /// Makes the folder of the files, and removes what is out of date. From here on the film is not done.
    pub(super) fn prepare(&self) -> Result<(), ExtractError> {
        if let Some(folder) = self.features.parent() {
            fs::create_dir_all(folder).map_err(write_error(folder))?;
        }
        remove(&self.features)?;
        remove(&self.failure)
    }

    /// Puts complete features in place. They get their name last, so that features with a description are complete.
    pub(super) fn finish(&self, sidecar: &Sidecar) -> Result<(), ExtractError> {
        sidecar.write(&self.sidecar)?;
        fs::rename(&self.partial, &self.features).map_err(write_error(&self.features))
    }

    /// Writes down a fault. What was made of the features is removed.
    pub(super) fn fail(&self, film: &Film, error: &FilmError) -> Result<(), ExtractError> {
        remove(&self.partial)?;
        if let Some(folder) = self.failure.parent() {
            fs::create_dir_all(folder).map_err(write_error(folder))?;
        }
        let name = film.path.file_name().unwrap_or_default();
        let record = FailureRecord {
            name: name.to_string_lossy().into_owned(),
            error: error.to_string(),
        };
        Ok(record.write(&self.failure)?)
    }
}

fn remove(path: &Path) -> Result<(), ExtractError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(write_error(path)(error)),
        _ => Ok(()),
    }
}

fn write_error(path: &Path) -> impl FnOnce(io::Error) -> ExtractError {
    let path = path.to_owned();
    |source| ExtractError::Write { path, source }
}
