//! Recordings outside any annotation file: their ids, subsets and features, from the files that they lie in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tal_core::FileError;
use tal_core::config::{DatasetConfig, FeatureFormat};

use super::features::Features;
use super::timing::{Timing, check_inertial_grid};
use crate::features::{RecordingKey, SUBSET, open};
use crate::{DataError, FeatureError, FeatureStore};

/// A recording outside any annotation file, whose features can be read.
#[derive(Clone)]
pub struct FoundRecording {
    config: Arc<DatasetConfig>,
    store: Arc<FeatureStore>,
    id: String,
    subset: Option<String>,
    /// The file of this recording alone; `None` if one file holds all.
    path: Option<PathBuf>,
}

/// The recordings of a feature file: that of the file, or all that a file for all recordings (HDF5) holds.
///
/// An id is the path of the file below `below` [default: `features.dir`], without `features.prefix` and `features.suffix`;
/// that is the id that an annotation file would have. If the file lies elsewhere, it is the file's name alone. A folder for
/// `{subset}` gives the subset. In a file for all recordings, ids are the names in it.
///
/// # Errors
/// Windows of a raw signal that do not agree with the configuration; a file for all recordings that cannot be read, or
/// holds none.
pub fn find_recordings(
    config: &DatasetConfig,
    path: &Path,
    below: Option<&Path>,
) -> Result<Vec<FoundRecording>, DataError> {
    check_inertial_grid(config)?;
    let mut config = config.clone();
    let shared = move_to(&mut config, path);
    let store = Arc::new(open(&config));
    let config = Arc::new(config);
    let found = |id: &str, subset: Option<String>, path: Option<&Path>| FoundRecording {
        config: Arc::clone(&config),
        store: Arc::clone(&store),
        id: id.to_owned(),
        subset,
        path: path.map(Path::to_owned),
    };
    if !shared {
        let (id, subset) = identity(&config, path, below);
        return Ok(vec![found(&id, subset, Some(path))]);
    }
    let unreadable = FileError::at("read feature file", path);
    std::fs::metadata(path).map_err(|error| FeatureError::from(unreadable(error)))?;
    let names = store.listed()?.unwrap_or_default();
    let prefix = config.features.prefix.as_str();
    let ids = names.iter().filter_map(|name| name.strip_prefix(prefix));
    let all: Vec<_> = ids.map(|id| found(id, None, None)).collect();
    if all.is_empty() {
        return Err(DataError::NoRecordings {
            path: path.to_owned(),
            prefix: prefix.to_owned(),
            names,
        });
    }
    Ok(all)
}

/// Reads a feature file of one recording; see [`find_recordings`] for its id and [`FoundRecording::read`] for the rest.
///
/// # Errors
/// Those of both; a file that holds several recordings.
pub fn read_features(
    config: &DatasetConfig,
    path: &Path,
    fps: Option<f32>,
    duration: Option<f64>,
) -> Result<Features, DataError> {
    let found = find_recordings(config, path, None)?;
    match found.as_slice() {
        [one] => one.read(fps, duration),
        several => Err(DataError::SeveralRecordings {
            path: path.to_owned(),
            ids: several.iter().map(|one| one.id.clone()).collect(),
        }),
    }
}

impl FoundRecording {
    /// The id of the recording.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Reads its features. `fps` and `duration` are those of [`Features::from_array`].
    ///
    /// # Shapes
    /// (C, T).
    ///
    /// # Units
    /// `fps` in frames per second, `duration` in seconds.
    ///
    /// # Errors
    /// Those of [`FeatureStore::load`] and [`Features::from_array`].
    pub fn read(&self, fps: Option<f32>, duration: Option<f64>) -> Result<Features, DataError> {
        let timing = Timing::new(&self.config, &self.id, fps.map(f64::from), duration)?;
        let key = RecordingKey {
            id: &self.id,
            subset: self.subset.as_deref(),
        };
        let array = match &self.path {
            Some(path) => self.store.load_file(path, key)?,
            None => self.store.load(key)?,
        };
        let id = self.id.clone();
        Ok(Features::prepared(&self.config, id, array, &timing))
    }
}

/// Makes `path` the file for all recordings, also of what is appended from the same file. Returns whether there is one.
fn move_to(config: &mut DatasetConfig, path: &Path) -> bool {
    let dir = path.parent().unwrap_or(Path::new("")).to_owned();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let features = &mut config.features;
    let FeatureFormat::Hdf5 {
        file: Some(file), ..
    } = &mut features.format
    else {
        return false;
    };
    let configured = (features.dir.clone(), file.clone());
    *file = name.clone().into_owned();
    features.dir.clone_from(&dir);
    for more in &mut features.append {
        if let FeatureFormat::Hdf5 {
            file: Some(file), ..
        } = &mut more.format
            && (&more.dir, &*file) == (&configured.0, &configured.1)
        {
            *file = name.clone().into_owned();
            more.dir.clone_from(&dir);
        }
    }
    true
}

/// Id and subset of the recording that a file belongs to.
fn identity(config: &DatasetConfig, path: &Path, below: Option<&Path>) -> (String, Option<String>) {
    let dir = below.unwrap_or(&config.features.dir);
    let (name, subset) = match relative(dir, path) {
        Some((name, subset)) => (name, subset),
        None => {
            let name = path.file_name().unwrap_or_default();
            (name.to_string_lossy().into_owned(), None)
        }
    };
    let name = name
        .strip_prefix(config.features.prefix.as_str())
        .unwrap_or(&name);
    let id = name
        .strip_suffix(config.features.suffix.as_str())
        .unwrap_or(name);
    (id.to_owned(), subset)
}

/// The path of a file below `dir`, with `/` on every system, and the folder in place of `{subset}`.
fn relative(dir: &Path, path: &Path) -> Option<(String, Option<String>)> {
    let path = path.canonicalize().ok()?;
    let before_subset =
        |part: &str| Some(part.split_once(SUBSET)?.0.trim_end_matches('/').to_owned());
    let text = dir.to_string_lossy();
    let Some(base) = before_subset(&text) else {
        let rest = path.strip_prefix(dir.canonicalize().ok()?).ok()?;
        return Some((joined(rest), None));
    };
    let after = text.split_once(SUBSET)?.1.trim_matches('/');
    let base = if base.is_empty() {
        ".".to_owned()
    } else {
        base
    };
    let rest = path
        .strip_prefix(Path::new(&base).canonicalize().ok()?)
        .ok()?;
    let mut parts = rest.components();
    let subset = parts.next()?.as_os_str().to_string_lossy().into_owned();
    let rest = parts.as_path().strip_prefix(after).ok()?;
    Some((joined(rest), Some(subset)))
}

fn joined(path: &Path) -> String {
    let parts = path.components();
    let parts: Vec<_> = parts
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}
