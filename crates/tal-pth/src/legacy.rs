//! The format of `torch.save` before PyTorch 1.6: pickles one after another, then the values.
//!
//! A magic number, a version, the layout of the machine, the object, the keys of its storages; then for each key the
//! number of its values (eight bytes) and the values. `pickle` itself writes the storage of a tensor as such a stream.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Value;
use super::error::{Fault, FaultKind};
use super::machine::{self, StorageRef, Storages};
use super::storage::{Place, Storage};

/// The magic number as pickles write it, with the end of its pickle.
const MAGIC: &[u8] = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";
/// Longest prefix of a pickle before its first value: protocol and frame.
const LONGEST_PREFIX: usize = 11;
const VERSION: i64 = 1001;

/// Position of the pickle of the version; `None` if the bytes are not of this format.
pub(super) fn after_magic(bytes: &[u8]) -> Option<usize> {
    let head = &bytes[..bytes.len().min(LONGEST_PREFIX + MAGIC.len())];
    let at = head.windows(MAGIC.len()).position(|w| w == MAGIC)?;
    Some(at + MAGIC.len())
}

/// The object of a stream and its storages; `start` is what [`after_magic`] found.
pub(super) fn load(bytes: &Arc<Vec<u8>>, start: usize) -> Result<(Value, Vec<Storage>), Fault> {
    let mut cursor = Cursor::new(bytes, start);
    let mut storages = cursor.prologue()?;
    let root = cursor.pickle(&mut storages, machine::load)?;
    let mut list = storages.into_list();
    let places = cursor.values(&list)?;
    for storage in &mut list {
        // Values inside the pickle have a place already.
        if let Place::Pending = storage.place {
            let lacks = || cursor.storage_fault(&storage.key, "the list of storages lacks it");
            let start = *places.get(&storage.key).ok_or_else(lacks)?;
            let bytes = Arc::clone(bytes);
            storage.place = Place::Memory { bytes, start };
        }
    }
    Ok((root, list))
}

/// The storage that a stream consists of, where its values begin and whether they are big endian.
pub(super) fn storage(bytes: &[u8]) -> Result<(StorageRef, usize, bool), Fault> {
    let malformed = |reason: &str| Fault {
        kind: FaultKind::Malformed(reason.to_owned()),
        opcode: "none".to_owned(),
        position: 0,
    };
    let start = after_magic(bytes)
        .ok_or_else(|| malformed("the bytes of a storage are not a stream of torch.save"))?;
    let mut cursor = Cursor::new(bytes, start);
    let mut storages = cursor.prologue()?;
    storages.nested = true;
    let storage = cursor.pickle(&mut storages, machine::load_storage)?;
    let big_endian = storages.big_endian;
    let list = storages.into_list();
    let places = cursor.values(&list)?;
    let start = list
        .get(storage.index)
        .and_then(|found| places.get(&found.key))
        .ok_or_else(|| malformed("the list of storages lacks the only one"))?;
    Ok((storage, *start, big_endian))
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// Runs the pickle at the cursor; positions in its errors count from the first byte of the file.
    fn pickle<T>(
        &mut self,
        storages: &mut Storages<'_>,
        load: impl Fn(&[u8], &mut Storages<'_>) -> Result<(T, usize), Fault>,
    ) -> Result<T, Fault> {
        let at = self.at;
        let (value, len) = load(&self.bytes[at..], storages).map_err(|fault| Fault {
            position: fault.position + at,
            ..fault
        })?;
        self.at += len;
        Ok(value)
    }

    /// The version and the layout; gives the storages of the object, whose places come later.
    fn prologue(&mut self) -> Result<Storages<'static>, Fault> {
        let version = self.pickle(&mut Storages::none(), machine::load)?;
        if version.as_i64() != Some(VERSION) {
            let reason = format!("version {version:?} of torch.save's old format, not {VERSION}");
            return Err(self.fault(FaultKind::Malformed(reason)));
        }
        let layout = self.pickle(&mut Storages::none(), machine::load)?;
        let little = layout.get("little_endian").and_then(Value::as_bool);
        Ok(Storages::new(little == Some(false), |_| {
            Ok((Place::Pending, u64::MAX))
        }))
    }

    /// Position of the values of each key, after a check that they are all there.
    fn values(&mut self, list: &[Storage]) -> Result<BTreeMap<String, usize>, Fault> {
        let keys = self.pickle(&mut Storages::none(), machine::load)?;
        let by_key: BTreeMap<&str, &Storage> = list
            .iter()
            .filter(|storage| matches!(storage.place, Place::Pending))
            .map(|storage| (storage.key.as_str(), storage))
            .collect();
        let mut places = BTreeMap::new();
        for item in keys.as_items().ok_or_else(|| self.not_names())? {
            let key = item.as_str().ok_or_else(|| self.not_names())?;
            let wrong = |reason: &str| Err(self.storage_fault(key, reason));
            let Some(storage) = by_key.get(key) else {
                return wrong("it is listed but no tensor lies in it");
            };
            let Some((count, values)) = self.bytes[self.at..].split_first_chunk::<8>() else {
                return wrong("the file ends before its values");
            };
            let count = match storage.big_endian {
                true => u64::from_be_bytes(*count),
                false => u64::from_le_bytes(*count),
            };
            let num_values = (storage.num_bytes / storage.width) as u64;
            if count != num_values {
                return wrong(&format!("has {count} values instead of {num_values}"));
            }
            let (found, num_bytes) = (values.len(), storage.num_bytes);
            if found < num_bytes {
                let reason = format!("has {found} bytes instead of {num_bytes}");
                return wrong(&format!("{reason}; the file is truncated"));
            }
            places.insert(key.to_owned(), self.at + 8);
            self.at += 8 + num_bytes;
        }
        Ok(places)
    }

    fn fault(&self, kind: FaultKind) -> Fault {
        Fault {
            kind,
            opcode: "none".to_owned(),
            position: self.at,
        }
    }

    fn not_names(&self) -> Fault {
        let reason = "the list of storages is not a list of names";
        self.fault(FaultKind::Malformed(reason.to_owned()))
    }

    fn storage_fault(&self, key: &str, reason: impl Into<String>) -> Fault {
        self.fault(FaultKind::Storage(key.to_owned(), reason.into()))
    }
}
