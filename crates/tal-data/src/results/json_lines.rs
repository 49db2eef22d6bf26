//! An object per line: `{"recording": id, "detections": [{"label", "score", "segment": [start, end]}]}`, or
//! `{"recording": id, "start", "end", "label", "score"}`.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde::Deserialize;
use tal_core::{ClassMap, DetectionSet, Segment};

use super::activity_net::Found;
use super::{Labels, ResultFormat, ResultsError, shards, shortened, writer};
use crate::encoding::Decoded;
use crate::json::{Name, Number, without_position};

/// The longest line, in bytes: some hundred thousand detections of one recording.
const MAX_LINE: usize = 64 << 20;

/// The lines of a text, one at a time.
pub(super) struct Lines<R: Read> {
    reader: BufReader<R>,
    buffer: Vec<u8>,
    number: usize,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader: BufReader::with_capacity(1 << 16, reader),
            buffer: Vec::new(),
            number: 0,
        }
    }

    /// Number and content of the next line that is not empty, without its line feed.
    pub(super) fn next(&mut self) -> io::Result<Option<(usize, &[u8])>> {
        loop {
            self.buffer.clear();
            let mut limited = self.reader.by_ref().take(MAX_LINE as u64 + 1);
            if limited.read_until(b'\n', &mut self.buffer)? == 0 {
                return Ok(None);
            }
            self.number += 1;
            if self.buffer.len() > MAX_LINE {
                let message = format!("line {} is longer than 64 MiB", self.number);
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(Some((self.number, self.buffer.trim_ascii())));
            }
        }
    }
}

/// A line as others write it.
#[derive(Deserialize)]
#[serde(expecting = "an object with recording and detections")]
struct Line {
    recording: String,
    #[serde(default)]
    detections: Option<Vec<Found>>,
    #[serde(default)]
    start: Option<Number>,
    #[serde(default)]
    end: Option<Number>,
    #[serde(default)]
    label: Option<Name>,
    #[serde(default)]
    score: Option<Number>,
}

impl Line {
    /// Its detections, and whether they are all of the recording.
    fn detections(self) -> Result<(String, Vec<Found>, bool), String> {
        if let Some(all) = self.detections {
            return Ok((self.recording, all, true));
        }
        let Some(start) = self.start else {
            return Ok((self.recording, Vec::new(), false));
        };
        let (Some(end), Some(score)) = (self.end, self.score) else {
            return Err(
                "a detection without end or score; expected start, end, label and score".to_owned(),
            );
        };
        let found = Found {
            label: self.label,
            score,
            segment: [start, end],
        };
        Ok((self.recording, vec![found], false))
    }
}

/// Reads JSON Lines, or all of a folder. A line is an object with `recording` and `detections`, whose fields are those of
/// [`super::read_json`], or a single detection with `recording`, `start`, `end`, `label` and `score`; with `recording` alone it
/// says that nothing was found. Other fields are ignored. The text may be UTF-16.
///
/// In a folder, the files ending in `.jsonl` are read in the order of their names. Those that a sharded prediction
/// writes must be complete.
///
/// # Units
/// Segments in seconds.
///
/// # Errors
/// A file that is missing, unreadable or not of this form (with the line); a recording that occurs twice; an unknown label;
/// a score or segment that is not finite; a segment with `end < start`; a folder without such a file, or without some of
/// its shards.
pub fn read_json_lines(path: &Path, classes: &ClassMap) -> Result<DetectionSet, ResultsError> {
    let mut all = DetectionSet::new();
    if !path.is_dir() {
        return open(path, classes, all);
    }
    for file in shards::files(path)? {
        all = open(&file, classes, all)?;
    }
    Ok(all)
}

/// [`read_json_lines`] of a file's content; errors name `path`.
///
/// # Units
/// Segments in seconds.
///
/// # Errors
/// Those of [`read_json_lines`], except for those of the file system.
pub fn parse_json_lines(
    bytes: &[u8],
    path: &Path,
    classes: &ClassMap,
) -> Result<DetectionSet, ResultsError> {
    from_reader(bytes, path, classes, DetectionSet::new())
}

/// Labels in JSON Lines, or in all of a folder. They are not looked up, and times are not checked.
pub(super) fn labels(path: &Path) -> Result<BTreeSet<String>, ResultsError> {
    let files = match path.is_dir() {
        true => shards::files(path)?,
        false => vec![path.to_owned()],
    };
    let mut labels = BTreeSet::new();
    for path in files {
        let unreadable = ResultsError::unreadable(&path);
        let reader = File::open(&path).and_then(Decoded::new);
        let mut lines = Lines::new(reader.map_err(&unreadable)?);
        while let Some((number, line)) = lines.next().map_err(&unreadable)? {
            let line: Line =
                serde_json::from_slice(line).map_err(|error| ResultsError::Syntax {
                    path: path.clone(),
                    message: format!("line {number}: {}", shortened(&error.to_string())),
                })?;
            let all = line.detections.into_iter().flatten();
            let all = all.filter_map(|found| found.label).chain(line.label);
            labels.extend(all.map(|name| name.0));
        }
    }
    Ok(labels)
}

/// Writes JSON Lines, recordings in their order; an existing file is replaced at once.
///
/// # Units
/// Segments in seconds.
///
/// # Errors
/// If the file cannot be written.
pub fn write_json_lines(
    path: &Path,
    detections: &DetectionSet,
    classes: &ClassMap,
) -> Result<(), ResultsError> {
    writer::write_set(path, ResultFormat::JsonLines, detections, classes)
}

fn open(path: &Path, classes: &ClassMap, all: DetectionSet) -> Result<DetectionSet, ResultsError> {
    let file = File::open(path).map_err(ResultsError::unreadable(path))?;
    from_reader(file, path, classes, all)
}

/// Adds the recordings of a file to those of earlier ones.
fn from_reader(
    reader: impl Read,
    path: &Path,
    classes: &ClassMap,
    mut all: DetectionSet,
) -> Result<DetectionSet, ResultsError> {
    let reader = Decoded::new(reader).map_err(ResultsError::unreadable(path))?;
    let mut labels = Labels::new(path, classes);
    let mut lines = Lines::new(reader);
    while let Some((number, line)) = lines.next().map_err(ResultsError::unreadable(path))? {
        let wrong = |message: String| ResultsError::Syntax {
            path: path.to_owned(),
            message: format!("line {number}: {message}"),
        };
        let line: Line = serde_json::from_slice(line)
            .map_err(|error| wrong(shortened(without_position(&error.to_string()))))?;
        let (id, detections, is_whole) = line.detections().map_err(wrong)?;
        if is_whole && all.contains_key(&id) {
            let id = shortened(&id);
            return Err(wrong(format!("recording {id:?} occurs twice")));
        }
        let mut rows = Vec::with_capacity(detections.len());
        for found in detections {
            let at = || {
                let id = shortened(&id);
                format!("line {number}: recording {id:?}, detection {}", rows.len())
            };
            let segment = Segment::new(found.segment[0].0, found.segment[1].0);
            let label = found.label.as_ref().map(|name| name.0.as_str());
            let row = labels.detection(at, label, found.score.0, segment)?;
            rows.push(row);
        }
        match is_whole || !all.contains_key(&id) {
            true => {
                all.insert(id, rows);
            }
            false => rows.into_iter().for_each(|row| all.push(&id, row)),
        }
    }
    labels.checked(all)
}
