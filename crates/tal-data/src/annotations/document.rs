//! From bytes to the recordings of the file, in its order, repetitions included.

use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::AnnotationError;

/// The file's outline; what belongs to one recording is checked later, where an error can name it.
#[derive(Deserialize)]
pub(super) struct Document {
    pub(super) database: Option<Entries>,
    /// Names of the classes by their ids, where it is a list of texts.
    pub(super) classes: Option<Value>,
}

impl Document {
    /// The names of the classes by their ids, where the file lists them. Other formats may use the field for something else.
    pub(super) fn class_names(&self) -> Option<Vec<&str>> {
        let names = self.classes.as_ref()?.as_array()?;
        names.iter().map(Value::as_str).collect()
    }
}

/// A JSON object as pairs: a map would silently keep the last of two equal keys.
pub struct Entries(pub Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;
        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object from recording ids to recordings")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Entries, M::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(EntriesVisitor)
    }
}

pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<Document, AnnotationError> {
    from_json(bytes, path)
}

/// Any JSON, with our own errors.
pub fn from_json<T: DeserializeOwned>(bytes: &[u8], path: &Path) -> Result<T, AnnotationError> {
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        // serde_json repeats the position at the end of its message.
        let message = error.to_string();
        let message = message
            .rsplit_once(" at line ")
            .map_or(message.as_str(), |(text, _)| text);
        let hint = match not_finite_near(bytes, line, column) {
            Some(word) => format!(" ({word} is not a number; expected finite seconds)"),
            None => String::new(),
        };
        AnnotationError::Syntax {
            path: path.to_owned(),
            line,
            column,
            message: format!("{message}{hint}"),
        }
    })
}

/// The word that Python's writer puts for numbers that JSON cannot express, where the error points at one.
fn not_finite_near(bytes: &[u8], line: usize, column: usize) -> Option<&'static str> {
    let text = bytes.split(|b| *b == b'\n').nth(line.checked_sub(1)?)?;
    let from = column.saturating_sub(2).min(text.len());
    let rest = &text[from..];
    ["-Infinity", "Infinity", "NaN"].into_iter().find(|word| {
        (0..=2).any(|skip| {
            rest.get(skip..)
                .is_some_and(|r| r.starts_with(word.as_bytes()))
        })
    })
}
