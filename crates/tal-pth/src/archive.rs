//! The zip archive around the pickle and the storages.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use zip::read::ZipFile;
use zip::{CompressionMethod, ZipArchive};

use super::PthError;
use super::bounded::unpacked_size;
use super::storage::{Place, Storage};

/// Largest pickle that is read; those of checkpoints have some hundred kilobytes.
const MAX_PICKLE_BYTES: u64 = 64 << 20;
/// Largest storage that is read: deflated, a small file could otherwise fill the memory.
const MAX_STORAGE_BYTES: u64 = 4 << 30;

/// Readers of a file.
pub(super) trait Source: Read + Seek + Send {}
impl<T: Read + Seek + Send> Source for T {}

type Zip = ZipArchive<Box<dyn Source>>;
type Entry<'a> = ZipFile<'a, Box<dyn Source>>;

pub(super) struct Archive {
    path: PathBuf,
    zip: Zip,
    num_bytes: u64,
    prefix: String,
}

impl Archive {
    pub(super) fn open(
        path: &Path,
        source: Box<dyn Source>,
        num_bytes: u64,
    ) -> Result<Self, PthError> {
        let damaged = |reason: String| damaged(path, reason);
        let zip = ZipArchive::new(source).map_err(|error| {
            damaged(format!(
                "{error}; the file may be truncated, fetch it again"
            ))
        })?;
        // The folder is named after the file; every entry is inside it.
        let mut pickles = zip
            .file_names_raw()
            .filter_map(|name| std::str::from_utf8(name).ok())
            .filter_map(|name| name.strip_suffix("data.pkl"))
            .filter(|prefix| prefix.ends_with('/') && prefix.matches('/').count() == 1);
        let prefix = pickles
            .next()
            .ok_or_else(|| damaged("no NAME/data.pkl: torch.save did not write it".to_owned()))?
            .to_owned();
        if let Some(second) = pickles.next() {
            return Err(damaged(format!(
                "two pickles, \"{prefix}data.pkl\" and \"{second}data.pkl\""
            )));
        }
        drop(pickles);
        Ok(Self {
            path: path.to_owned(),
            zip,
            num_bytes,
            prefix,
        })
    }

    pub(super) fn pickle(&mut self) -> Result<Vec<u8>, PthError> {
        let name = format!("{}data.pkl", self.prefix);
        let index = self
            .zip
            .index_for_name(&name)
            .ok_or_else(|| damaged(&self.path, format!("no {name:?}")))?;
        let size = self.size(index)?;
        PthError::at_most(&self.path, "bytes of the pickle", size, MAX_PICKLE_BYTES)?;
        self.bytes(index, size)
    }

    /// Whether the storages are big endian; files before PyTorch 2.1 do not say and are little endian.
    pub(super) fn is_big_endian(&mut self) -> Result<bool, PthError> {
        let name = format!("{}byteorder", self.prefix);
        let Some(index) = self.zip.index_for_name(&name) else {
            return Ok(false);
        };
        let size = self.size(index)?;
        let bytes = if size <= 16 {
            self.bytes(index, size)?
        } else {
            Vec::new()
        };
        match bytes.trim_ascii() {
            b"little" => Ok(false),
            b"big" => Ok(true),
            _ => {
                let found = String::from_utf8_lossy(&bytes);
                let reason = format!("{name:?} says {found:?}, neither little nor big");
                Err(damaged(&self.path, reason))
            }
        }
    }

    /// The entry of a storage and its size in bytes.
    pub(super) fn storage(&mut self, key: &str) -> Result<(Place, u64), String> {
        let name = format!("{}data/{key}", self.prefix);
        let index = self
            .zip
            .index_for_name(&name)
            .ok_or_else(|| format!("no entry {name:?} in the archive"))?;
        let size = self.size(index).map_err(|error| match error {
            PthError::Archive { reason, .. } => reason,
            other => other.to_string(),
        })?;
        Ok((Place::Entry(index), size))
    }

    pub(super) fn storage_bytes(
        &mut self,
        storage: &Storage,
        entry: usize,
    ) -> Result<Vec<u8>, PthError> {
        let wrap = |error| match error {
            PthError::Archive { path, reason } => PthError::Storage {
                path,
                key: storage.key.clone(),
                reason,
            },
            other => other,
        };
        let size = self.size(entry).map_err(wrap)?;
        PthError::at_most(&self.path, "bytes of a storage", size, MAX_STORAGE_BYTES)?;
        let mut bytes = self.bytes(entry, size).map_err(wrap)?;
        bytes.truncate(storage.num_bytes);
        Ok(bytes)
    }

    /// Uncompressed size of an entry, if the archive is large enough to hold it.
    fn size(&mut self, index: usize) -> Result<u64, PthError> {
        let entry = entry(&mut self.zip, &self.path, index)?;
        unpacked_size(&entry, self.num_bytes, u64::MAX)
            .map_err(|reason| damaged(&self.path, format!("an entry {reason}")))
    }

    fn bytes(&mut self, index: usize, size: u64) -> Result<Vec<u8>, PthError> {
        let path = &self.path;
        let entry = entry(&mut self.zip, path, index)?;
        // A stored entry was checked against the file; a deflated one may still lie, so its buffer grows as it fills.
        let first = match entry.compression() {
            CompressionMethod::Stored => size,
            _ => size.min(1 << 20),
        };
        let mut bytes = Vec::with_capacity(first as usize);
        entry
            .take(size + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| damaged(path, format!("cannot read an entry: {error}")))?;
        let found = bytes.len();
        if found as u64 != size {
            let reason = format!("an entry has {found} bytes instead of {size}");
            return Err(damaged(path, reason));
        }
        Ok(bytes)
    }
}

fn entry<'a>(zip: &'a mut Zip, path: &Path, index: usize) -> Result<Entry<'a>, PthError> {
    zip.by_index(index)
        .map_err(|error| damaged(path, error.to_string()))
}

fn damaged(path: &Path, reason: String) -> PthError {
    let path = path.to_owned();
    PthError::Archive { path, reason }
}

/// Kind of a file by its first bytes.
pub(super) enum Container {
    /// An archive, as PyTorch writes it from 1.6 on.
    Zip,
    /// A pickle alone, or several and then values.
    Pickle,
}

pub(super) fn container(path: &Path, source: &mut dyn Source) -> Result<Container, PthError> {
    let io = |source| PthError::Io {
        path: path.to_owned(),
        source,
    };
    let mut first = Vec::new();
    source.take(512).read_to_end(&mut first).map_err(io)?;
    source.seek(SeekFrom::Start(0)).map_err(io)?;
    if first.starts_with(b"PK\x03\x04") {
        return Ok(Container::Zip);
    }
    if matches!(first.as_slice(), [0x80, 0..=5, ..]) {
        return Ok(Container::Pickle);
    }
    let path = path.to_owned();
    if first.get(257..262) == Some(b"ustar") {
        return Err(PthError::Legacy { path });
    }
    let found = if first.is_empty() {
        "nothing (it is empty)".to_owned()
    } else {
        format!("\"{}\"", first[..first.len().min(8)].escape_ascii())
    };
    Err(PthError::NotAnArchive { path, found })
}
