//! Opened files.

use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::archive::{self, Archive, Container, Source};
use super::storage::{Place, Storage};
use super::{PthError, TensorData, TensorRef, Value, legacy, machine};

/// Largest file without an archive, which is read as a whole. Lists amplify its bytes two to four times.
const MAX_PLAIN_BYTES: u64 = 1 << 30;

struct Reader {
    archive: Archive,
    // Tensors that share a storage usually follow one another.
    last: Option<(usize, Arc<Vec<u8>>)>,
}

/// An opened file: its data, and its tensors on demand.
pub struct PthFile {
    path: PathBuf,
    root: Value,
    storages: Vec<Storage>,
    /// `None` if the file is not an archive.
    reader: Option<Mutex<Reader>>,
}

impl std::fmt::Debug for PthFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PthFile")
            .field("path", &self.path)
            .field("num_storages", &self.storages.len())
            .finish_non_exhaustive()
    }
}

impl PthFile {
    /// Opens a file and reads everything but the values of its tensors.
    ///
    /// # Errors
    /// If the file cannot be read, is neither one of `torch.save` nor a pickle, is damaged, or holds anything but plain
    /// data, tensors and arrays.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, PthError> {
        let path = path.as_ref();
        let io = |source| PthError::Io {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(io)?;
        let len = file.metadata().map_err(io)?.len();
        Self::read(path, Box::new(BufReader::new(file)), len)
    }

    /// [`PthFile::open`] for bytes in memory; errors name it instead of a path.
    ///
    /// # Errors
    /// Those of [`PthFile::open`].
    pub fn from_bytes(name: impl AsRef<Path>, bytes: Vec<u8>) -> Result<Self, PthError> {
        let len = bytes.len() as u64;
        Self::read(name.as_ref(), Box::new(Cursor::new(bytes)), len)
    }

    fn read(path: &Path, mut source: Box<dyn Source>, len: u64) -> Result<Self, PthError> {
        match archive::container(path, source.as_mut())? {
            Container::Zip => Self::read_archive(path, source, len),
            Container::Pickle => Self::read_plain(path, source, len),
        }
    }

    fn read_archive(path: &Path, source: Box<dyn Source>, len: u64) -> Result<Self, PthError> {
        let mut archive = Archive::open(path, source, len)?;
        let pickle = archive.pickle()?;
        let big_endian = archive.is_big_endian()?;
        let mut storages = machine::Storages::new(big_endian, |key| archive.storage(key));
        let (root, _) = machine::load(&pickle, &mut storages).map_err(|fault| fault.at(path))?;
        Ok(Self {
            path: path.to_owned(),
            root,
            storages: storages.into_list(),
            reader: Some(Mutex::new(Reader {
                archive,
                last: None,
            })),
        })
    }

    /// A file without an archive: of an older PyTorch, or of `pickle`.
    fn read_plain(path: &Path, mut source: Box<dyn Source>, len: u64) -> Result<Self, PthError> {
        let what = "bytes of a file without an archive";
        PthError::at_most(path, what, len, MAX_PLAIN_BYTES)?;
        let mut bytes = Vec::with_capacity(len as usize);
        source
            .as_mut()
            .take(len)
            .read_to_end(&mut bytes)
            .map_err(|source| PthError::Io {
                path: path.to_owned(),
                source,
            })?;
        let bytes = Arc::new(bytes);
        let result = match legacy::after_magic(&bytes) {
            Some(start) => legacy::load(&bytes, start),
            None => {
                let mut storages = machine::Storages::none();
                machine::load(&bytes, &mut storages).map(|(root, _)| (root, storages.into_list()))
            }
        };
        let (root, storages) = result.map_err(|fault| fault.at(path))?;
        Ok(Self {
            path: path.to_owned(),
            root,
            storages,
            reader: None,
        })
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The object that was saved.
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// The value under `keys` below the root, see [`Value::at`].
    ///
    /// # Errors
    /// If there is no such value; the error lists the keys that are there.
    pub fn require(&self, keys: &[&str]) -> Result<&Value, PthError> {
        let mut value = &self.root;
        for (depth, key) in keys.iter().enumerate() {
            value = value.get(key).ok_or_else(|| PthError::Missing {
                path: self.path.clone(),
                key: keys[..=depth].join("."),
                found: value.describe(),
            })?;
        }
        Ok(value)
    }

    /// Reads the values of a tensor of this file, contiguous and little endian whatever the file has.
    ///
    /// # Errors
    /// If its storage cannot be read, or the tensor belongs to another file and does not fit.
    pub fn tensor(&self, tensor: &TensorRef) -> Result<TensorData, PthError> {
        let foreign = || PthError::Storage {
            path: self.path.clone(),
            key: tensor.storage.to_string(),
            reason: "the tensor belongs to another file".to_owned(),
        };
        let storage = self.storages.get(tensor.storage).ok_or_else(foreign)?;
        let data = match (&storage.place, &self.reader) {
            (Place::Memory { bytes, start }, _) => bytes
                .get(*start..)
                .and_then(|bytes| bytes.get(..storage.num_bytes))
                .and_then(|bytes| tensor.gather(bytes, storage.big_endian)),
            (Place::Entry(entry), Some(reader)) => {
                let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
                let bytes = match &reader.last {
                    Some((index, bytes)) if *index == tensor.storage => Arc::clone(bytes),
                    _ => {
                        let bytes = Arc::new(reader.archive.storage_bytes(storage, *entry)?);
                        reader.last = Some((tensor.storage, Arc::clone(&bytes)));
                        bytes
                    }
                };
                drop(reader);
                tensor.gather(&bytes, storage.big_endian)
            }
            _ => None,
        };
        data.ok_or_else(foreign)
    }
}
