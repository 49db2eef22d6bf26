//! The features of recordings, from one file of each or several.

use std::path::{Path, PathBuf};

use tal_core::config::{AppendedFeatures, DatasetConfig, FeatureFormat};

use super::source::{Part, Source, check_channels};
use super::{FeatureArray, FeatureError, RecordingKey};

/// Features by recording, in one file per recording and source.
pub struct FeatureStore {
    first: Source,
    more: Vec<Source>,
    input_dim: usize,
}

/// The store that the configuration describes.
pub fn open(config: &DatasetConfig) -> FeatureStore {
    let more = config.features.append.iter().cloned();
    FeatureStore {
        first: Source::new(config.features.first()),
        more: more.map(Source::new).collect(),
        input_dim: config.input_dim,
    }
}

/// The features of one file, whatever number of channels it has.
///
/// # Shapes
/// (C, T) with T ≥ 1.
///
/// # Errors
/// A file that is missing, unreadable, damaged or truncated; a wrong number of dimensions; no time step; a value that is NaN or
/// infinite; one HDF5 file for all recordings.
pub fn read_file(path: &Path, format: &FeatureFormat) -> Result<FeatureArray, FeatureError> {
    let files = AppendedFeatures {
        dir: PathBuf::new(),
        prefix: String::new(),
        suffix: String::new(),
        format: format.clone(),
        columns: None,
    };
    Ok(Source::new(files).load_file(path, None)?.array)
}

/// Features in memory, chosen and checked as those of a file; errors name them by `name`.
pub(crate) fn checked(
    config: &DatasetConfig,
    array: FeatureArray,
    name: &Path,
) -> Result<FeatureArray, FeatureError> {
    let shape = vec![array.num_channels(), array.len()];
    if array.len() == 0 {
        let path = name.to_owned();
        return Err(FeatureError::Empty { path, shape });
    }
    let mut files = config.features.first();
    if !config.features.append.is_empty() {
        files.columns = None;
    }
    let part = Source::new(files).select(array, shape, "", name)?;
    check_channels(
        part.array.num_channels(),
        &part.shape,
        config.input_dim,
        "",
        name,
    )?;
    Ok(part.array)
}

impl FeatureStore {
    /// The files of a recording, whether they exist or not: that of `features` and those of `features.append`.
    ///
    /// # Errors
    /// An id or a subset that leads out of the folder.
    pub fn paths(&self, recording: RecordingKey<'_>) -> Result<Vec<PathBuf>, FeatureError> {
        let paths = self.sources().map(|source| source.path(recording));
        paths.collect()
    }

    /// The first file of a recording that is not there; of one HDF5 file for all, if it lacks the recording, the file
    /// and the name within it.
    ///
    /// # Errors
    /// Those of [`FeatureStore::paths`].
    pub fn missing(&self, recording: RecordingKey<'_>) -> Result<Option<PathBuf>, FeatureError> {
        for source in self.sources() {
            if !source.exists(recording)? {
                return source.place(recording).map(Some);
            }
        }
        Ok(None)
    }

    /// Names in the one file that holds all recordings, with the prefix; `None` if every recording has a file of its own, or
    /// every subset.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn listed(&self) -> Result<Option<Vec<String>>, FeatureError> {
        self.first.listed()
    }

    /// Reads and checks the features of a recording.
    ///
    /// # Shapes
    /// (C, T) with C the configured number of channels and T ≥ 1.
    ///
    /// # Errors
    /// A file that is missing, unreadable, damaged or truncated; a wrong number of dimensions or channels; no time step; a
    /// value that is NaN or infinite; files whose lengths differ by more than one feature.
    pub fn load(&self, recording: RecordingKey<'_>) -> Result<FeatureArray, FeatureError> {
        let path = self.first.path(recording)?;
        let part = self.first.load(recording, self.expected())?;
        self.complete(path, part, recording, None)
    }

    /// [`FeatureStore::load`] with another file in place of the first, which belongs to this recording alone. What is appended
    /// from the same file by the configuration (same folder and name, another key) is read from it, too.
    ///
    /// # Shapes
    /// Those of [`FeatureStore::load`].
    ///
    /// # Errors
    /// Those of [`FeatureStore::load`].
    pub fn load_file(
        &self,
        path: &Path,
        recording: RecordingKey<'_>,
    ) -> Result<FeatureArray, FeatureError> {
        let part = self.first.load_file(path, self.expected())?;
        self.complete(path.to_owned(), part, recording, Some(path))
    }

    fn sources(&self) -> impl Iterator<Item = &Source> {
        std::iter::once(&self.first).chain(&self.more)
    }

    /// The channels of the first file, if nothing is left out and nothing appended.
    fn expected(&self) -> Option<usize> {
        (self.more.is_empty() && self.first.files.columns.is_none()).then_some(self.input_dim)
    }

    /// The first part and those that are appended to it. `given` replaces the file of the first source.
    fn complete(
        &self,
        path: PathBuf,
        part: Part,
        recording: RecordingKey<'_>,
        given: Option<&Path>,
    ) -> Result<FeatureArray, FeatureError> {
        if let Some(expected) = self.expected() {
            // Windows of raw signals are not checked before.
            check_channels(part.array.num_channels(), &part.shape, expected, "", &path)?;
            return Ok(part.array);
        }
        let mut paths = vec![path];
        let mut arrays = vec![part.array];
        for source in &self.more {
            let (path, array) = match given {
                Some(given) if source.shares_file(&self.first) => {
                    (given.to_owned(), source.load_file(given, None)?.array)
                }
                _ => (source.path(recording)?, source.load(recording, None)?.array),
            };
            for (other_path, other) in paths.iter().zip(&arrays) {
                if other.len().abs_diff(array.len()) > 1 {
                    return Err(FeatureError::Lengths {
                        first: other_path.clone(),
                        first_len: other.len(),
                        second: path,
                        second_len: array.len(),
                    });
                }
            }
            paths.push(path);
            arrays.push(array);
        }
        let found: usize = arrays.iter().map(FeatureArray::num_channels).sum();
        if found != self.input_dim {
            let parts: Vec<String> = paths
                .iter()
                .zip(&arrays)
                .map(|(path, array)| format!("{}: {}", path.display(), array.num_channels()))
                .collect();
            return Err(FeatureError::AllChannels {
                parts: parts.join(", "),
                expected: self.input_dim,
                found,
            });
        }
        Ok(FeatureArray::concatenated(arrays))
    }
}
