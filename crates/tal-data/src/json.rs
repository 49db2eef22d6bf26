//! JSON objects with repeated keys, and errors with line and column.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use tal_core::atomic::write_atomic;

use crate::bounded;

/// Why bytes are not the JSON that was expected.
#[derive(Debug, thiserror::Error)]
#[error("{}: line {line}, column {column}: {message}", path.display())]
pub struct JsonError {
    /// The file.
    pub path: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// Fault at that place.
    pub message: String,
}

/// A value from the content of a JSON file; errors name `path`.
///
/// # Errors
/// Wrong syntax; a missing or unknown field of `T`; a field of another type.
pub fn from_json<T: DeserializeOwned>(bytes: &[u8], path: &Path) -> Result<T, JsonError> {
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let mut message = without_position(&error.to_string()).to_owned();
        let mut text = bounded::Json::new(bytes);
        let _ = io::copy(&mut text, &mut io::sink());
        if let Some(word) = text.not_finite_near(line, column) {
            message += &format!(" ({word} is not a number; expected a finite one)");
        }
        JsonError {
            path: path.to_owned(),
            line,
            column,
            message,
        }
    })
}

/// Writes a value over several lines; an existing file is replaced at once.
///
/// # Errors
/// Those of the file system.
pub fn write_pretty(path: &Path, value: &Value) -> io::Result<()> {
    write_atomic(path, |out| {
        serde_json::to_writer_pretty(&mut *out, value)?;
        out.write_all(b"\n")
    })
}

/// A message of serde_json without the position at its end.
pub(crate) fn without_position(message: &str) -> &str {
    message
        .rsplit_once(" at line ")
        .map_or(message, |(text, _)| text)
}

/// The entries of a JSON object in the order of the file. A map would silently keep the last of two equal keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Entries<T = Value>(pub Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object from recording ids to recordings")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Entries<T>, M::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(EntriesVisitor(PhantomData))
    }
}
