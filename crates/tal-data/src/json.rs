//! JSON objects with repeated keys, and errors with line and column.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error, MapAccess, Unexpected, Visitor};
use serde_json::Value;
use tal_core::atomic::write_atomic;
use tal_core::plain_words;

use crate::bounded;
use crate::encoding::decode;
use crate::text::finite;

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
    let bytes = &*decode(bytes);
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let mut message = plain_words(without_position(&error.to_string()));
        if bytes.trim_ascii().is_empty() {
            "the file is empty; expected JSON".clone_into(&mut message);
        }
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

/// A name, or the number that stands for one.
pub(crate) struct Name(pub(crate) String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl Visitor<'_> for NameVisitor {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name or the id of a class")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Name, E> {
                Ok(Name(text.to_owned()))
            }

            fn visit_string<E: Error>(self, text: String) -> Result<Name, E> {
                Ok(Name(text))
            }

            fn visit_u64<E: Error>(self, id: u64) -> Result<Name, E> {
                Ok(Name(id.to_string()))
            }

            fn visit_i64<E: Error>(self, id: i64) -> Result<Name, E> {
                Ok(Name(id.to_string()))
            }

            // Some writers turn ids into floats; a whole one is shown without its point.
            fn visit_f64<E: Error>(self, id: f64) -> Result<Name, E> {
                Ok(Name(id.to_string()))
            }
        }
        deserializer.deserialize_any(NameVisitor)
    }
}

/// A number, also one that is written as a text.
pub(crate) struct Number(pub(crate) f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberVisitor;
        impl Visitor<'_> for NumberVisitor {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                let number = finite(text).map(Number);
                number.ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
                Ok(Number(number as f64))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
                Ok(Number(number as f64))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Number, E> {
                Ok(Number(number))
            }
        }
        deserializer.deserialize_any(NumberVisitor)
    }
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
