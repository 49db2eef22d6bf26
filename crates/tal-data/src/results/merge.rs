//! Shards put together.

use std::collections::HashSet;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufRead, Read, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::json_lines::Lines;
use super::{ResultsError, shards, shortened};
use crate::encoding::Decoded;

/// Most shards whose lines are taken in turn; each is an open file.
const MAX_OPEN: usize = 500;

/// Names that a report lists.
const LISTED: usize = 10;

/// The outcome of [`merge`].
#[derive(Debug, Default, PartialEq, Eq)]
pub struct MergeReport {
    /// Number of recordings.
    pub num_recordings: u64,
    /// Number of files of the list without a recording.
    pub num_missing: u64,
    /// The first of them.
    pub missing: Vec<String>,
    /// Number of recordings that occurred before.
    pub num_double: u64,
    /// The first of them.
    pub double: Vec<String>,
}

/// The part of a line that merging looks at.
#[derive(Deserialize)]
#[serde(expecting = "an object with recording and detections")]
struct Head {
    recording: String,
    #[serde(default)]
    file: Option<String>,
    #[serde(rename = "detections")]
    _detections: IgnoredAny,
}

/// Copies the lines of files, or of the shards in folders, to `out`, each recording once; `list` has a file per line, of
/// which each must have a recording.
///
/// The lines of shards are taken in turn, which is the order of the prediction without shards if no recording failed; if
/// there are more than 500 shards, they come one after the other. Of double recordings the first stays. Nothing is held but
/// 16 bytes for each recording, and as much for each file if there is a list.
///
/// # Errors
/// As [`super::read_json_lines`], but labels are not looked at; what cannot be written to `out`.
pub fn merge(
    inputs: &[PathBuf],
    list: Option<&Path>,
    out: &mut dyn Write,
) -> Result<MergeReport, MergeError> {
    let mut files = Vec::new();
    for input in inputs {
        match input.is_dir() {
            true => files.extend(shards::files(input)?),
            false => files.push(input.clone()),
        }
    }
    let mut merged = Merged {
        ids: HashSet::new(),
        files: list.is_some().then(HashSet::new),
        report: MergeReport::default(),
        out,
    };
    let at_once = if files.len() > MAX_OPEN { 1 } else { MAX_OPEN };
    for files in files.chunks(at_once) {
        merged.add(files)?;
    }
    let Merged {
        files, mut report, ..
    } = merged;
    if let (Some(list), Some(found)) = (list, files) {
        let unreadable = ResultsError::unreadable(list);
        let lines = File::open(list).and_then(|file| Ok(io::BufReader::new(Decoded::new(file)?)));
        for line in lines.map_err(&unreadable)?.lines() {
            let line = line.map_err(&unreadable)?;
            let name = line.trim();
            if !name.is_empty() && !found.contains(&key(name)) {
                report.num_missing += 1;
                listed(&mut report.missing, name);
            }
        }
    }
    Ok(report)
}

/// Why shards cannot be put together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// A shard is wrong.
    #[error(transparent)]
    Shard(#[from] ResultsError),
    /// The result cannot be written.
    #[error("cannot write: {0}")]
    Write(io::Error),
}

struct Merged<'a> {
    ids: HashSet<u128>,
    files: Option<HashSet<u128>>,
    report: MergeReport,
    out: &'a mut dyn Write,
}

impl Merged<'_> {
    /// Adds files, a line of each in turn.
    fn add(&mut self, files: &[PathBuf]) -> Result<(), MergeError> {
        let mut open = Vec::with_capacity(files.len());
        for path in files {
            let reader = File::open(path).and_then(Decoded::new);
            let reader = reader.map_err(ResultsError::unreadable(path))?;
            open.push((path, Lines::new(reader)));
        }
        while !open.is_empty() {
            let mut left = Vec::with_capacity(open.len());
            for (path, mut lines) in open {
                if self.take(path, &mut lines)? {
                    left.push((path, lines));
                }
            }
            open = left;
        }
        Ok(())
    }

    /// Takes the next line; `false` at the end.
    fn take<R: Read>(&mut self, path: &Path, lines: &mut Lines<R>) -> Result<bool, MergeError> {
        let next = lines.next().map_err(ResultsError::unreadable(path))?;
        let Some((number, line)) = next else {
            return Ok(false);
        };
        let head: Head = serde_json::from_slice(line).map_err(|error| ResultsError::Syntax {
            path: path.to_owned(),
            message: format!("line {number}: {}", shortened(&error.to_string())),
        })?;
        if let (Some(files), Some(file)) = (&mut self.files, &head.file) {
            files.insert(key(file));
        }
        if !self.ids.insert(key(&head.recording)) {
            self.report.num_double += 1;
            listed(&mut self.report.double, &head.recording);
            return Ok(true);
        }
        self.report.num_recordings += 1;
        let written = self.out.write_all(line);
        let written = written.and_then(|()| self.out.write_all(b"\n"));
        written.map_err(MergeError::Write)?;
        Ok(true)
    }
}

fn listed(names: &mut Vec<String>, name: &str) {
    if names.len() < LISTED {
        names.push(name.to_owned());
    }
}

/// 128 bits in place of a name: two of ten million names are equal with a chance below 1e-24.
fn key(name: &str) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, name).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}
