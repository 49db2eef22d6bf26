//! Recognition of a file by its content.

use std::path::Path;

use tal_runs::RunRecord;

use crate::content::{Content, InspectOptions, Inspection};
use crate::error::InspectError;
use crate::file_kind::FileKind;
use crate::{annotations, configuration, detections, features, film, run_folder, tensor_file};

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
