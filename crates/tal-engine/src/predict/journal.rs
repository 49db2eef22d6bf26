//! A shard under way: results and failures as lines, so that a kill loses nothing but the recording under way.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use tal_core::FileError;
use tal_core::atomic::AtomicFile;

use super::shard_files::{FailedUnit, ShardFiles, count_lines, remove};
use super::{PredictError, Unit};

/// The part of a line that progress is read from.
#[derive(Deserialize)]
struct Line {
    file: String,
    #[serde(default)]
    recording: Option<String>,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Serialize)]
struct FailedLine<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    recording: Option<&'a str>,
    error: &'a str,
}

/// A shard at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardReport {
    /// Recordings with results.
    pub num_predicted: usize,
    /// Recordings that failed.
    pub failed: Vec<FailedUnit>,
}

/// The progress of a shard, in a file that only this process writes.
///
/// Each recording is one line, written in one piece: its results, or why it failed. The lines stand in the order of the
/// recordings, so their number says what is done. [`ShardJournal::finish`] turns them into the shard's files.
pub struct ShardJournal {
    files: ShardFiles,
    out: File,
    /// Recordings of this pass, by their place in the shard.
    pending: Vec<usize>,
    num_done: usize,
    num_units: usize,
    is_retry: bool,
}

impl ShardJournal {
    /// Begins a shard with these recordings, or goes on with it: behind the last one that is done or, if all have been tried,
    /// with those that failed. A line that a kill cut is removed.
    ///
    /// # Errors
    /// If the shard is there and `resume` is not set; if another process writes it; if the recordings are others than those
    /// of the progress; if a file cannot be read or written.
    pub fn open(files: ShardFiles, units: &[Unit], resume: bool) -> Result<Self, PredictError> {
        if !resume && let Some(path) = files.existing() {
            return Err(PredictError::Exists { path });
        }
        let is_retry = files.results.exists();
        if is_retry {
            // The first pass came to its end; a kill may have left its progress behind.
            remove(&files.journal)?;
        }
        let path = files.journal_of(is_retry).to_owned();
        let at = |action| FileError::at(action, &path);
        let mut options = OpenOptions::new();
        options.create(true).read(true).write(true).truncate(false);
        let mut out = options.open(&path).map_err(at("open"))?;
        // A file system without locks is no reason to stop.
        if let Err(TryLockError::WouldBlock) = out.try_lock() {
            return Err(PredictError::Busy { path });
        }
        let failed = match is_retry {
            true => files.read_failed()?,
            false => Vec::new(),
        };
        let mut pending: Vec<usize> = match is_retry {
            true => failed.iter().map(|one| one.number).collect(),
            false => Vec::new(),
        };
        pending.retain(|number| *number < units.len());
        let expected = |place: usize| match is_retry {
            true => pending.get(place).map(|number| &units[*number]),
            false => units.get(place),
        };
        let (num_done, end) = checked(&out, &path, expected, is_retry)?;
        out.set_len(end).map_err(at("write"))?;
        out.seek(SeekFrom::Start(end)).map_err(at("write"))?;
        Ok(Self {
            files,
            out,
            pending,
            num_done,
            num_units: units.len(),
            is_retry,
        })
    }

    /// Recordings of this pass that are done.
    pub fn num_done(&self) -> usize {
        self.num_done
    }

    /// Recordings of this pass.
    pub fn num_in_pass(&self) -> usize {
        match self.is_retry {
            true => self.pending.len(),
            false => self.num_units,
        }
    }

    /// Whether this pass tries recordings again that failed.
    pub fn is_retry(&self) -> bool {
        self.is_retry
    }

    /// Place in the shard of the next recording; `None` at the end.
    pub fn next(&self) -> Option<usize> {
        match self.is_retry {
            true => self.pending.get(self.num_done).copied(),
            false => (self.num_done < self.num_units).then_some(self.num_done),
        }
    }

    /// Adds the outcome of the next recording, `unit`: a line of JSON Lines that has its file, or the reason of its failure.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn record(
        &mut self,
        unit: &Unit,
        outcome: Result<Vec<u8>, String>,
    ) -> Result<(), PredictError> {
        let mut line = match outcome {
            Ok(line) => line,
            Err(error) => {
                let failed = FailedLine {
                    file: &unit.path().to_string_lossy(),
                    recording: unit.recording(),
                    error: &error,
                };
                serde_json::to_vec(&failed).unwrap_or_default()
            }
        };
        line.push(b'\n');
        let path = self.files.journal_of(self.is_retry);
        let written = self.out.write_all(&line);
        written.map_err(FileError::at("write", path))?;
        self.num_done += 1;
        Ok(())
    }

    /// Ends the pass: writes the results aside, renames them, and lists what failed.
    ///
    /// # Errors
    /// If a file cannot be read or written; the progress stays, and the next call goes on with it.
    pub fn finish(self) -> Result<ShardReport, PredictError> {
        let path = self.files.journal_of(self.is_retry).to_owned();
        let at = |action| FileError::at(action, &path);
        self.out.sync_all().map_err(at("write"))?;
        let mut still_failed = Vec::new();
        let mut num_predicted = 0;
        let mut place = 0;
        self.for_each_line(&path, &mut |line, _| {
            let number = match self.is_retry {
                true => self.pending.get(place).copied().unwrap_or(place),
                false => place,
            };
            place += 1;
            match line.error {
                Some(error) => still_failed.push(FailedUnit {
                    number,
                    file: line.file,
                    recording: line.recording,
                    error,
                }),
                None => num_predicted += 1,
            }
            Ok(())
        })?;
        if !self.is_retry && still_failed.is_empty() {
            remove(&self.files.failed)?;
            fs::rename(&path, &self.files.results).map_err(at("rename"))?;
        } else if !self.is_retry {
            // The list comes first: without the results, the pass counts as open and is closed again.
            self.files.write_failed(&still_failed)?;
            self.write_results(&path, false)?;
            remove(&path)?;
        } else {
            if num_predicted > 0 && !self.is_added(&path)? {
                self.write_results(&path, true)?;
            }
            self.files.write_failed(&still_failed)?;
            remove(&path)?;
            num_predicted = count_lines(&self.files.results)?;
        }
        Ok(ShardReport {
            num_predicted,
            failed: still_failed,
        })
    }

    fn for_each_line(
        &self,
        path: &Path,
        take: &mut dyn FnMut(Line, &[u8]) -> io::Result<()>,
    ) -> Result<(), PredictError> {
        let mut read = || -> io::Result<()> {
            let mut reader = BufReader::new(File::open(path)?);
            let mut bytes = Vec::new();
            loop {
                bytes.clear();
                if reader.read_until(b'\n', &mut bytes)? == 0 {
                    return Ok(());
                }
                take(serde_json::from_slice(&bytes)?, &bytes)?;
            }
        };
        Ok(read().map_err(FileError::at("read", path))?)
    }

    /// Writes the results of the journal, behind those that are there if `adds`.
    fn write_results(&self, journal: &Path, adds: bool) -> Result<(), PredictError> {
        let at = FileError::at("write", &self.files.results);
        let mut out = AtomicFile::create(&self.files.results).map_err(&at)?;
        if adds {
            let copied =
                File::open(&self.files.results).and_then(|mut f| io::copy(&mut f, &mut out));
            copied.map_err(&at)?;
        }
        self.for_each_line(journal, &mut |line, bytes| match line.error {
            None => out.write_all(bytes),
            Some(_) => Ok(()),
        })?;
        Ok(out.commit().map_err(&at)?)
    }

    /// Whether the results already end with those of the journal, as a kill after their renaming leaves them.
    fn is_added(&self, journal: &Path) -> Result<bool, PredictError> {
        let mut own = Vec::new();
        self.for_each_line(journal, &mut |line, bytes| {
            if line.error.is_none() {
                own.extend_from_slice(bytes);
            }
            Ok(())
        })?;
        let tail = || -> io::Result<Vec<u8>> {
            let mut file = File::open(&self.files.results)?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(own.len() as u64)))?;
            let mut tail = Vec::with_capacity(own.len());
            file.read_to_end(&mut tail)?;
            Ok(tail)
        };
        let tail = tail().map_err(FileError::at("read", &self.files.results))?;
        Ok(tail == own)
    }
}

/// Number of lines that are whole, and where the last of them ends. Each must belong to the expected recording.
fn checked<'a>(
    file: &File,
    path: &Path,
    expected: impl Fn(usize) -> Option<&'a Unit>,
    is_retry: bool,
) -> Result<(usize, u64), PredictError> {
    let mut reader = BufReader::new(file);
    let (mut bytes, mut num, mut end) = (Vec::new(), 0, 0);
    loop {
        bytes.clear();
        let read = reader.read_until(b'\n', &mut bytes);
        if read.map_err(FileError::at("read", path))? == 0 || bytes.last() != Some(&b'\n') {
            return Ok((num, end));
        }
        // A power failure may leave more than a cut line behind.
        let Ok(line) = serde_json::from_slice::<Line>(&bytes) else {
            return Ok((num, end));
        };
        let unit = expected(num);
        let fits = |unit: &Unit| {
            let same = unit.path().to_string_lossy() == line.file;
            let of_file = unit.recording();
            same && of_file.is_none_or(|id| Some(id) == line.recording.as_deref())
        };
        if !unit.is_some_and(fits) {
            if is_retry {
                // The list of failures is newer than this progress, so its results are in place.
                return Ok((num, end));
            }
            return Err(PredictError::OtherInputs {
                path: path.to_owned(),
                number: num + 1,
                found: line.file,
                expected: unit.map_or_else(
                    || "none".to_owned(),
                    |unit| unit.path().display().to_string(),
                ),
            });
        }
        num += 1;
        end += bytes.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use tal_data::results::Shard;

    const SHARD: Shard = Shard { index: 0, count: 1 };

    fn units(num: usize) -> Vec<Unit> {
        let unit = |number| Unit::Features {
            path: PathBuf::from(format!("{number}.npy")),
            below: None,
            recording: None,
        };
        (0..num).map(unit).collect()
    }

    fn line(number: usize) -> Vec<u8> {
        format!(r#"{{"recording":"{number}","file":"{number}.npy","detections":[]}}"#).into_bytes()
    }

    /// Does up to `steps` recordings; those with a number in `failing` fail.
    fn work(folder: &Path, num: usize, steps: usize, failing: &[usize]) -> Option<ShardReport> {
        let (files, units) = (ShardFiles::new(folder, SHARD), units(num));
        let mut journal = ShardJournal::open(files, &units, true).unwrap();
        for _ in 0..steps {
            let Some(number) = journal.next() else {
                break;
            };
            let outcome = match failing.contains(&number) {
                true => Err("no".to_owned()),
                false => Ok(line(number)),
            };
            journal.record(&units[number], outcome).unwrap();
        }
        match journal.next() {
            None => Some(journal.finish().unwrap()),
            Some(_) => None,
        }
    }

    fn results(folder: &Path) -> Vec<String> {
        let text = fs::read_to_string(ShardFiles::new(folder, SHARD).results).unwrap();
        text.lines()
            .map(|line| serde_json::from_str::<Line>(line).unwrap().file)
            .collect()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_shard_goes_on_where_it_was_stopped() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path();
        assert_eq!(work(folder, 5, 2, &[]), None);
        // A kill in the middle of a line.
        let journal = folder.join("shard-0-of-1.jsonl.partial");
        let mut bytes = fs::read(&journal).unwrap();
        bytes.extend_from_slice(br#"{"recording":"2","fi"#);
        fs::write(&journal, bytes).unwrap();
        let report = work(folder, 5, 9, &[]).unwrap();
        assert_eq!((report.num_predicted, report.failed.len()), (5, 0));
        assert_eq!(
            results(folder),
            ["0.npy", "1.npy", "2.npy", "3.npy", "4.npy"]
        );
        assert_eq!(names(folder), ["shard-0-of-1.jsonl"]);
        // Nothing is left to do.
        let report = work(folder, 5, 9, &[]).unwrap();
        assert_eq!(report.num_predicted, 5);
        assert_eq!(names(folder), ["shard-0-of-1.jsonl"]);
        assert_eq!(results(folder).len(), 5);
    }

    #[test]
    fn failed_recordings_are_tried_again() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path();
        let report = work(folder, 6, 9, &[1, 3, 4]).unwrap();
        assert_eq!(report.num_predicted, 3);
        assert_eq!(report.failed[1].file, "3.npy");
        assert_eq!(
            names(folder),
            ["shard-0-of-1.failed.json", "shard-0-of-1.jsonl"]
        );
        let before = fs::read(folder.join("shard-0-of-1.failed.json")).unwrap();
        let report = work(folder, 6, 2, &[1]);
        assert_eq!(report, None);
        let report = work(folder, 6, 9, &[1]).unwrap();
        assert_eq!(report.num_predicted, 5);
        assert_eq!(report.failed.len(), 1);
        assert_eq!(
            results(folder),
            ["0.npy", "2.npy", "5.npy", "3.npy", "4.npy"]
        );
        // Killed after the results, before the list: nothing comes twice.
        fs::write(folder.join("shard-0-of-1.failed.json"), &before).unwrap();
        let retry: String = [
            r#"{"file":"1.npy","error":"no"}"#.to_owned(),
            String::from_utf8(line(3)).unwrap(),
            String::from_utf8(line(4)).unwrap(),
        ]
        .map(|line| line + "\n")
        .concat();
        fs::write(folder.join("shard-0-of-1.retry.jsonl.partial"), retry).unwrap();
        let report = work(folder, 6, 9, &[]).unwrap();
        assert_eq!((report.num_predicted, report.failed.len()), (5, 1));
        assert_eq!(results(folder).len(), 5);
        let report = work(folder, 6, 9, &[]).unwrap();
        assert_eq!((report.num_predicted, report.failed.len()), (6, 0));
        assert_eq!(names(folder), ["shard-0-of-1.jsonl"]);
    }

    #[test]
    fn other_inputs_a_second_process_and_a_second_start_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path();
        let open = |units: &[Unit], resume| {
            ShardJournal::open(ShardFiles::new(folder, SHARD), units, resume)
        };
        let mut all = units(3);
        let mut journal = open(&all, false).unwrap();
        journal.record(&all[0], Ok(line(0))).unwrap();
        assert!(matches!(open(&all, true), Err(PredictError::Busy { .. })));
        drop(journal);
        assert!(matches!(
            open(&all, false),
            Err(PredictError::Exists { .. })
        ));
        all.remove(0);
        let message = open(&all, true).err().unwrap().to_string();
        assert!(
            message.contains("recording 1 was 0.npy, but the inputs have 1.npy"),
            "{message}"
        );
    }
}
