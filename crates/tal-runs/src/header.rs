//! The header of a checkpoint: what it says about itself, without its tensors.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};
use tal_core::FileError;

use crate::RunsError;

/// Longest header that is read; one with a hundred thousand tensors has 10 MB.
const MAX_HEADER: u64 = 100 << 20;

/// The header of a safetensors file.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckpointHeader {
    /// Free text by key.
    pub metadata: BTreeMap<String, String>,
    /// The tensors in the order of the file.
    pub tensors: Vec<TensorEntry>,
}

/// A tensor of a file, without its values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TensorEntry {
    /// Its name.
    pub name: String,
    /// The type of its values, as the file spells it.
    pub dtype: String,
    /// Its sizes.
    pub shape: Vec<usize>,
}

impl TensorEntry {
    /// Number of values; the largest number if it has no room for it.
    pub fn num_values(&self) -> usize {
        let sizes = self.shape.iter();
        sizes.fold(1, |all, size| all.saturating_mul(*size))
    }
}

impl CheckpointHeader {
    /// The key of the metadata that holds the manifest of a checkpoint of `tal`.
    pub const MANIFEST: &str = "tal";

    /// Reads the header of a safetensors file.
    ///
    /// # Errors
    /// If the file cannot be read, is truncated or is no safetensors file.
    pub fn read(path: &Path) -> Result<Self, RunsError> {
        let io = FileError::at("read", path);
        let mut file = File::open(path).map_err(&io)?;
        let num_bytes = file.metadata().map_err(&io)?.len();
        let no_header = || {
            let reason =
                "is not a whole safetensors file; it may be truncated, fetch or write it again";
            RunsError::malformed(path, reason)
        };
        let mut len = [0; 8];
        if num_bytes < 8 {
            return Err(no_header());
        }
        file.read_exact(&mut len).map_err(&io)?;
        let len = u64::from_le_bytes(len);
        if len > MAX_HEADER || len > num_bytes - 8 {
            return Err(no_header());
        }
        let mut header = Vec::new();
        file.take(len).read_to_end(&mut header).map_err(&io)?;
        let header: Map<String, Value> =
            serde_json::from_slice(&header).map_err(|_| no_header())?;
        Self::of(&header, num_bytes - 8 - len).ok_or_else(no_header)
    }

    /// The header's content; `None` if a tensor lacks a field or its values lie behind the end of the file.
    fn of(header: &Map<String, Value>, data_bytes: u64) -> Option<Self> {
        let mut found = Self {
            metadata: BTreeMap::new(),
            tensors: Vec::new(),
        };
        for (name, value) in header {
            if name == "__metadata__" {
                for (key, text) in value.as_object()? {
                    found
                        .metadata
                        .insert(key.clone(), text.as_str()?.to_owned());
                }
                continue;
            }
            let sizes = value["shape"].as_array()?.iter();
            let shape: Option<Vec<usize>> = sizes
                .map(|size| usize::try_from(size.as_u64()?).ok())
                .collect();
            if value["data_offsets"][1].as_u64()? > data_bytes {
                return None;
            }
            found.tensors.push(TensorEntry {
                name: name.clone(),
                dtype: value["dtype"].as_str()?.to_owned(),
                shape: shape?,
            });
        }
        Some(found)
    }

    /// The manifest of a checkpoint of `tal`; `None` if the file is not one.
    pub fn manifest(&self) -> Option<Value> {
        serde_json::from_str(self.metadata.get(Self::MANIFEST)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: usize) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.bytes());
        bytes.extend(vec![0; data]);
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    const HEADER: &str = r#"{"__metadata__":{"tal":"{\"format\":2}"},"a.b":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}"#;

    #[test]
    fn a_header_is_read_without_the_tensors() {
        let header = CheckpointHeader::read(file(HEADER, 24).path()).unwrap();
        assert_eq!(header.manifest().unwrap()["format"], 2);
        assert_eq!(header.tensors[0].name, "a.b");
        assert_eq!(header.tensors[0].num_values(), 6);
    }

    #[test]
    fn damaged_and_lying_headers_are_refused() {
        let huge = u64::MAX.to_le_bytes();
        let lying = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(lying.path(), huge).unwrap();
        for file in [file(HEADER, 23), file("{\"a\":3}", 0), file("[]", 0), lying] {
            let error = CheckpointHeader::read(file.path()).unwrap_err();
            assert!(error.to_string().contains("truncated"), "{error}");
        }
    }
}
