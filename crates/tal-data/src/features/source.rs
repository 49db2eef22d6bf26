//! One file of every recording: its place, and the channels that are used.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tal_core::config::{AppendedFeatures, FeatureFormat, FeatureLayout};

use super::npy::Array;
use super::{
    FeatureArray, FeatureError, RecordingKey, csv, inertial, npy, npz, safetensors, tensors,
};
use crate::hdf5;

/// One file of every recording.
pub(super) struct Source {
    pub(super) files: AppendedFeatures,
    /// HDF5 files that hold all recordings, opened once.
    shared: Mutex<BTreeMap<PathBuf, Arc<hdf5::File>>>,
}

/// The features of a recording from one source.
pub(super) struct Part {
    pub(super) array: FeatureArray,
    /// The shape in the file, for messages.
    pub(super) shape: Vec<usize>,
}

/// Likely cause if the number of channels is wrong but the other axis fits.
const CHANNEL_FIRST: &str = "; the other axis fits, is the layout channel_first?";
const TIME_FIRST: &str = "; the other axis fits, is the layout time_first?";

impl Source {
    pub(super) fn new(files: AppendedFeatures) -> Self {
        Self {
            files,
            shared: Mutex::default(),
        }
    }

    /// Whether all recordings lie in one file.
    fn shared_file(&self) -> Option<(&str, Option<&str>, FeatureLayout)> {
        match &self.files.format {
            FeatureFormat::Hdf5 {
                file: Some(file),
                key,
                layout,
            } => Some((file, key.as_deref(), *layout)),
            _ => None,
        }
    }

    /// Whether every recording has its features of both sources in one file of its own.
    pub(super) fn shares_file(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.files, &other.files);
        (&ours.dir, &ours.prefix, &ours.suffix) == (&theirs.dir, &theirs.prefix, &theirs.suffix)
            && self.shared_file().is_none()
            && other.shared_file().is_none()
    }

    /// The recording's file, whether it exists or not.
    pub(super) fn path(&self, key: RecordingKey<'_>) -> Result<PathBuf, FeatureError> {
        let folder = key.folder(&self.files.dir)?;
        match self.shared_file() {
            Some((file, ..)) => {
                key.name(&self.files.prefix, "")?;
                Ok(folder.join(file))
            }
            None => Ok(folder.join(key.name(&self.files.prefix, &self.files.suffix)?)),
        }
    }

    /// Whether the recording has a file, or an array in the file for all. A file that cannot be read counts as one: the
    /// reason is reported when it is read.
    pub(super) fn exists(&self, key: RecordingKey<'_>) -> Result<bool, FeatureError> {
        let path = self.path(key)?;
        if !path.is_file() {
            return Ok(false);
        }
        if self.shared_file().is_none() {
            return Ok(true);
        }
        let name = key.name(&self.files.prefix, "")?;
        Ok(match self.open_shared(&path) {
            Ok(file) => file.has(&name),
            Err(_) => true,
        })
    }

    /// Names of the recordings in the file that holds all of them, with the prefix.
    pub(super) fn listed(&self) -> Result<Option<Vec<String>>, FeatureError> {
        let Some((file, inner, _)) = self.shared_file() else {
            return Ok(None);
        };
        let path = self.files.dir.join(file);
        if RecordingKey::from("").folder(&self.files.dir).is_err() || !path.is_file() {
            return Ok(None);
        }
        let mut names = self.open_shared(&path)?.names(&path)?;
        if let Some(inner) = inner {
            let end = format!("/{inner}");
            names = names
                .iter()
                .filter_map(|name| name.strip_suffix(&end).map(str::to_owned))
                .collect();
        }
        Ok(Some(names))
    }

    /// Place of the recording, for messages: in a file for all recordings with the name within it.
    pub(super) fn place(&self, key: RecordingKey<'_>) -> Result<PathBuf, FeatureError> {
        let path = self.path(key)?;
        if self.shared_file().is_some() && path.is_file() {
            return Ok(path.join(key.name(&self.files.prefix, "")?));
        }
        Ok(path)
    }

    /// The features of a recording.
    pub(super) fn load(
        &self,
        key: RecordingKey<'_>,
        expected: Option<usize>,
    ) -> Result<Part, FeatureError> {
        let path = self.path(key)?;
        if !path.exists() {
            return Err(FeatureError::Missing {
                path,
                id: key.id.to_owned(),
            });
        }
        let Some((_, inner, layout)) = self.shared_file() else {
            return self.load_file(&path, expected);
        };
        let mut name = key.name(&self.files.prefix, "")?;
        if let Some(inner) = inner {
            name = format!("{name}/{inner}");
        }
        let array = self.open_shared(&path)?.read(Some(&name), &path)?;
        self.part(vec![array], layout, &path, expected)
    }

    /// The features of a file of one recording.
    pub(super) fn load_file(
        &self,
        path: &Path,
        expected: Option<usize>,
    ) -> Result<Part, FeatureError> {
        let (arrays, layout) = match &self.files.format {
            FeatureFormat::Npy { layout } => (vec![npy::read(path)?], *layout),
            FeatureFormat::Npz { key, layout } => (vec![npz::read(path, key)?], *layout),
            FeatureFormat::Safetensors { key, layout } => {
                (vec![safetensors::read(path, key.as_deref())?], *layout)
            }
            FeatureFormat::Hdf5 { key, layout, .. } => {
                (vec![hdf5::read(path, key.as_deref())?], *layout)
            }
            FeatureFormat::Torch { keys, layout } | FeatureFormat::Pickle { keys, layout } => {
                (tensors::read(path, keys)?, *layout)
            }
            FeatureFormat::Csv { header } => {
                (vec![csv::read(path, *header)?], FeatureLayout::TimeFirst)
            }
            FeatureFormat::Inertial {
                window,
                stride,
                channels,
            } => {
                let signal = npy::read(path)?;
                check_matrix(&signal, "(samples, channels)", path)?;
                check_finite(&signal, path)?;
                let array =
                    inertial::windows(&signal, *window, *stride, channels.as_deref(), path)?;
                return self.select(array, signal.shape, "", path);
            }
        };
        self.part(arrays, layout, path, expected)
    }

    fn open_shared(&self, path: &Path) -> Result<Arc<hdf5::File>, FeatureError> {
        let mut files = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = files.get(path) {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(hdf5::File::open(path)?);
        files.insert(path.to_owned(), Arc::clone(&file));
        Ok(file)
    }

    /// The arrays of a file, which are parts of one, as features; `expected` channels, if they are known.
    fn part(
        &self,
        arrays: Vec<Array>,
        layout: FeatureLayout,
        path: &Path,
        expected: Option<usize>,
    ) -> Result<Part, FeatureError> {
        let mut features: Vec<FeatureArray> = Vec::with_capacity(arrays.len());
        let mut shape = Vec::new();
        let mut other_axis = 0;
        for array in arrays {
            let array = without_leading_ones(array);
            let [rows, columns] = check_matrix(&array, axes(layout), path)?;
            let (len, num_channels) = match layout {
                FeatureLayout::TimeFirst => (rows, columns),
                FeatureLayout::ChannelFirst => (columns, rows),
            };
            if let Some(first) = features.first()
                && first.len().abs_diff(len) > 1
            {
                return Err(FeatureError::Lengths {
                    first: path.to_owned(),
                    first_len: first.len(),
                    second: path.to_owned(),
                    second_len: len,
                });
            }
            other_axis += len;
            shape.clone_from(&array.shape);
            features.push(match layout {
                FeatureLayout::TimeFirst => {
                    FeatureArray::from_time_first(&array.data, num_channels, len)
                }
                FeatureLayout::ChannelFirst => {
                    FeatureArray::from_channel_first(array.data, num_channels, len)
                }
            });
        }
        let several = features.len() > 1;
        let array = FeatureArray::concatenated(features);
        if several {
            shape = match layout {
                FeatureLayout::TimeFirst => vec![array.len(), array.num_channels()],
                FeatureLayout::ChannelFirst => vec![array.num_channels(), array.len()],
            };
        }
        let fits = expected == Some(other_axis)
            || self
                .files
                .columns
                .is_some_and(|[_, to]| to <= other_axis && to > array.num_channels());
        let hint = match layout {
            _ if !fits => "",
            FeatureLayout::TimeFirst => CHANNEL_FIRST,
            FeatureLayout::ChannelFirst => TIME_FIRST,
        };
        if self.files.columns.is_none()
            && let Some(expected) = expected
        {
            check_channels(array.num_channels(), &shape, expected, hint, path)?;
        }
        if array.len() == 0 {
            return Err(FeatureError::Empty {
                path: path.to_owned(),
                shape,
            });
        }
        self.select(array, shape, hint, path)
    }

    /// The configured columns, all finite.
    pub(super) fn select(
        &self,
        array: FeatureArray,
        shape: Vec<usize>,
        hint: &'static str,
        path: &Path,
    ) -> Result<Part, FeatureError> {
        let (array, first) = match self.files.columns {
            None => (array, 0),
            Some([from, to]) if to <= array.num_channels() => (array.channels(from, to), from),
            Some([from, to]) => {
                return Err(FeatureError::Columns {
                    path: path.to_owned(),
                    from,
                    to,
                    found: array.num_channels(),
                    shape,
                    hint,
                });
            }
        };
        match array.first_not_finite() {
            Some((time, channel, value)) => Err(FeatureError::NotFinite {
                path: path.to_owned(),
                time,
                channel: first + channel,
                value,
            }),
            None => Ok(Part { array, shape }),
        }
    }
}

/// That the file has the channels of the configuration.
pub(super) fn check_channels(
    found: usize,
    shape: &[usize],
    expected: usize,
    hint: &'static str,
    path: &Path,
) -> Result<(), FeatureError> {
    if found == expected {
        return Ok(());
    }
    Err(FeatureError::Channels {
        path: path.to_owned(),
        shape: shape.to_owned(),
        expected,
        found,
        hint,
    })
}

fn axes(layout: FeatureLayout) -> &'static str {
    match layout {
        FeatureLayout::TimeFirst => "(time, channels)",
        FeatureLayout::ChannelFirst => "(channels, time)",
    }
}

/// (1, a, b) is (a, b): some extractors keep the axis of the batch.
fn without_leading_ones(mut array: Array) -> Array {
    if let [1, _, _] = array.shape[..] {
        array.shape.remove(0);
    }
    array
}

fn check_matrix(
    array: &Array,
    expected: &'static str,
    path: &Path,
) -> Result<[usize; 2], FeatureError> {
    <[usize; 2]>::try_from(&array.shape[..]).map_err(|_| FeatureError::Dimensions {
        path: path.to_owned(),
        found: array.shape.clone(),
        expected,
    })
}

/// Raw signals are checked as they are stored, so that the error names the sample and the column.
fn check_finite(signal: &Array, path: &Path) -> Result<(), FeatureError> {
    match signal.data.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(FeatureError::NotFinite {
            path: path.to_owned(),
            time: at / signal.shape[1],
            channel: at % signal.shape[1],
            value: signal.data[at],
        }),
        None => Ok(()),
    }
}
