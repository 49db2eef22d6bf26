//! Outline of an annotation file.

use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::AnnotationError;
use crate::json::Entries;

/// The file's outline; the fields of a recording are checked later, when an error can name it.
pub(super) struct Document {
    database: Option<Entries>,
    /// Names of the classes by their ids, if it is a list of texts.
    classes: Option<Value>,
    /// First other key and its value, which show what another layout it is.
    other: Option<(String, Value)>,
    keys: Vec<String>,
}

impl Document {
    /// The recordings of the file in its order, repetitions included.
    pub(super) fn entries(&self, path: &Path) -> Result<&Entries, AnnotationError> {
        self.database
            .as_ref()
            .ok_or_else(|| AnnotationError::NoDatabase {
                path: path.to_owned(),
                hint: self.hint(),
            })
    }

    /// The names of the classes by their ids, if the file lists them. Other formats may use the field for something else.
    pub(super) fn class_names(&self) -> Option<Vec<&str>> {
        let names = self.classes.as_ref()?.as_array()?;
        names.iter().map(Value::as_str).collect()
    }

    /// The layout that the file looks like, and how it is read.
    fn hint(&self) -> String {
        let convert = |name: &str, format: &str, options: &str| {
            format!(
                "; this looks like {name}, which `tal data convert annotations FILE --from {format}{options}` reads"
            )
        };
        let has_key = |key: &str| self.keys.iter().any(|known| known == key);
        let field = |key: &str| {
            let recording = self.other.as_ref().map(|(_, value)| value);
            recording.is_some_and(|value| value.get(key).is_some())
        };
        if has_key("results") {
            "; this looks like a file of detections".to_owned()
        } else if has_key("videos") {
            convert("Ego4D's moments", "ego4d-mq", "")
        } else if field("duration_second") || field("annotations") {
            let layout = "the layout of BSN and mmaction2, with recording ids that belong below \"database\"";
            convert(layout, "bsn", " --default-subset NAME")
        } else if field("actions") {
            convert("the JSON of MultiTHUMOS and Charades", "multithumos", "")
        } else {
            "; known layouts are this one, and those of `tal data convert annotations --from`: csv, activitynet, hacs, bsn, \
             thumos14, multithumos, epic-kitchens-verb, epic-kitchens-noun, charades, ego4d-mq"
                .to_owned()
        }
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Outline)
    }
}

struct Outline;

impl<'de> Visitor<'de> for Outline {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with \"database\"")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Document, M::Error> {
        let mut document = Document {
            database: None,
            classes: None,
            other: None,
            keys: Vec::new(),
        };
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "database" if document.database.is_some() => {
                    return Err(M::Error::duplicate_field("database"));
                }
                "database" => document.database = map.next_value()?,
                "classes" => document.classes = map.next_value()?,
                _ if document.other.is_none() => {
                    let value = map.next_value()?;
                    document.keys.push(key.clone());
                    document.other = Some((key, value));
                }
                _ => {
                    map.next_value::<serde::de::IgnoredAny>()?;
                    // Enough to tell layouts apart.
                    if document.keys.len() < 16 {
                        document.keys.push(key);
                    }
                }
            }
        }
        Ok(document)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, _: S) -> Result<Document, S::Error> {
        Err(S::Error::custom(
            "a list; expected an object with \"database\"",
        ))
    }
}
