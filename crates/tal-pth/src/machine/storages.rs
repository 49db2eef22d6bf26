//! The storages that a pickle refers to, each once.

use std::collections::HashMap;
use std::sync::Arc;

use crate::storage::{Place, Storage};

/// Gives the place of a key and the bytes that are there.
type FindStorage<'a> = Box<dyn FnMut(&str) -> Result<(Place, u64), String> + 'a>;

/// All storages of a file.
pub(crate) struct Storages<'a> {
    find: FindStorage<'a>,
    list: Vec<Storage>,
    by_key: HashMap<String, usize>,
    pub(crate) big_endian: bool,
    /// Within a storage that is a stream of its own; no further one may be in it.
    pub(crate) nested: bool,
}

impl<'a> Storages<'a> {
    /// `find` gives the place of a key and its size in bytes.
    pub(crate) fn new(
        big_endian: bool,
        find: impl FnMut(&str) -> Result<(Place, u64), String> + 'a,
    ) -> Self {
        Self {
            find: Box::new(find),
            list: Vec::new(),
            by_key: HashMap::new(),
            big_endian,
            nested: false,
        }
    }

    /// Of a pickle that may not refer to any.
    pub(crate) fn none() -> Self {
        let nowhere = "nothing in this file can hold it";
        Self::new(false, |_| Err(nowhere.to_owned()))
    }

    pub(crate) fn into_list(self) -> Vec<Storage> {
        self.list
    }

    /// The index of a storage, if the file holds all of it.
    pub(super) fn index(
        &mut self,
        key: &str,
        num_values: usize,
        width: usize,
    ) -> Result<usize, String> {
        let num_bytes = num_values
            .checked_mul(width)
            .ok_or_else(|| format!("{num_values} values are too many"))?;
        if let Some(&index) = self.by_key.get(key) {
            let known = self.list[index].num_bytes;
            if known != num_bytes {
                let reason = format!("has {known} bytes at one place and {num_bytes} at another");
                return Err(reason);
            }
            return Ok(index);
        }
        let (place, found) = (self.find)(key)?;
        if found < num_bytes as u64 {
            return Err(format!("has {found} bytes instead of {num_bytes}"));
        }
        let index = self.push(Storage {
            key: key.to_owned(),
            place,
            num_bytes,
            width,
            big_endian: self.big_endian,
        });
        self.by_key.insert(key.to_owned(), index);
        Ok(index)
    }

    /// A storage whose values are in memory.
    pub(super) fn memory(
        &mut self,
        bytes: Arc<Vec<u8>>,
        start: usize,
        num_bytes: usize,
        width: usize,
        big_endian: bool,
    ) -> usize {
        self.push(Storage {
            key: "in the pickle".to_owned(),
            place: Place::Memory { bytes, start },
            num_bytes,
            width,
            big_endian,
        })
    }

    fn push(&mut self, storage: Storage) -> usize {
        self.list.push(storage);
        self.list.len() - 1
    }
}
