//! The run folder: rules of its use, and its files other than checkpoints.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use tal_core::atomic::write_atomic;
use tal_core::config::Config;
use tal_core::{ClassMap, FileError, plain_list};
use tal_data::results;
use tal_runs::files::{DETECTIONS, EVALUATION, LOG, METRICS, RESOLVED_CONFIG, SUMMARY};
use tal_runs::is_curve_file;

use crate::checkpoint::{Checkpoint, LAST};
use crate::error::EngineError;
use crate::evaluator::EvaluationReport;

/// Sections that may differ between a run and its continuation, beside [`MOVABLE`]: they change which files are kept or how
/// the weights are used, but no weight.
const FREE: [&str; 5] = [
    "dataset.test_subsets",
    "train.checkpoint",
    "backtal.proposals",
    "inference",
    "evaluation",
];

/// Keys that say where files are, how they are loaded and which are written, and that change no figure. Elements of a list have the key `[]`. The
/// path of the clicks may change, but not whether there are any.
const MOVABLE: [&str; 7] = [
    "dataset.annotations",
    "dataset.features.dir",
    "dataset.features.append.[].dir",
    "backtal.clicks",
    "train.num_workers",
    "train.cache_mb",
    "train.log",
];

/// A run folder that is ready; by default that of a rank that uses none.
#[derive(Default)]
pub(super) struct Prepared {
    /// State of the run to continue; `None` for a new run.
    pub(super) state: Option<Checkpoint>,
    /// Keeps other processes out for its lifetime; `None` if the file system has no locks.
    pub(super) lock: Option<File>,
}

/// Makes sure that the folder exists, can be written, is not in use and holds nothing but the run to continue; gives the state
/// of that run.
pub(super) fn prepare(out: &Path, resume: bool, config: &Config) -> Result<Prepared, EngineError> {
    let refuse = |reason: String| EngineError::OutputFolder {
        path: out.to_owned(),
        reason,
    };
    fs::create_dir_all(out).map_err(|error| refuse(format!("cannot be created: {error}")))?;
    let Ok(lock) = lock(out) else {
        return Err(refuse(
            "is in use: another process trains in it; stop that or wait for its end, or give another folder".to_owned(),
        ));
    };
    let mut entries =
        fs::read_dir(out).map_err(|error| refuse(format!("cannot be read: {error}")))?;
    let last = out.join(LAST);
    if !resume && entries.next().is_some() {
        let hint = if last.exists() {
            "it holds a run: add --resume to continue it"
        } else {
            "give another one with --out"
        };
        return Err(refuse(format!("is not empty; {hint}")));
    }
    tempfile::Builder::new()
        .prefix(".tmp-")
        .tempfile_in(out)
        .map_err(|error| refuse(format!("is not writable: {error}")))?;
    if resume {
        remove_leftovers(out);
    }
    if !last.exists() {
        if let Some(found) = first_foreign(out, config) {
            return Err(refuse(format!(
                "has no {LAST} to continue from, but holds {found}, which starting anew would replace or leave beside other \
                 results; put {LAST} back, or give another folder"
            )));
        }
        return Ok(Prepared { state: None, lock });
    }
    let checkpoint = Checkpoint::read(&last)?;
    let changed = differences(&checkpoint.manifest.config, config);
    if changed.is_empty() {
        let state = Some(checkpoint);
        return Ok(Prepared { state, lock });
    }
    Err(refuse(format!(
        "holds a run of another configuration, which cannot be continued with {}; put that back, or start a new run with \
         another folder",
        plain_list(&changed)
    )))
}

/// Locks the folder for this process. `Err` if another process has locked it.
fn lock(out: &Path) -> Result<Option<File>, ()> {
    // Some systems cannot open folders, and some file systems cannot lock them: then there is no check.
    let Ok(folder) = File::open(out) else {
        return Ok(None);
    };
    match folder.try_lock() {
        Ok(()) => Ok(Some(folder)),
        Err(TryLockError::WouldBlock) => Err(()),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// The first file, by name, that does not come from a run before its first step.
fn first_foreign(out: &Path, config: &Config) -> Option<String> {
    let entries = fs::read_dir(out).into_iter().flatten().flatten();
    let is_foreign = |name: &str| match name {
        LOG => false,
        RESOLVED_CONFIG => {
            fs::read_to_string(out.join(name)).is_ok_and(|text| text != tal_config::to_yaml(config))
        }
        METRICS => fs::metadata(out.join(name)).is_ok_and(|file| file.len() > 0),
        _ => !name.starts_with('.') && !is_curve_file(name),
    };
    let mut foreign: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| is_foreign(name))
        .collect();
    foreign.sort();
    foreign.into_iter().next()
}

/// Removes temporary files of atomic writes that a kill interrupted. Those that cannot be removed do no harm.
fn remove_leftovers(out: &Path) {
    for entry in fs::read_dir(out).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(".tmp-") {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Fields that a continued run must not change: `path = new (was old)`.
fn differences(old: &Config, new: &Config) -> Vec<String> {
    let is_free = |path: &str| FREE.contains(&path);
    compared(old, new, &is_free)
}

/// Fields that may change the figures of a run: `path = new (was old)`.
pub(crate) fn other_figures(old: &Config, new: &Config) -> Vec<String> {
    compared(old, new, &|_| false)
}

fn compared(old: &Config, new: &Config, is_free: &dyn Fn(&str) -> bool) -> Vec<String> {
    // As text, in which a number of single precision has no more digits than it was written with.
    let value = |config: &Config| -> Value {
        let text = serde_json::to_string(config).expect("a configuration is plain data");
        serde_json::from_str(&text).expect("what was written can be read")
    };
    let mut found = Vec::new();
    compare("", &value(old), &value(new), is_free, &mut found);
    found
}

fn compare(
    path: &str,
    old: &Value,
    new: &Value,
    is_free: &dyn Fn(&str) -> bool,
    found: &mut Vec<String>,
) {
    let is_moved = MOVABLE.contains(&path) && old.is_null() == new.is_null();
    if old == new || is_moved || is_free(path) {
        return;
    }
    if let (Value::Array(a), Value::Array(b)) = (old, new)
        && a.len() == b.len()
        && a.iter().chain(b).all(Value::is_object)
    {
        for (a, b) in a.iter().zip(b) {
            compare(&format!("{path}.[]"), a, b, is_free, found);
        }
        return;
    }
    if let (Value::Object(a), Value::Object(b)) = (old, new) {
        let mut keys: Vec<_> = a.keys().chain(b.keys()).collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            let path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            let [a, b] = [a, b].map(|map| map.get(key).unwrap_or(&Value::Null));
            compare(&path, a, b, is_free, found);
        }
        return;
    }
    found.push(format!("{path} = {new} (was {old})"));
}

pub(super) fn write_config(out: &Path, config: &Config) -> Result<(), EngineError> {
    write(&out.join(RESOLVED_CONFIG), &tal_config::to_yaml(config))
}

pub(super) fn write_results(
    out: &Path,
    report: &EvaluationReport,
    classes: &ClassMap,
) -> Result<(), EngineError> {
    results::write_json(&out.join(DETECTIONS), &report.detections, classes)?;
    let figures = serde_json::to_string_pretty(&report.evaluation).expect("figures are plain data");
    write(&out.join(EVALUATION), &figures)
}

/// Removes the sign of a finished run, since the run continues.
pub(super) fn remove_summary(out: &Path) -> Result<(), EngineError> {
    let path = out.join(SUMMARY);
    match fs::remove_file(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => Ok(removed.map_err(FileError::at("remove", &path))?),
    }
}

/// Writes figures as the file `name`.
pub(super) fn write_json(
    out: &Path,
    name: &str,
    figures: &impl Serialize,
) -> Result<(), EngineError> {
    let text = serde_json::to_string_pretty(figures).expect("figures are plain data");
    write(&out.join(name), &format!("{text}\n"))
}

fn write(path: &Path, text: &str) -> Result<(), EngineError> {
    let written = write_atomic(path, |file| file.write_all(text.as_bytes()));
    Ok(written.map_err(FileError::at("write", path))?)
}

#[cfg(test)]
pub(super) mod tests {
    use tal_core::Usage;

    use super::*;

    /// A small configuration with `extra` overrides.
    pub(in crate::run) fn config(extra: &[&str]) -> Config {
        let text = "
dataset:
  annotations: a.json
  features: { dir: features, format: { type: npy } }
  num_classes: 3
  input_dim: 8
  feat_stride: 4
  num_frames: 16
  max_seq_len: 64
";
        let overrides: Vec<_> = extra.iter().map(|s| s.to_string()).collect();
        tal_config::from_yaml(text, "test", Path::new("/base"), &overrides).unwrap()
    }

    #[test]
    fn only_what_changes_weights_counts_as_another_configuration() {
        let old = config(&[]);
        let moved = config(&[
            "dataset.annotations=/elsewhere/a.json",
            "train.num_workers=0",
            "train.checkpoint.eval_every=1",
            "train.log=[tensorboard]",
        ]);
        assert!(differences(&old, &moved).is_empty());
        let other = config(&["train.epochs=31", "encoder.mixer.drop_path=0.2"]);
        assert_eq!(
            differences(&old, &other),
            [
                "encoder.mixer.drop_path = 0.2 (was 0.1)",
                "train.epochs = 31 (was 30)"
            ]
        );
    }

    #[test]
    fn data_may_move() {
        let weak = |clicks: &str, dir: &str| {
            config(&[
                "preset=backtal_thumos14",
                &format!("backtal.clicks={clicks}"),
                &format!(
                    "dataset.features.append=[{{dir: {dir}, suffix: .npy, format: {{type: npy}}}}]"
                ),
            ])
        };
        let old = weak("/a/clicks.json", "/a/flow");
        assert!(differences(&old, &weak("/b/clicks.json", "/b/flow")).is_empty());
        assert_eq!(
            differences(&old, &weak("null", "/a/flow")),
            ["backtal.clicks = null (was \"/a/clicks.json\")"]
        );
        let tested = config(&["inference.suppression.min_score=0.2"]);
        assert!(differences(&config(&[]), &tested).is_empty());
        assert_eq!(
            other_figures(&config(&[]), &tested),
            ["inference.suppression.min_score = 0.2 (was 0.001)"]
        );
    }

    #[test]
    fn a_folder_is_used_by_one_process() {
        let dir = tempfile::tempdir().unwrap();
        let first = lock(dir.path()).unwrap();
        if first.is_none() {
            return;
        }
        // A lock belongs to the open file, so a second one of this process stands for another process.
        assert!(lock(dir.path()).is_err());
        drop(first);
        assert!(lock(dir.path()).unwrap().is_some());
    }

    #[test]
    fn what_a_run_did_not_begin_is_not_started_over() {
        let dir = tempfile::tempdir().unwrap();
        let config = config(&[]);
        let prepare = || prepare(dir.path(), true, &config);
        // Files of a run that is killed before its first save.
        write_config(dir.path(), &config).unwrap();
        for (name, text) in [
            (LOG, "started"),
            (METRICS, ""),
            (".tmp-x", "half"),
            ("events.out.tfevents.1.tal", ""),
        ] {
            fs::write(dir.path().join(name), text).unwrap();
        }
        assert!(prepare().unwrap().state.is_none());
        for (name, text) in [
            (METRICS, "{}\n"),
            (RESOLVED_CONFIG, "mine"),
            ("best.safetensors", "x"),
            ("thesis.tex", "x"),
        ] {
            let path = dir.path().join(name);
            let before = fs::read(&path).ok();
            fs::write(&path, text).unwrap();
            let error = prepare().err().unwrap().to_string();
            let expected = format!("has no last.safetensors to continue from, but holds {name}");
            assert!(error.contains(&expected), "{error}");
            match before {
                Some(before) => fs::write(&path, before).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
        }
    }

    #[test]
    fn foreign_files_and_unwritable_places_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.tex"), "precious").unwrap();
        let prepare = |out: &Path| prepare(out, false, &config(&[])).err().unwrap();
        let error = prepare(dir.path());
        assert!(error.to_string().contains("is not empty"), "{error}");
        assert!(error.is_usage());
        let file = dir.path().join("thesis.tex").join("run");
        let error = prepare(&file);
        assert!(error.to_string().contains("cannot be created"), "{error}");
    }
}
