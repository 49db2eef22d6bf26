//! DVCLive's files of a run: a table per curve, and the latest values.
//!
//! # Source
//! DVCLive 3: `dvclive/metrics.json`, `dvclive/plots/metrics/NAME.tsv`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Number, Value};
use tal_core::FileError;
use tal_core::atomic::write_atomic;

use super::scalars::Scalars;

/// The folder below the run folder.
pub(super) const FOLDER: &str = "dvclive";

/// The files of a run.
pub(super) struct DvcLive {
    folder: PathBuf,
    /// Curves that have a file.
    begun: BTreeSet<String>,
    latest: Map<String, Value>,
}

impl DvcLive {
    /// Begins the files with the scalars that the run has so far.
    pub(super) fn open(run: &Path, kept: &[Scalars]) -> Result<Self, FileError> {
        let mut files = Self {
            folder: run.join(FOLDER),
            begun: BTreeSet::new(),
            latest: Map::new(),
        };
        let tables = files.tables();
        match fs::remove_dir_all(&tables) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            removed => removed.map_err(FileError::at("remove", &tables))?,
        }
        fs::create_dir_all(&tables).map_err(FileError::at("create", &tables))?;
        // One write for each file: a long run has a million rows.
        let mut texts: BTreeMap<&str, String> = BTreeMap::new();
        for scalars in kept {
            for (name, value) in &scalars.values {
                *texts.entry(name).or_default() += &files.row(scalars.step, name, value);
            }
        }
        for (name, text) in texts {
            files.append(name, &text)?;
        }
        files.write_latest()?;
        Ok(files)
    }

    /// Adds a row to every table. The latest values are written at the end of an epoch and of an evaluation.
    pub(super) fn add(&mut self, scalars: &Scalars) -> Result<(), FileError> {
        for (name, value) in &scalars.values {
            let text = self.row(scalars.step, name, value);
            self.append(name, &text)?;
        }
        match scalars.is_rare {
            true => self.write_latest(),
            false => Ok(()),
        }
    }

    fn tables(&self) -> PathBuf {
        self.folder.join("plots").join("metrics")
    }

    /// The row of a value, after the header if it is the first; the value becomes the latest.
    fn row(&mut self, step: i64, name: &str, value: &Number) -> String {
        let (_, column) = name.rsplit_once('/').unwrap_or(("", name));
        let header = match self.begun.insert(name.to_owned()) {
            true => format!("step\t{column}\n"),
            false => String::new(),
        };
        set(&mut self.latest, name, value);
        self.latest.insert("step".to_owned(), step.into());
        format!("{header}{step}\t{value}\n")
    }

    fn append(&self, name: &str, text: &str) -> Result<(), FileError> {
        let path = self.tables().join(format!("{name}.tsv"));
        let parent = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(parent).map_err(FileError::at("create", parent))?;
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(FileError::at("write", &path))
    }

    fn write_latest(&self) -> Result<(), FileError> {
        let path = self.folder.join("metrics.json");
        let written = write_atomic(&path, |out| {
            serde_json::to_writer_pretty(&mut *out, &self.latest)?;
            out.write_all(b"\n")
        });
        written.map_err(FileError::at("write", &path))
    }
}

/// Sets a value below the mappings that its name goes through.
fn set(values: &mut Map<String, Value>, name: &str, value: &Number) {
    match name.split_once('/') {
        None => {
            values.insert(name.to_owned(), Value::Number(value.clone()));
        }
        Some((group, rest)) => {
            let group = values
                .entry(group)
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(group) = group {
                set(group, rest, value);
            }
        }
    }
}
