//! Descriptions of extracted features, filled into a configuration and its annotations.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tal_config::{ConfigError, Layers};
use tal_core::config::{Config, FeaturesConfig};
use tal_data::annotations;
use tal_video::Sidecar;

use super::replacement::replace;
use super::sidecars::{appended_channels, read_sidecars, same, used_channels};
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

/// New contents of a configuration file and of its annotation file, in which rate, stride, window, channels, durations and
/// digests are those of the described features.
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
    /// configuration's own frame rate, if it has one, becomes that of all videos, or null if they differ; its section
    /// `dataset.extract`, if it has one, gets the digests of recipe and weights. Nothing is written.
    ///
    /// # Errors
    /// If there are no descriptions or they differ in stride, window or channels, or with `dataset.extract` in recipe or
    /// weights; if a file cannot be read; if the configuration is not written with one key per line.
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
        let sidecars = read_sidecars(&config.dataset)?;
        let fault = |reason: String| ExtractError::Completion {
            path: features.dir.clone(),
            reason,
        };
        if sidecars.is_empty() {
            return Err(fault("no features here have a description".to_owned()));
        }
        let mix = |what: &str, (one, other): (String, String)| {
            fault(format!("{what} {one}, but {what} {other}: they do not mix"))
        };
        let number = |what: &str, value: &dyn Fn(&Sidecar) -> f64| {
            let found = all_same(&sidecars, value, |one, other| same(*one, *other));
            found
                .map(|value| value.to_string())
                .map_err(|differing| mix(what, differing))
        };
        let digest = |what: &str, value: &dyn Fn(&Sidecar) -> String| {
            let found = all_same(&sidecars, value, String::eq);
            found
                .map(|digest| format!("\"{digest}\""))
                .map_err(|differing| mix(what, differing))
        };
        let mut values = vec![
            (
                "feat_stride",
                number("stride of", &|found| found.features.feat_stride)?,
            ),
            (
                "num_frames",
                number("window of", &|found| 2.0 * found.features.offset_frames)?,
            ),
        ];
        let num_channels = number("channels of", &|found| found.features.channels as f64)?;
        if let Some(appended) = appended_channels(features) {
            let used = |found: &Sidecar| used_channels(features.columns, found) + appended;
            let used = sidecars.values().next().map_or(0, used);
            values.push(("input_dim", used.to_string()));
        }
        if let Some([_, to]) = features.columns
            && num_channels.parse().is_ok_and(|num: f64| num < to as f64)
        {
            return Err(fault(format!(
                "dataset.features.columns ends with {to}, but the features have {num_channels} channels"
            )));
        }
        if config.dataset.fps.is_some() {
            let rate = number("", &|found| found.features.fps);
            values.push(("fps", rate.unwrap_or_else(|_| "null".to_owned())));
        }
        let mut sections = vec![Section {
            path: &["dataset"],
            values,
        }];
        if config.dataset.extract.is_some() {
            let mut values = vec![(
                "recipe_sha256",
                digest("recipe of", &|found| found.recipe.sha256.clone())?,
            )];
            if sidecars.values().all(|found| found.weights.is_some()) {
                let weights = |found: &Sidecar| {
                    let weights = found.weights.as_ref();
                    weights.map_or_else(String::new, |weights| weights.sha256.clone())
                };
                values.push(("weights_sha256", digest("weights of", &weights)?));
            }
            sections.push(Section {
                path: &["dataset", "extract"],
                values,
            });
        }
        let (config_text, of_config) = changed_config(path, &text, &sections)?;
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

    /// Writes the files that change, once the new content of both is complete. What a file held is first copied to one of its
    /// name with `.old` at the end (`.old2` if there is one, and so on). Returns the copies.
    ///
    /// # Errors
    /// If a file cannot be written; the error names the other one if that has been written.
    pub fn write(&self) -> Result<Vec<PathBuf>, ExtractError> {
        let files = [
            (&self.annotations, &self.of_annotations),
            (&self.config, &self.of_config),
        ];
        let changed = files.iter().filter(|(_, changes)| !changes.is_empty());
        let changed: Vec<_> = changed
            .map(|((path, text), _)| (path.as_path(), text.as_str()))
            .collect();
        replace(&changed)
    }
}

/// Values of a section of the configuration file, as YAML.
struct Section {
    path: &'static [&'static str],
    values: Vec<(&'static str, String)>,
}

impl Section {
    fn name(&self) -> String {
        self.path.join(".")
    }
}

/// The value of all descriptions, or two that differ with the names of their recordings.
fn all_same<T: Display>(
    sidecars: &BTreeMap<String, Sidecar>,
    value: impl Fn(&Sidecar) -> T,
    are_same: impl Fn(&T, &T) -> bool,
) -> Result<T, (String, String)> {
    let mut values = sidecars.iter().map(|(name, found)| (name, value(found)));
    let (first, one) = values.next().expect("there are descriptions");
    match values.find(|(_, other)| !are_same(&one, other)) {
        None => Ok(one),
        Some((name, other)) => Err((format!("{first} is {one}"), format!("{name} is {other}"))),
    }
}

/// A configuration file with the values of `sections`, and the changes.
fn changed_config(
    path: &Path,
    text: &str,
    sections: &[Section],
) -> Result<(String, Vec<Change>), ExtractError> {
    let fault = |reason: String| {
        let lines: Vec<_> = sections
            .iter()
            .map(|section| {
                let values = section.values.iter();
                let values: Vec<_> = values
                    .map(|(key, value)| format!("{key}: {value}"))
                    .collect();
                format!("below `{}`, write {}", section.name(), values.join(", "))
            })
            .collect();
        ExtractError::Completion {
            path: path.to_owned(),
            reason: format!("{reason}; {}", lines.join("; ")),
        }
    };
    let (mut changed, mut changes) = (text.to_owned(), Vec::new());
    for section in sections {
        let (_, before) = yaml_keys::set(&changed, section.path, &section.values).map_err(fault)?;
        let mut wanted = Vec::new();
        for ((key, after), before) in section.values.iter().zip(before) {
            if before
                .as_deref()
                .is_none_or(|before| !means_same(before, after))
            {
                wanted.push((*key, after.clone()));
                changes.push(Change {
                    place: format!("{}.{key}", section.name()),
                    before,
                    after: after.clone(),
                });
            }
        }
        (changed, _) = yaml_keys::set(&changed, section.path, &wanted).map_err(fault)?;
    }
    // Lines and indents were changed; the reader of configurations says whether they mean what they should.
    let base = path.parent().unwrap_or(Path::new(""));
    let read = loaded(
        Layers::from_yaml(&changed, &path.display().to_string(), base),
        &[],
    )?;
    let config = json!({ "dataset": read.dataset });
    for section in sections {
        let found = section.path.iter().fold(&config, |found, key| &found[*key]);
        for (key, value) in &section.values {
            if !means_same(&found[*key].to_string(), value) {
                return Err(fault(format!(
                    "the file is not understood: it would say {key}: {}",
                    found[*key]
                )));
            }
        }
    }
    Ok((changed, changes))
}

/// Whether two values of YAML are equal: numbers, texts in quotes, null.
fn means_same(one: &str, other: &str) -> bool {
    let text = |value: &str| value.trim_matches(['"', '\'']).to_owned();
    let is_text = other.starts_with('"');
    match (one.parse(), other.parse()) {
        (Ok(one), Ok(other)) if !is_text => same(one, other),
        _ => text(one) == text(other),
    }
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
