//! TensorBoard's event file of a run.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use tal_core::FileError;
use tal_core::atomic::write_atomic;

use super::event;
use super::scalars::Scalars;

/// TensorBoard wants `tfevents` in the name, and reads files in the order of their names. The end sets ours apart.
const START: &str = "events.out.tfevents.";
const END: &str = ".tal";

pub(super) fn is_event_file(name: &str) -> bool {
    seconds(name).is_some()
}

/// Seconds since 1970 in the name of an event file of ours.
fn seconds(name: &str) -> Option<u64> {
    name.strip_prefix(START)?.strip_suffix(END)?.parse().ok()
}

/// An event file that is open.
pub(super) struct EventFile {
    path: PathBuf,
    file: File,
}

impl EventFile {
    /// Begins a file with the scalars that the run has so far; files of ours that were there are removed. The times of the
    /// records stay.
    pub(super) fn open(folder: &Path, kept: &[Scalars]) -> Result<Self, FileError> {
        let old = old_files(folder)?;
        let times = match old.last() {
            Some((_, path)) => times(path, kept)?,
            None => Vec::new(),
        };
        let now = now();
        let mut content = event::version(times.first().copied().unwrap_or(now));
        for (index, scalars) in kept.iter().enumerate() {
            let time = times.get(index + 1).copied().unwrap_or(now);
            content.extend(event::scalars(time, scalars));
        }
        // A later name: TensorBoard then goes on to this file if it has the old one open.
        let name = old
            .last()
            .map_or(0, |(seconds, _)| seconds.saturating_add(1))
            .max(now as u64);
        let path = folder.join(format!("{START}{name:010}{END}"));
        let written = write_atomic(&path, |out| out.write_all(&content));
        written.map_err(FileError::at("write", &path))?;
        for (_, old) in old.iter().filter(|(_, old)| *old != path) {
            fs::remove_file(old).map_err(FileError::at("remove", old))?;
        }
        let file = OpenOptions::new().append(true).open(&path);
        let file = file.map_err(FileError::at("write", &path))?;
        Ok(Self { path, file })
    }

    /// Adds a record in one piece.
    pub(super) fn add(&mut self, scalars: &Scalars) -> Result<(), FileError> {
        let written = self.file.write_all(&event::scalars(now(), scalars));
        written.map_err(FileError::at("write", &self.path))
    }
}

/// Event files of ours with the seconds in their names, in order.
fn old_files(folder: &Path) -> Result<Vec<(u64, PathBuf)>, FileError> {
    let io = FileError::at("list", folder);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(&io)? {
        let entry = entry.map_err(&io)?;
        if let Some(seconds) = entry.file_name().to_str().and_then(seconds) {
            found.push((seconds, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

/// Times of the records that agree with `kept`: that of the first record, then one each.
fn times(path: &Path, kept: &[Scalars]) -> Result<Vec<f64>, FileError> {
    let bytes = fs::read(path).map_err(FileError::at("read", path))?;
    let steps = std::iter::once(0).chain(kept.iter().map(|scalars| scalars.step));
    let same = event::records(&bytes).zip(steps);
    let same = same.take_while(|(record, step)| record.step == *step);
    Ok(same.map(|(record, _)| record.wall_time).collect())
}

fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}
