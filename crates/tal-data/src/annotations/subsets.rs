//! Subsets of recordings, changed in an annotation file.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use tal_core::atomic::write_atomic;

use super::AnnotationError;
use crate::json::from_json;

/// Writes `bytes`, the content of a checked annotation file, with other subsets for the recordings of `subsets`; fields
/// that this project does not know (subjects, places) stay. An existing file is replaced at once.
///
/// # Errors
/// If `bytes` is not JSON (the error names `source`), or the file cannot be written.
pub fn write(
    path: &Path,
    bytes: &[u8],
    source: &Path,
    subsets: &BTreeMap<String, String>,
) -> Result<(), AnnotationError> {
    let mut document: Value = from_json(bytes, source)?;
    if let Some(Value::Object(database)) = document.get_mut("database") {
        for (id, recording) in database.iter_mut() {
            if let (Some(subset), Value::Object(recording)) = (subsets.get(id), recording) {
                recording.insert("subset".into(), Value::String(subset.clone()));
            }
        }
    }
    write_atomic(path, |out| {
        serde_json::to_writer_pretty(&mut *out, &document)?;
        out.write_all(b"\n")
    })
    .map_err(|source| AnnotationError::Write {
        path: path.to_owned(),
        source,
    })
}
