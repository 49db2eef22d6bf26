//! NumPy's archives of arrays: zip files of npy files.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::Path;

use tal_pth::unpacked_size;
use zip::ZipArchive;

use super::FeatureError;
use super::error::{names, unreadable};
use super::npy::{self, Array, Values};
use super::value::MAX_VALUES;

/// Reads the array `key` of an npz file, stored or deflated.
///
/// # Errors
/// A file that is unreadable or damaged; no array of the name (the error lists those present); an array that
/// [`npy::read`] refuses; one that is larger than its compressed bytes can hold, or than 2³¹ bytes.
pub fn read(path: &Path, key: &str) -> Result<Array, FeatureError> {
    open(path, key, Values::Features)
}

/// [`read`] of an array that may also hold whole numbers or truth values, such as labels. Those above 2²⁴ are rounded.
///
/// # Errors
/// Those of [`read`].
pub fn read_numbers(path: &Path, key: &str) -> Result<Array, FeatureError> {
    open(path, key, Values::Numbers)
}

fn open(path: &Path, key: &str, values: Values) -> Result<Array, FeatureError> {
    let file = File::open(path).map_err(unreadable(path))?;
    let len = file.metadata().map_err(unreadable(path))?.len();
    read_archive(BufReader::new(file), len, path, key, values)
}

/// [`read`] of a file's content; errors name `path`.
///
/// # Errors
/// Those of [`read`], except for those of the file system.
pub fn parse(bytes: &[u8], path: &Path, key: &str) -> Result<Array, FeatureError> {
    let len = bytes.len() as u64;
    read_archive(Cursor::new(bytes), len, path, key, Values::Features)
}

fn read_archive(
    source: impl Read + Seek,
    num_bytes: u64,
    path: &Path,
    key: &str,
    values: Values,
) -> Result<Array, FeatureError> {
    let malformed = |reason: String| FeatureError::malformed(path, "npz", reason);
    let mut archive = ZipArchive::new(source).map_err(|error| {
        malformed(format!(
            "{error}; the file may be truncated, fetch it again"
        ))
    })?;
    let Some(index) = archive.index_for_name(&format!("{key}.npy")) else {
        let present = archive
            .file_names()
            .filter_map(|name| Some(name.ok()?.trim_end_matches(".npy").to_owned()));
        return Err(FeatureError::MissingKey {
            path: path.to_owned(),
            key: key.to_owned(),
            present: names(present),
        });
    };
    let mut entry = archive
        .by_index(index)
        .map_err(|error| malformed(error.to_string()))?;
    let size = unpacked_size(&entry, num_bytes, 4 * MAX_VALUES as u64)
        .map_err(|reason| malformed(format!("array {key:?} {reason}")))?;
    match npy::read_from(&mut entry, size, path, "npz", values) {
        Err(FeatureError::File(error)) => {
            Err(malformed(format!("array {key:?}: {}", error.source)))
        }
        other => other,
    }
}
