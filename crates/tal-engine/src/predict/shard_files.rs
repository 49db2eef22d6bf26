//! The files of a shard: its results, its progress, and a list of what failed.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tal_core::FileError;
use tal_core::atomic::write_atomic;
use tal_data::results::{PARTIAL, Shard};

use super::PredictError;

/// The files of a shard in a folder.
#[derive(Debug, Clone)]
pub struct ShardFiles {
    /// The results, `NAME.jsonl`; there if the shard is complete.
    pub results: PathBuf,
    /// Recordings that failed, `NAME.failed.json`.
    pub failed: PathBuf,
    /// Progress of the first pass.
    pub(super) journal: PathBuf,
    /// Progress of a later pass over failed recordings.
    retry: PathBuf,
}

impl ShardFiles {
    /// The files of `shard` in `folder`.
    pub fn new(folder: &Path, shard: Shard) -> Self {
        let stem = shard.stem();
        let file = |end: &str| folder.join(format!("{stem}.{end}"));
        Self {
            results: file("jsonl"),
            failed: file("failed.json"),
            journal: file(&format!("jsonl.{PARTIAL}")),
            retry: file(&format!("retry.jsonl.{PARTIAL}")),
        }
    }
}

/// A recording that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedUnit {
    /// Its place among the recordings of the shard, from 0.
    pub number: usize,
    /// Its file.
    pub file: String,
    /// Its id in a file of several recordings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<String>,
    /// The reason.
    pub error: String,
}

#[derive(Serialize, Deserialize)]
struct FailedFile {
    failed: Vec<FailedUnit>,
}

impl ShardFiles {
    /// The file of progress.
    pub(super) fn journal_of(&self, is_retry: bool) -> &Path {
        match is_retry {
            true => &self.retry,
            false => &self.journal,
        }
    }

    /// A file of the shard that is there.
    pub(super) fn existing(&self) -> Option<PathBuf> {
        let all = [&self.results, &self.journal, &self.retry];
        all.into_iter().find(|path| path.exists()).cloned()
    }

    /// The list of what failed.
    pub(super) fn read_failed(&self) -> Result<Vec<FailedUnit>, PredictError> {
        let path = &self.failed;
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            read => read.map_err(FileError::at("read", path))?,
        };
        let parsed: Result<FailedFile, _> = serde_json::from_slice(&bytes);
        Ok(parsed
            .map_err(|error| FileError::at("read", path)(error.into()))?
            .failed)
    }

    /// Writes the list of what failed, or removes it.
    pub(super) fn write_failed(&self, failed: &[FailedUnit]) -> Result<(), PredictError> {
        let path = &self.failed;
        if failed.is_empty() {
            return remove(path);
        }
        let document = FailedFile {
            failed: failed.to_vec(),
        };
        let written = write_atomic(path, |out| {
            serde_json::to_writer_pretty(&mut *out, &document)?;
            out.write_all(b"\n")
        });
        Ok(written.map_err(FileError::at("write", path))?)
    }
}

/// Number of lines of a file.
pub(super) fn count_lines(path: &Path) -> Result<usize, PredictError> {
    let read = || -> io::Result<usize> {
        let mut reader = BufReader::with_capacity(1 << 16, File::open(path)?);
        let mut count = 0;
        loop {
            let buffer = reader.fill_buf()?;
            if buffer.is_empty() {
                return Ok(count);
            }
            count += buffer.iter().filter(|byte| **byte == b'\n').count();
            let length = buffer.len();
            reader.consume(length);
        }
    };
    Ok(read().map_err(FileError::at("read", path))?)
}

/// Removes a file, if it is there.
pub(super) fn remove(path: &Path) -> Result<(), PredictError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(FileError::at("remove", path)(error).into())
        }
        _ => Ok(()),
    }
}
