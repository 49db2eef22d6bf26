//! `{"version", "results": {id: [{"label", "score", "segment": [start, end]}]}, "external_data": {}}`.

use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use tal_core::{ClassMap, Detection, DetectionSet, Segment};

use super::{Labels, ResultFormat, ResultsError, shortened, writer};
use crate::bounded;
use crate::encoding::Decoded;
use crate::json::{Name, Number, without_position};

/// An entry as others write it.
#[derive(Deserialize)]
#[serde(expecting = "a detection with segment, score and label")]
pub(super) struct Found {
    #[serde(default)]
    pub(super) label: Option<Name>,
    pub(super) score: Number,
    pub(super) segment: [Number; 2],
}

/// Reads an ActivityNet result file; labels are names of `classes`, `class_ID`, or ids (of ActionFormer and its relatives).
/// Numbers may be written as texts.
///
/// Other fields are ignored. The file is parsed while it is read, and nothing is kept but the detections. A file that is not JSON, or that
/// has a string, number or run of white space above 1 MiB or brackets nested more than 128 deep, is refused at that place, however
/// long the file is. The text may be UTF-16.
///
/// # Units
/// Segments in seconds.
///
/// # Errors
/// A file that is missing, unreadable or not of this form (with line and column); a recording that occurs twice; an unknown
/// label; a score or segment that is not finite; a segment with `end < start`.
pub fn read_json(path: &Path, classes: &ClassMap) -> Result<DetectionSet, ResultsError> {
    let file = File::open(path).map_err(|source| unreadable(path, source))?;
    from_reader(file, path, classes)
}

/// [`read_json`] of a file's content; errors name `path`.
///
/// # Units
/// Segments in seconds.
///
/// # Errors
/// Those of [`read_json`], except for those of the file system.
pub fn parse_json(
    bytes: &[u8],
    path: &Path,
    classes: &ClassMap,
) -> Result<DetectionSet, ResultsError> {
    from_reader(bytes, path, classes)
}

fn from_reader(
    reader: impl Read,
    path: &Path,
    classes: &ClassMap,
) -> Result<DetectionSet, ResultsError> {
    let reader = Decoded::new(reader).map_err(|source| unreadable(path, source))?;
    let mut guard = bounded::Json::new(reader);
    let mut target = Target {
        path,
        labels: Labels::new(path, classes),
        all: DetectionSet::new(),
        place: None,
        refused: None,
    };
    let buffer = BufReader::with_capacity(1 << 16, &mut guard);
    let mut parser = serde_json::Deserializer::from_reader(buffer);
    let done = parser
        .deserialize_map(Outline(&mut target))
        .and_then(|()| parser.end());
    drop(parser);
    match done {
        Ok(()) => target.labels.checked(target.all),
        Err(error) => Err(target.explain(error, &guard)),
    }
}

/// Detections read so far, and where and why reading stopped.
struct Target<'a> {
    path: &'a Path,
    labels: Labels<'a>,
    all: DetectionSet,
    place: Option<String>,
    refused: Option<ResultsError>,
}

impl Target<'_> {
    fn explain<R: Read>(self, error: serde_json::Error, guard: &bounded::Json<R>) -> ResultsError {
        if let Some(refused) = self.refused {
            return refused;
        }
        let message = if let Some(refusal) = guard.refusal().filter(|_| error.is_io()) {
            refusal.to_owned()
        } else if error.is_io() {
            return unreadable(self.path, error.into());
        } else if guard.is_empty() {
            "the file is empty; expected an object with \"results\"".to_owned()
        } else {
            let (line, column) = (error.line(), error.column());
            let text = error.to_string();
            // serde_json puts the position at the end, from which a long quotation would push it out.
            let text = without_position(&text);
            let hint = match guard.not_finite_near(line, column) {
                Some(word) => format!(" ({word} is not a number; expected a finite one)"),
                None => String::new(),
            };
            format!("{} at line {line} column {column}{hint}", shortened(text))
        };
        ResultsError::Syntax {
            path: self.path.to_owned(),
            message: match self.place {
                Some(place) => format!("{place}: {message}"),
                None => message,
            },
        }
    }
}

fn unreadable(path: &Path, source: std::io::Error) -> ResultsError {
    ResultsError::Read {
        path: path.to_owned(),
        source,
    }
}

/// The object that is the file.
struct Outline<'t, 'a>(&'t mut Target<'a>);

impl<'de> Visitor<'de> for Outline<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with \"results\"")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let mut found = false;
        while let Some(key) = map.next_key::<String>()? {
            if key != "results" {
                map.next_value::<IgnoredAny>()?;
            } else if std::mem::replace(&mut found, true) {
                return Err(M::Error::custom("\"results\" occurs twice"));
            } else {
                map.next_value_seed(Recordings(self.0))?;
            }
        }
        if found {
            Ok(())
        } else {
            Err(M::Error::missing_field("results"))
        }
    }
}

/// The object of recordings; a repeated one is an error.
struct Recordings<'t, 'a>(&'t mut Target<'a>);

impl<'de> DeserializeSeed<'de> for Recordings<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Recordings<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object from recording ids to lists of detections")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(id) = map.next_key::<String>()? {
            if self.0.all.contains_key(&id) {
                let id = shortened(&id);
                return Err(M::Error::custom(format!("recording {id:?} occurs twice")));
            }
            let target = &mut *self.0;
            let detections = map.next_value_seed(Entries { target, id: &id })?;
            self.0.all.insert(id, detections);
        }
        Ok(())
    }
}

/// The detections of one recording.
struct Entries<'t, 'a> {
    target: &'t mut Target<'a>,
    id: &'t str,
}

impl<'de> DeserializeSeed<'de> for Entries<'_, '_> {
    type Value = Vec<Detection>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_, '_> {
    type Value = Vec<Detection>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a list of detections of recording {:?}",
            shortened(self.id)
        )
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut entries: S) -> Result<Vec<Detection>, S::Error> {
        let Self { target, id } = self;
        let mut all = Vec::new();
        loop {
            let at = || {
                let id = shortened(id);
                format!("recording {id:?}, detection {}", all.len())
            };
            let entry: Found = match entries.next_element() {
                Ok(Some(entry)) => entry,
                Ok(None) => return Ok(all),
                Err(error) => {
                    target.place = Some(at());
                    return Err(error);
                }
            };
            let segment = Segment::new(entry.segment[0].0, entry.segment[1].0);
            let label = entry.label.as_ref().map(|name| name.0.as_str());
            match target.labels.detection(at, label, entry.score.0, segment) {
                Ok(found) => all.push(found),
                Err(refused) => {
                    target.refused = Some(refused);
                    return Err(S::Error::custom("refused"));
                }
            }
        }
    }
}

/// Writes an ActivityNet result file, recordings and detections in their order; an existing file is replaced at once.
/// Proposals without a class are written without a label.
///
/// # Units
/// Segments in seconds.
///
/// # Errors
/// If the file cannot be written.
pub fn write_json(
    path: &Path,
    detections: &DetectionSet,
    classes: &ClassMap,
) -> Result<(), ResultsError> {
    writer::write_set(path, ResultFormat::ActivityNet, detections, classes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The error for a file that begins like this and goes on with this byte for ever.
    fn endless(start: &str, byte: u8) -> String {
        let reader = start.as_bytes().chain(std::io::repeat(byte));
        let error = from_reader(reader, Path::new("d.json"), &ClassMap::default()).unwrap_err();
        let text = error.to_string();
        assert!(text.len() < 1000, "{} bytes", text.len());
        text
    }

    #[test]
    fn endless_nonsense_is_refused() {
        for byte in [b'[', b'0', b'x', 0] {
            assert!(endless("", byte).contains(" at line 1 column "));
        }
        for (start, byte) in [
            ("", b' '),
            ("", b'"'),
            ("\"", b'x'),
            ("{\"results\":{\"", b'x'),
            ("{\"results\":{\"a\":[{\"label\":\"", b'x'),
            ("{\"results\":{\"a\":[{\"score\":1.", b'0'),
            ("{\"other\":\"", b'x'),
            ("{\"other\":1", b'0'),
            ("{\"other\":", b'['),
        ] {
            let text = endless(start, byte);
            assert!(
                text.contains("more than") || text.contains("invalid type"),
                "{start}: {text}"
            );
        }
        assert!(endless("{\"other\":", b'[').contains("nested more than 128 deep"));
        assert!(endless("", b' ').contains("more than 1 MiB"));
    }

    #[test]
    fn an_earlier_mistake_is_the_one_that_is_told() {
        let text = endless("{\"results\": 5, \"other\": \"", b'x');
        assert!(text.contains("invalid type: integer `5`"), "{text}");
    }

    #[test]
    fn a_failing_disk_is_no_syntax_error() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("lost"))
            }
        }
        let reader = "{\"results\":{".as_bytes().chain(Broken);
        let error = from_reader(reader, Path::new("d.json"), &ClassMap::default()).unwrap_err();
        assert!(matches!(error, ResultsError::Read { .. }), "{error}");
    }
}
