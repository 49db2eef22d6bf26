//! The features of recordings in another format.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tal_core::config::{DatasetConfig, FeatureFormat};
use tal_core::{FileError, Recording};

use tal_data::DataError;
use tal_data::FeatureError;
use tal_data::Pipeline;
use tal_data::features::{RecordingKey, open};

use super::write;

/// Where converted features go: `dir`/id`suffix`.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Folder; must exist.
    pub dir: PathBuf,
    /// End of the file names, with the extension.
    pub suffix: String,
    /// Content of a file.
    pub format: FeatureFormat,
}

/// Writes the features of `recordings` as a detector reads them: columns chosen, further files appended, raw signals cut
/// into windows, not down-sampled. `num_threads` recordings are in work at a time (0: one, in this thread); `progress` is
/// called with each id in order once its file is there.
///
/// # Errors
/// Those of [`tal_data::FeatureStore::load`] and [`write()`]; the first in the order of the recordings ends the work. Files that
/// are done stay.
pub fn convert(
    config: &DatasetConfig,
    recordings: Vec<Recording>,
    target: &Target,
    num_threads: usize,
    mut progress: impl FnMut(&str),
) -> Result<usize, DataError> {
    let store = Arc::new(open(config));
    let target = target.clone();
    let files = Pipeline::new(
        recordings.into_iter(),
        |recording: &Recording| format!("recording {:?}", recording.id),
        move |recording| {
            let key = RecordingKey::from(&recording);
            let path = target.dir.join(key.name("", &target.suffix)?);
            let array = store.load(key)?;
            make_folder(&target.dir, &path)?;
            write(&target.format, &path, &array)?;
            Ok(recording.id)
        },
        num_threads,
        num_threads,
    )?;
    let mut count = 0;
    for id in files {
        progress(&id?);
        count += 1;
    }
    Ok(count)
}

/// The folders within `dir` that the id of a recording asks for.
fn make_folder(dir: &Path, path: &Path) -> Result<(), FeatureError> {
    let Some(folder) = path.parent().filter(|folder| *folder != dir) else {
        return Ok(());
    };
    let made = std::fs::create_dir_all(folder);
    Ok(made.map_err(FileError::at("write feature file", folder))?)
}
