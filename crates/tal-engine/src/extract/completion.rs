//! Descriptions of extracted features, filled into a configuration and its annotations.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tal_config::{ConfigError, Layers};
use tal_core::atomic::write_atomic;
use tal_core::config::{Config, FeaturesConfig};
use tal_data::annotations;
use tal_video::Sidecar;

use super::sidecars::{read_sidecars, same};
use super::{ExtractError, yaml_keys};

/// A value that is filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Key of the configuration, such as `dataset.fps`, or recording and field, such as `a duration`.
    pub place: String,
    /// The value that stands there; none if there is none.
    pub before: Option<String>,
    /// The value of the descriptions.
    pub after: String,
}

/// New contents of a configuration file and of its annotation file, in which rate, stride, window, channels and durations are
/// those of the described features.
#[derive(Clone, Debug)]
pub struct Completion {
    /// Changes of the configuration.
    pub of_config: Vec<Change>,
    /// Changes of the annotations.
    pub of_annotations: Vec<Change>,
    /// Recordings of the annotations whose features have no description.
    pub undescribed: usize,
    config: (PathBuf, String),
    annotations: (PathBuf, String),
}

impl Completion {
    /// Compares the configuration file `path` and the annotations that it names with the descriptions beside its features.
    ///
    /// Strides, windows and channels go into the configuration, durations and frame rates into the annotations. The
    /// configuration's own frame rate, if it has one, becomes that of all videos, or null if they differ. Nothing is written.
    ///
    /// # Errors
    /// If there are no descriptions or they differ in stride, window or channels; if a file cannot be read; if the
    /// configuration is not written with one key per line.
    pub fn new(path: &Path) -> Result<Self, ExtractError> {
        let text = fs::read_to_string(path).map_err(|error| ExtractError::Input {
            path: path.to_owned(),
            reason: format!("cannot be read: {error}"),
        })?;
        // Whatever is to be filled in need not be right yet.
        let overrides =
            ["feat_stride", "num_frames", "input_dim"].map(|key| format!("dataset.{key}=1"));
        let config = loaded(Layers::read(path), &overrides)?;
        let features = &config.dataset.features;
        let sidecars = read_sidecars(&features.dir)?;
        let fault = |reason: String| ExtractError::Completion {
            path: features.dir.clone(),
            reason,
        };
        if sidecars.is_empty() {
            return Err(fault("no features here have a description".to_owned()));
        }
        let common = |what: &str, value: fn(&Sidecar) -> f64| {
            all_same(&sidecars, value).map_err(|(one, other)| {
                fault(format!("{what} {one}, but {what} {other}: they do not mix"))
            })
        };
        let mut values = vec![
            (
                "feat_stride",
                common("stride of", |found| found.features.feat_stride)?,
            ),
            (
                "num_frames",
                common("window of", |found| 2.0 * found.features.offset_frames)?,
            ),
            (
                "input_dim",
                common("channels of", |found| found.features.channels as f64)?,
            ),
        ]
        .into_iter()
        .map(|(key, value)| (key, value.to_string()))
        .collect::<Vec<_>>();
        if features.columns.is_some() || !features.append.is_empty() {
            // The input has only some of the channels, or also those of other files.
            values.retain(|(key, _)| *key != "input_dim");
        }
        if config.dataset.fps.is_some() {
            let rate = all_same(&sidecars, |found| found.features.fps);
            values.push((
                "fps",
                rate.map_or("null".to_owned(), |rate| rate.to_string()),
            ));
        }
        let (config_text, of_config) = changed_config(path, &text, &values)?;
        let annotations = config.dataset.annotations.clone();
        let (annotation_text, of_annotations, undescribed) =
            changed_annotations(&annotations, features, &sidecars)?;
        Ok(Self {
            of_config,
            of_annotations,
            undescribed,
            config: (path.to_owned(), config_text),
            annotations: (annotations, annotation_text),
        })
    }

    /// Writes the files that change. Each is first copied to a file of its name with `.old` at the end (`.old2` if there is
    /// one, and so on), then replaced in one piece. Returns the copies.
    ///
    /// # Errors
    /// If a file cannot be written; it then stays as it was.
    pub fn write(&self) -> Result<Vec<PathBuf>, ExtractError> {
        let files = [
            (&self.annotations, &self.of_annotations),
            (&self.config, &self.of_config),
        ];
        let mut copies = Vec::new();
        for ((path, text), changes) in files {
            if !changes.is_empty() {
                copies.push(replaced(path, text).map_err(|source| ExtractError::Write {
                    path: path.clone(),
                    source,
                })?);
            }
        }
        Ok(copies)
    }
}

/// The value of all descriptions, or two that differ with the names of their recordings.
fn all_same(
    sidecars: &BTreeMap<String, Sidecar>,
    value: impl Fn(&Sidecar) -> f64,
) -> Result<f64, (String, String)> {
    let mut values = sidecars.iter().map(|(name, found)| (name, value(found)));
    let Some((first, one)) = values.next() else {
        return Ok(0.0);
    };
    match values.find(|(_, other)| !same(one, *other)) {
        None => Ok(one),
        Some((name, other)) => Err((format!("{first} is {one}"), format!("{name} is {other}"))),
    }
}

/// A configuration file with `values` in its section `dataset`, and the changes.
fn changed_config(
    path: &Path,
    text: &str,
    values: &[(&str, String)],
) -> Result<(String, Vec<Change>), ExtractError> {
    let fault = |reason: String| {
        let lines: Vec<_> = values
            .iter()
            .map(|(key, value)| format!("{key}: {value}"))
            .collect();
        ExtractError::Completion {
            path: path.to_owned(),
            reason: format!("{reason}; below `dataset`, write {}", lines.join(", ")),
        }
    };
    let (_, before) = yaml_keys::set(text, "dataset", values).map_err(fault)?;
    let is_new = |before: &Option<String>, after: &str| match (before, after.parse()) {
        (Some(before), Ok(after)) => before.parse().map_or(true, |before| !same(before, after)),
        (before, _) => before.as_deref() != Some(after),
    };
    let (mut changes, mut wanted) = (Vec::new(), Vec::new());
    for ((key, after), before) in values.iter().zip(before) {
        if is_new(&before, after) {
            wanted.push((*key, after.clone()));
            changes.push(Change {
                place: format!("dataset.{key}"),
                before,
                after: after.clone(),
            });
        }
    }
    let (changed, _) = yaml_keys::set(text, "dataset", &wanted).map_err(fault)?;
    // Lines and indents were changed; the reader of configurations says whether they mean what they should.
    let base = path.parent().unwrap_or(Path::new(""));
    let read = loaded(
        Layers::from_yaml(&changed, &path.display().to_string(), base),
        &[],
    )?;
    let dataset = serde_json::to_value(&read.dataset).unwrap_or_default();
    for (key, value) in values {
        let found = &dataset[*key];
        let fits = match value.parse() {
            Ok(value) => found.as_f64().is_some_and(|found| same(found, value)),
            Err(_) => found.is_null(),
        };
        if !fits {
            return Err(fault(format!(
                "the file is not understood: it would say {key}: {found}"
            )));
        }
    }
    Ok((changed, changes))
}

/// An annotation file with durations and rates of the described recordings, the changes, and the number of recordings that
/// have no description.
fn changed_annotations(
    path: &Path,
    features: &FeaturesConfig,
    sidecars: &BTreeMap<String, Sidecar>,
) -> Result<(String, Vec<Change>, usize), ExtractError> {
    // Finds all faults of the file.
    annotations::read(path, None).map_err(Box::new)?;
    let fault = |reason: String| ExtractError::Completion {
        path: path.to_owned(),
        reason,
    };
    let bytes =
        tal_data::text::open(path).map_err(|error| fault(format!("cannot be read: {error}")))?;
    let mut document: Value =
        serde_json::from_slice(&bytes).map_err(|error| fault(format!("is no JSON: {error}")))?;
    let (mut changes, mut undescribed) = (Vec::new(), 0);
    let database = document.get_mut("database").and_then(Value::as_object_mut);
    for (id, entry) in database.into_iter().flatten() {
        let file = format!("{}{id}{}", features.prefix, features.suffix);
        let name = Path::new(&file).with_extension("").display().to_string();
        let (Some(found), Some(entry)) = (sidecars.get(&name), entry.as_object_mut()) else {
            undescribed += 1;
            continue;
        };
        for (field, after) in [("duration", found.duration), ("fps", found.features.fps)] {
            let before = entry.get(field).filter(|value| !value.is_null());
            let number = before.and_then(|value| match value {
                Value::String(digits) => digits.trim().parse().ok(),
                value => value.as_f64(),
            });
            if number.is_some_and(|before| same(before, after)) {
                continue;
            }
            changes.push(Change {
                place: format!("{id} {field}"),
                before: before.map(Value::to_string),
                after: after.to_string(),
            });
            entry.insert(field.to_owned(), json!(after));
        }
    }
    let is_indented = bytes.starts_with(b"{\n") || bytes.starts_with(b"{\r\n");
    let changed = match is_indented {
        true => serde_json::to_string_pretty(&document),
        false => serde_json::to_string(&document),
    };
    let changed = changed.map_err(|error| fault(error.to_string()))?;
    Ok((changed + "\n", changes, undescribed))
}

fn loaded(
    layers: Result<Layers, ConfigError>,
    overrides: &[String],
) -> Result<Config, ExtractError> {
    let load = || -> Result<Config, ConfigError> {
        let mut layers = layers?;
        for text in overrides {
            layers = layers.set(text)?;
        }
        Ok(layers.resolve()?.config)
    };
    load().map_err(|error| Box::new(error).into())
}

/// Replaces a file, and returns the path of a copy of what it held.
fn replaced(path: &Path, text: &str) -> io::Result<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let numbered = |number: usize| match number {
        1 => path.with_file_name(format!("{name}.old")),
        _ => path.with_file_name(format!("{name}.old{number}")),
    };
    let mut copies = (1..).map(numbered).skip_while(|copy| copy.exists());
    let copy = copies.next().unwrap_or_default();
    let before = fs::read(path)?;
    write_atomic(&copy, |out| out.write_all(&before))?;
    write_atomic(path, |out| out.write_all(text.as_bytes()))?;
    Ok(copy)
}
