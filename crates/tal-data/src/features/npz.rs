//! NumPy's archives of arrays: zip files of npy files.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use super::FeatureError;
use super::npy::{self, Array};

/// Reads the array `key` of an npz file.
///
/// # Errors
/// A file that is unreadable or damaged; no array of the name (the error lists those present); an array that
/// [`npy::read`] refuses.
pub fn read(path: &Path, key: &str) -> Result<Array, FeatureError> {
    let unreadable = |source| FeatureError::Read {
        path: path.to_owned(),
        source,
    };
    let malformed = |reason: String| FeatureError::Malformed {
        path: path.to_owned(),
        format: "npz",
        reason,
    };
    let file = File::open(path).map_err(unreadable)?;
    let mut archive =
        zip::ZipArchive::new(BufReader::new(file)).map_err(|error| malformed(error.to_string()))?;
    let name = format!("{key}.npy");
    let names: Vec<String> = archive
        .file_names()
        .filter_map(|name| Some(name.ok()?.into_owned()))
        .collect();
    if !names.contains(&name) {
        let mut present: Vec<String> = names
            .iter()
            .map(|name| format!("{:?}", name.strip_suffix(".npy").unwrap_or(name)))
            .collect();
        present.sort();
        return Err(FeatureError::MissingKey {
            path: path.to_owned(),
            key: key.to_owned(),
            present: if present.is_empty() {
                "nothing".into()
            } else {
                present.join(", ")
            },
        });
    }
    let mut bytes = Vec::new();
    archive
        .by_name(&name)
        .map_err(|error| malformed(error.to_string()))?
        .read_to_end(&mut bytes)
        .map_err(|error| malformed(format!("array {key:?}: {error}")))?;
    npy::parse(&bytes, path, "npz")
}
