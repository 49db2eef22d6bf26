//! HDF5 files, read and written without the C library.

use std::path::Path;
use std::sync::Arc;

use hdf5_reader::ByteOrder;
use hdf5_reader::error::Error;
use hdf5_reader::storage::DynStorage;
use hdf5_reader::{BytesStorage, Dataset, Datatype, FileStorage, Hdf5File, OpenOptions};
use tal_pth::MAX_DEFLATE_RATIO;

use crate::FeatureError;
use crate::features::error::{names, unreadable};
use crate::features::npy::Array;
use crate::features::value::{MAX_VALUES, ValueType};

/// Most bytes of one chunk; h5py makes them of about a mebibyte.
const MAX_CHUNK_BYTES: usize = 64 << 20;

/// An opened file. Values are read from the disk when they are asked for; any number of threads may do so.
pub struct File {
    file: Hdf5File,
    num_bytes: u64,
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("File")
            .field("num_bytes", &self.num_bytes)
            .finish_non_exhaustive()
    }
}

impl File {
    /// Opens a file.
    ///
    /// # Errors
    /// A file that is unreadable or not of the format.
    pub fn open(path: &Path) -> Result<Self, FeatureError> {
        let storage = FileStorage::open(path).map_err(|error| match error {
            Error::Io(source) => unreadable(path)(source).into(),
            other => malformed(path, other),
        })?;
        Self::of(Arc::new(storage), path)
    }

    /// A file in memory; errors name `path`.
    ///
    /// # Errors
    /// Bytes that are not of the format.
    pub fn from_bytes(bytes: Vec<u8>, path: &Path) -> Result<Self, FeatureError> {
        Self::of(Arc::new(BytesStorage::new(bytes)), path)
    }

    fn of(storage: DynStorage, path: &Path) -> Result<Self, FeatureError> {
        let num_bytes = storage.len();
        // Every array is read once and as a whole: nothing is gained by keeping its chunks. Neither other files nor links
        // to them are followed, as no resolver is set.
        let options = OpenOptions::default()
            .with_chunk_cache_bytes(0)
            .with_max_chunk_bytes(MAX_CHUNK_BYTES)
            .with_max_read_bytes(8 * MAX_VALUES)
            .with_max_object_header_bytes(1 << 20);
        let file = Hdf5File::from_storage_with_options(storage, options)
            .map_err(|error| malformed(path, error))?;
        Ok(Self { file, num_bytes })
    }

    /// Whether there is an array or a group of that name.
    pub fn has(&self, name: &str) -> bool {
        self.file.dataset(name).is_ok() || self.file.group(name).is_ok()
    }

    /// The names of all arrays, folders separated by `/`.
    ///
    /// # Errors
    /// A damaged folder; more than a million names, or folders in more than 16 levels.
    pub fn names(&self, path: &Path) -> Result<Vec<String>, FeatureError> {
        const MOST: usize = 1_000_000;
        const DEEPEST: usize = 16;
        let failed = |error: Error| malformed(path, error);
        let mut names = Vec::new();
        let mut open = vec![(String::new(), 0)];
        while let Some((folder, depth)) = open.pop() {
            let group = match folder.as_str() {
                "" => self.file.root_group(),
                _ => self.file.group(&folder),
            };
            let members = group.and_then(|group| group.member_names());
            let (groups, arrays) = members.map_err(failed)?;
            let full = |member: String| match folder.as_str() {
                "" => member,
                _ => format!("{folder}/{member}"),
            };
            names.extend(arrays.into_iter().map(full));
            open.extend(groups.into_iter().map(|group| (full(group), depth + 1)));
            if depth > DEEPEST || names.len() + open.len() > MOST {
                return Err(FeatureError::Malformed {
                    path: path.to_owned(),
                    format: "hdf5",
                    reason: format!(
                        "more than {MOST} names, or folders in more than {DEEPEST} levels"
                    ),
                });
            }
        }
        names.sort();
        Ok(names)
    }

    /// Reads the array `name`, folders within the file separated by `/`; without a name the only array of the outermost
    /// folder.
    ///
    /// # Errors
    /// No such array (the error lists those present); several and no name; values that are not floating point numbers;
    /// damaged or compressed in a way that is not read; larger than the file can hold, or than 2³² bytes.
    pub fn read(&self, name: Option<&str>, path: &Path) -> Result<Array, FeatureError> {
        let dataset = match name {
            Some(name) => self.file.dataset(name).map_err(|error| {
                if is_missing(&error) {
                    self.missing(name, path)
                } else {
                    malformed(path, error)
                }
            })?,
            None => self.only(path)?,
        };
        self.values(&dataset, path)
    }

    fn only(&self, path: &Path) -> Result<Dataset, FeatureError> {
        let failed = |error: Error| malformed(path, error);
        let root = self.file.root_group().map_err(failed)?;
        let (groups, arrays) = root.member_names().map_err(failed)?;
        match arrays.as_slice() {
            [only] => root.dataset(only).map_err(failed),
            _ => Err(FeatureError::AmbiguousKey {
                path: path.to_owned(),
                present: names(listed((groups, arrays))),
            }),
        }
    }

    /// The error for a missing name, with the names in the innermost folder that exists.
    fn missing(&self, name: &str, path: &Path) -> FeatureError {
        let mut folder = name;
        let members = loop {
            let group = match folder {
                "" => self.file.root_group(),
                _ => self.file.group(folder),
            };
            if let Ok(members) = group.and_then(|group| group.member_names()) {
                break Some(members);
            }
            if folder.is_empty() {
                break None;
            }
            folder = folder.rsplit_once('/').map_or("", |(outer, _)| outer);
        };
        let full = |member: String| match folder {
            "" => member,
            _ => format!("{folder}/{member}"),
        };
        FeatureError::MissingKey {
            path: path.to_owned(),
            key: name.to_owned(),
            present: names(listed(members.unwrap_or_default()).map(full)),
        }
    }

    fn values(&self, dataset: &Dataset, path: &Path) -> Result<Array, FeatureError> {
        let failed = |error: Error| malformed(path, error);
        let (value, big_endian) = match dataset.dtype() {
            Datatype::FloatingPoint { size, byte_order } => (
                ValueType::float(usize::from(*size)),
                matches!(byte_order, ByteOrder::BigEndian),
            ),
            _ => (None, false),
        };
        let Some(value) = value else {
            return Err(FeatureError::ValueType {
                path: path.to_owned(),
                found: kind(dataset.dtype()).to_owned(),
            });
        };
        let num_bytes = dataset.raw_byte_len().map_err(failed)?;
        let room = self
            .num_bytes
            .saturating_mul(MAX_DEFLATE_RATIO)
            .min((value.width() * MAX_VALUES) as u64);
        if num_bytes as u64 > room {
            let (shape, len) = (dataset.shape(), self.num_bytes);
            let reason =
                format!("an array of shape {shape:?} claims {num_bytes} bytes in a file of {len}");
            return Err(malformed(path, reason));
        }
        let shape = dataset
            .shape()
            .iter()
            .map(|size| usize::try_from(*size))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| malformed(path, error))?;
        let bytes = dataset.read_raw_bytes().map_err(failed)?;
        let data = value.decode(&bytes, big_endian);
        if Some(data.len()) != shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d)) {
            let reason = format!("{} values for the shape {shape:?}", data.len());
            return Err(malformed(path, reason));
        }
        Ok(Array { shape, data })
    }
}

/// A type of values in words.
fn kind(datatype: &Datatype) -> &'static str {
    match datatype {
        Datatype::FloatingPoint { .. } => "float of another width",
        Datatype::FixedPoint { .. } => "integer",
        _ => "text or a structure",
    }
}

/// The members of a folder, the folders among them with a `/`.
fn listed((groups, arrays): (Vec<String>, Vec<String>)) -> impl Iterator<Item = String> {
    let folders = groups.into_iter().map(|name| format!("{name}/"));
    arrays.into_iter().chain(folders)
}

fn is_missing(error: &Error) -> bool {
    match error {
        Error::DatasetNotFound(_) | Error::GroupNotFound(_) => true,
        Error::Context { source, .. } => is_missing(source),
        _ => false,
    }
}

fn malformed(path: &Path, reason: impl ToString) -> FeatureError {
    FeatureError::malformed(path, "hdf5", reason.to_string())
}

/// Reads an array of a file that belongs to one recording, see [`File::read`].
///
/// # Errors
/// Those of [`File::open`] and [`File::read`].
pub fn read(path: &Path, key: Option<&str>) -> Result<Array, FeatureError> {
    File::open(path)?.read(key, path)
}
