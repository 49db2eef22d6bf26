//! Layers of a configuration: preset, file, overlays and overrides, with the origin of every value.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_yaml::{Mapping, Value};

use tal_core::FileError;
use tal_core::config::{Config, Preset};

use crate::lines::{join, key_lines};
use crate::presets::preset_yaml;
use crate::renamed::rename;
use crate::source::{parse_mapping, resolve_paths, typed};
use crate::{ConfigError, Origin, Provenance};

/// The layers of a configuration: a file, overlays (partial configurations) and overrides, each laid over the ones before.
/// Below them lies the preset that the last layer with a key `preset` names.
#[derive(Debug, Clone)]
pub struct Layers {
    layers: Vec<Layer>,
}

#[derive(Debug, Clone)]
struct Layer {
    /// The file, or `--set key=value`.
    name: String,
    values: Mapping,
    /// `None` for an override.
    file: Option<File>,
}

#[derive(Debug, Clone)]
struct File {
    /// Relative paths start here.
    base: PathBuf,
    lines: BTreeMap<String, usize>,
}

/// A checked configuration and the origins of its values.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The configuration.
    pub config: Config,
    /// The origins of its values.
    pub provenance: Provenance,
}

impl Layers {
    /// Starts with a configuration file.
    ///
    /// # Errors
    /// If the file cannot be read, is not YAML, or sets a key under two names.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        Self { layers: Vec::new() }.overlay(path)
    }

    /// [`Layers::read`] for a text: `origin` names it in errors, and relative paths start at `base`.
    ///
    /// # Errors
    /// As [`Layers::read`].
    pub fn from_yaml(text: &str, origin: &str, base: &Path) -> Result<Self, ConfigError> {
        Self { layers: Vec::new() }.overlay_yaml(text, origin, base)
    }

    /// Lays an overlay, a file with part of a configuration, on top. Its relative paths start at its own folder.
    ///
    /// # Errors
    /// As [`Layers::read`].
    pub fn overlay(self, path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(FileError::at("read the configuration", path))?;
        let base = path.parent().unwrap_or(Path::new(""));
        self.overlay_yaml(&text, &path.display().to_string(), base)
    }

    /// [`Layers::overlay`] for a text.
    ///
    /// # Errors
    /// As [`Layers::read`].
    pub fn overlay_yaml(
        mut self,
        text: &str,
        origin: &str,
        base: &Path,
    ) -> Result<Self, ConfigError> {
        let mut values = parse_mapping(text, origin)?;
        let mut lines = key_lines(text);
        rename(&mut values, &mut lines, origin)?;
        self.layers.push(Layer {
            name: origin.to_owned(),
            values,
            file: Some(File {
                base: base.to_owned(),
                lines,
            }),
        });
        Ok(self)
    }

    /// Lays one key (`key.path=value`, value as YAML) on top. A relative path starts at the folder of the first file.
    ///
    /// # Errors
    /// If the text does not have this form.
    pub fn set(mut self, text: &str) -> Result<Self, ConfigError> {
        let name = format!("--set {text}");
        let mut values = parse_override(text, &name)?;
        rename(&mut values, &mut BTreeMap::new(), &name)?;
        self.layers.push(Layer {
            name,
            values,
            file: None,
        });
        Ok(self)
    }

    /// The resulting configuration, with environment variables filled in, paths made absolute and everything checked.
    ///
    /// # Errors
    /// The first error, or all values out of range; each names the file or override, the field, the value and what is allowed.
    pub fn resolve(&self) -> Result<Resolved, ConfigError> {
        let preset = self.preset()?;
        let mut stack = Stack::default();
        stack.lay_preset(preset)?;
        for (index, layer) in self.layers.iter().enumerate() {
            stack.lay(layer.values.clone(), Setter::Layer(index));
        }
        let mut config: Config = typed(Value::Mapping(stack.values.clone()), |path, missing| {
            self.name(stack.culprit(path, missing))
        })?;
        let mut written = BTreeMap::new();
        for (path, text) in resolve_paths(&mut config, |path| self.place(stack.setter(path)))? {
            written.insert(path, text);
        }
        if let Err(errors) = config.validate() {
            let mut culprits: Vec<usize> = errors
                .iter()
                .map(|error| stack.culprit(&error.path, false))
                .collect();
            culprits.dedup();
            let culprit = if let [one] = culprits[..] { one } else { 0 };
            let origin = self.name(culprit);
            return Err(ConfigError::Invalid { origin, errors });
        }
        let origins = stack
            .setters
            .iter()
            .map(|(path, setter)| (path.clone(), self.origin(*setter, path)))
            .collect();
        Ok(Resolved {
            config,
            provenance: Provenance { origins, written },
        })
    }

    fn preset(&self) -> Result<Preset, ConfigError> {
        let named = self.layers.iter().rev().find_map(|layer| {
            let value = layer.values.get("preset")?;
            Some((layer, value))
        });
        match named {
            None => Ok(Preset::default()),
            Some((layer, value)) => {
                serde_yaml::from_value(value.clone()).map_err(|error| ConfigError::Value {
                    origin: layer.name.clone(),
                    path: "preset".to_owned(),
                    message: error.to_string(),
                })
            }
        }
    }

    fn name(&self, layer: usize) -> String {
        self.layers
            .get(layer)
            .map_or_else(String::new, |layer| layer.name.clone())
    }

    /// Name and folder of the layer that set a path of the file system.
    fn place(&self, setter: Option<Setter>) -> (&str, &Path) {
        let first = self.layers.first();
        let layer = match setter {
            Some(Setter::Layer(index)) => self.layers.get(index),
            _ => first,
        };
        // Paths on the command line start at the folder of the first file.
        let file = layer
            .and_then(|layer| layer.file.as_ref())
            .or_else(|| first.and_then(|layer| layer.file.as_ref()));
        (
            layer.map_or("", |layer| &layer.name),
            file.map_or(Path::new(""), |file| &file.base),
        )
    }

    fn origin(&self, setter: Setter, path: &str) -> Origin {
        let index = match setter {
            Setter::Preset(preset) => return Origin::Preset(preset),
            Setter::Layer(index) => index,
        };
        let layer = &self.layers[index];
        match &layer.file {
            None => Origin::Override,
            Some(file) => Origin::File {
                name: layer.name.clone(),
                line: file.lines.get(path).copied(),
            },
        }
    }
}

/// Who set a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Setter {
    Preset(Preset),
    Layer(usize),
}

/// The defaults of a preset: its own laid over those of the presets that it changes.
pub(crate) fn defaults(preset: Preset) -> Result<Mapping, ConfigError> {
    let mut stack = Stack::default();
    stack.lay_preset(preset)?;
    Ok(stack.values)
}

/// The values of all layers so far, and who set each of them; a list counts as one value.
#[derive(Debug, Default)]
struct Stack {
    values: Mapping,
    setters: BTreeMap<String, Setter>,
}

impl Stack {
    fn lay_preset(&mut self, preset: Preset) -> Result<(), ConfigError> {
        if let Some(base) = preset.base() {
            self.lay_preset(base)?;
        }
        let values = parse_mapping(preset_yaml(preset), "preset")?;
        self.lay(values, Setter::Preset(preset));
        Ok(())
    }

    fn lay(&mut self, over: Mapping, setter: Setter) {
        let mut values = std::mem::take(&mut self.values);
        self.merge(&mut values, over, "", setter);
        self.values = values;
    }

    /// Lays `over` over `base`. Mappings of the same `type` are merged key by key; everything else is replaced.
    fn merge(&mut self, base: &mut Mapping, over: Mapping, path: &str, setter: Setter) {
        for (key, value) in over {
            let path = join(path, &text_of(&key));
            match (base.get_mut(&key), value) {
                (Some(Value::Mapping(old)), Value::Mapping(new))
                    if new.get("type").is_none() || new.get("type") == old.get("type") =>
                {
                    self.merge(old, new, &path, setter);
                }
                (_, value) => {
                    let below = format!("{path}.");
                    self.setters
                        .retain(|known, _| *known != path && !known.starts_with(&below));
                    self.record(&value, &path, setter);
                    base.insert(key, value);
                }
            }
        }
    }

    fn record(&mut self, value: &Value, path: &str, setter: Setter) {
        match value {
            Value::Mapping(inner) if !inner.is_empty() => {
                for (key, value) in inner {
                    self.record(value, &join(path, &text_of(key)), setter);
                }
            }
            _ => {
                self.setters.insert(path.to_owned(), setter);
            }
        }
    }

    /// Who set the value at a path, or the list that contains it.
    fn setter(&self, path: &str) -> Option<Setter> {
        let list = path.split('[').next().unwrap_or(path);
        self.setters.get(list).copied()
    }

    /// The layer to blame for an error at a path. For a missing key it is the layer that chose the `type` of the section; for
    /// other errors the layer that set the path, or else the last that set something below or around it. The first file if
    /// there is no such layer.
    fn culprit(&self, path: &str, missing: bool) -> usize {
        let mut at = path.split('[').next().unwrap_or(path);
        if missing {
            let section = at.rsplit_once('.').map_or("", |(section, _)| section);
            return layer_of(self.setters.get(&join(section, "type")).copied());
        }
        loop {
            let below = format!("{at}.");
            let found = self
                .setters
                .iter()
                .filter(|(known, _)| known.as_str() == at || known.starts_with(&below))
                .map(|(_, setter)| layer_of(Some(*setter)))
                .max();
            match (found, at.rsplit_once('.')) {
                (Some(layer), _) => return layer,
                (None, Some((section, _))) => at = section,
                (None, None) => return 0,
            }
        }
    }
}

fn layer_of(setter: Option<Setter>) -> usize {
    match setter {
        Some(Setter::Layer(index)) => index,
        _ => 0,
    }
}

fn text_of(key: &Value) -> String {
    match key {
        Value::String(text) => text.clone(),
        other => serde_yaml::to_string(other)
            .unwrap_or_default()
            .trim()
            .to_owned(),
    }
}

fn parse_override(text: &str, origin: &str) -> Result<Mapping, ConfigError> {
    let syntax = |message: String| ConfigError::Syntax {
        origin: origin.to_owned(),
        message,
    };
    let (path, value) = text
        .split_once('=')
        .ok_or_else(|| syntax("must have the form key.path=value".to_owned()))?;
    let mut value: Value = serde_yaml::from_str(value)
        .map_err(|error| syntax(format!("the value is not YAML: {error}")))?;
    let mut over = Mapping::new();
    for key in path.trim().rsplit('.') {
        if key.is_empty() {
            return Err(syntax("the key has an empty part".to_owned()));
        }
        over = Mapping::from_iter([(Value::from(key), value)]);
        value = Value::Mapping(over.clone());
    }
    Ok(over)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: &str = "
dataset:
  annotations: a.json
  features: { dir: features, format: { type: npy } }
  num_classes: 3
  input_dim: 8
  feat_stride: 4
  num_frames: 16
  max_seq_len: 64
train: { learning_rate: 0.5, schedule: { type: cosine, eta_min: 0.25 } }
";

    fn layers(overlays: &[&str]) -> Layers {
        let mut layers = Layers::from_yaml(MAIN, "main.yaml", Path::new("/main")).unwrap();
        for (index, text) in overlays.iter().enumerate() {
            let name = format!("over{index}.yaml");
            layers = layers
                .overlay_yaml(text, &name, Path::new("/over"))
                .unwrap();
        }
        layers
    }

    fn message(layers: &Layers) -> String {
        layers.resolve().unwrap_err().to_string()
    }

    #[test]
    fn later_layers_win_and_are_remembered() {
        let layers = layers(&[
            "train:\n  epochs: 7\n  batch_size: 3",
            "# more\ntrain: { epochs: 8 }\ndataset: { annotations: b.json }",
        ]);
        let found = layers.set("train.seed=9").unwrap().resolve().unwrap();
        let (config, provenance) = (&found.config, &found.provenance);
        assert_eq!((config.train.epochs, config.train.batch_size), (8, 3));
        assert_eq!((config.train.seed, config.train.learning_rate), (9, 0.5));
        assert_eq!(config.dataset.annotations, Path::new("/over/b.json"));
        assert_eq!(config.dataset.features.dir, Path::new("/main/features"));
        let origin = |path| provenance.origin(path).to_string();
        assert_eq!(origin("train.epochs"), "over1.yaml:2");
        assert_eq!(origin("train.batch_size"), "over0.yaml:3");
        assert_eq!(origin("train.learning_rate"), "main.yaml:10");
        assert_eq!(origin("train.seed"), "--set");
        assert_eq!(origin("train.eps"), "preset released");
        assert_eq!(origin("dataset.features.format.layout"), "default");
        assert_eq!(provenance.written("dataset.annotations"), Some("b.json"));
    }

    #[test]
    fn a_path_on_the_command_line_starts_at_the_first_file() {
        let layers = layers(&["{}"]).set("dataset.annotations=c.json").unwrap();
        let config = layers.resolve().unwrap().config;
        assert_eq!(config.dataset.annotations, Path::new("/main/c.json"));
    }

    #[test]
    fn a_path_that_is_replaced_needs_no_variable() {
        let main = MAIN.replace("a.json", "${TAL_NO_SUCH_VARIABLE}/a.json");
        let layers = Layers::from_yaml(&main, "main.yaml", Path::new("/main")).unwrap();
        assert!(message(&layers).starts_with("main.yaml: dataset.annotations"));
        let over = "dataset: { annotations: /b.json }";
        let layers = layers.overlay_yaml(over, "o", Path::new("")).unwrap();
        assert!(layers.resolve().is_ok());
    }

    #[test]
    fn the_layer_that_wrote_it_is_blamed() {
        let cases = [
            (
                "train: { sed: 1 }",
                "over0.yaml: unknown key train.sed; did you mean seed?",
            ),
            (
                "encoder: { mixer: { mlp_dmi: 1 } }",
                "over0.yaml: unknown key encoder.mixer.mlp_dmi; did you mean mlp_dim?",
            ),
            ("train: 3", "over0.yaml: train: invalid type"),
            (
                "train: { batch_size: two }",
                "over0.yaml: train.batch_size: invalid type",
            ),
            (
                "train: { schedule: { type: multistep, gamma: 0.5 } }",
                "over0.yaml: train.schedule.milestones: is missing and has no default",
            ),
            (
                "train: { batch_size: 0 }",
                "over0.yaml: train.batch_size is 0",
            ),
            ("preset: papr", "over0.yaml: preset: unknown variant"),
            (
                "dataset: { features: { dir: '${TAL_NO_SUCH_VARIABLE}' } }",
                "over0.yaml: dataset.features.dir is",
            ),
        ];
        for (over, expected) in cases {
            let found = message(&layers(&[over]));
            assert!(found.starts_with(expected), "{over}: {found}");
        }
        let set = layers(&["train: { seed: 1 }"])
            .set("train.epoch=1")
            .unwrap();
        assert!(message(&set).starts_with("--set train.epoch=1: unknown key"));
        let both = layers(&["train: { batch_size: 0 }"])
            .set("train.betas=[2, 2]")
            .unwrap();
        assert!(message(&both).starts_with("main.yaml: train.batch_size is 0"));
    }

    #[test]
    fn another_type_forgets_what_the_old_one_had() {
        let over = "train: { schedule: { type: multistep, milestones: [3], gamma: 0.5 } }";
        let found = layers(&[over]).resolve().unwrap();
        let origin = |path| found.provenance.origin(path).to_string();
        assert_eq!(origin("train.schedule.eta_min"), "default");
        assert_eq!(origin("train.schedule.gamma"), "over0.yaml:1");
    }
}
