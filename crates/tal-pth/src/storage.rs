//! Storages: the values that tensors share.

use std::sync::Arc;

/// The values of a storage, checked to be there.
#[derive(Debug, Clone)]
pub(super) struct Storage {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) num_bytes: usize,
    /// Bytes of one value.
    pub(super) width: usize,
    pub(super) big_endian: bool,
}

/// Place of the values of a storage.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// An entry of the archive.
    Entry(usize),
    /// Bytes in memory, from `start`.
    Memory { bytes: Arc<Vec<u8>>, start: usize },
    /// Further back in the file, not yet known where.
    Pending,
}
