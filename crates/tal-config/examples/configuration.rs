//! Writes `docs/configuration.md` from the configuration types; with `--check` only tells whether it is up to date.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use schemars::Schema;
use serde_json::Value;
use tal_config::preset_yaml;
use tal_core::config::{Config, Preset};

const INTRODUCTION: &str = "# Configuration

A configuration file is YAML. It names a preset and what differs from it; all other keys keep the preset's values:

```yaml
";

const EXAMPLE: &str = "\
preset: released

dataset:
  annotations: ${MY_DATA}/annotations.json
  features:
    dir: ${MY_DATA}/features
    format: { type: npy }
  num_classes: 20
  input_dim: 2048
  feat_stride: 4
  num_frames: 16
  max_seq_len: 2304

train:
  epochs: 40
";

const RULES: &str = "\
```

- `--overlay FILE` lays another file of this form over it, and `--set key.path=value` (value as YAML) a single key;
  both can be repeated. `tal config show` prints the result and the origin of every value.
- A section with a `type` is replaced as a whole if its `type` changes.
- Unknown keys and values out of range are errors.
- A run folder and every checkpoint contain the resulting configuration with every value (`config.yaml`).

**Required** keys have no default. *Grid units* are features of pyramid level 0. The column *released* shows the values of the
preset `released`. This page is generated from the types by `cargo xtask docs --write`; `cargo xtask ci` checks that it is
current.
";

fn main() -> ExitCode {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let text = Reference::new().write();
    if std::env::args().any(|argument| argument == "--check") {
        if std::fs::read_to_string(&path).is_ok_and(|current| current == text) {
            return ExitCode::SUCCESS;
        }
        eprintln!(
            "docs/configuration.md is out of date; `cargo run -p tal-config --example configuration` writes it anew"
        );
        return ExitCode::FAILURE;
    }
    match std::fs::write(&path, text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot write {}: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}

struct Reference {
    schema: Value,
    defaults: serde_yaml::Value,
    /// Defaults of the sections that are null in `defaults`.
    optional: serde_yaml::Value,
    text: String,
}

impl Reference {
    fn new() -> Self {
        let example = EXAMPLE.replace("${MY_DATA}", "/data");
        tal_config::from_yaml(&example, "the example", Path::new("/"), &[])
            .unwrap_or_else(|error| panic!("{error}"));
        let schema: Schema = schemars::schema_for!(Config);
        Self {
            schema: schema.to_value(),
            defaults: preset(Preset::Released),
            optional: preset(Preset::BackTalThumos14),
            text: [INTRODUCTION, EXAMPLE, RULES].concat(),
        }
    }

    fn write(mut self) -> String {
        let root = self.schema.clone();
        self.section("", &root);
        self.text
    }

    /// A heading and a table for a section, followed by its sub-sections.
    fn section(&mut self, path: &str, schema: &Value) {
        let kind = schema["properties"]["type"]["const"].as_str();
        if path.is_empty() {
            self.text.push_str("\n## Sections\n\n");
        } else {
            let level = if path.contains('.') { "###" } else { "##" };
            let kind = kind.map_or_else(String::new, |kind| format!(", `type: {kind}`"));
            write!(self.text, "\n{level} `{path}`{kind}\n\n").unwrap();
            if let Some(description) = text_of(schema, "description") {
                write!(self.text, "{description}\n\n").unwrap();
            }
        }
        let start = self.text.len();
        let mut sub_sections = Vec::new();
        self.rows(path, schema, &mut sub_sections);
        let table = match self.text.len() {
            end if end == start => "There are no further keys.\n",
            _ => "| key | value | released | meaning |\n|---|---|---|---|\n",
        };
        self.text.insert_str(start, table);
        for (path, schema) in sub_sections {
            self.section(&path, &schema);
        }
    }

    fn rows(&mut self, path: &str, schema: &Value, sub_sections: &mut Vec<(String, Value)>) {
        let properties = schema["properties"].as_object().cloned();
        let variant = schema["properties"]["type"]["const"].as_str();
        for (key, property) in properties.into_iter().flatten() {
            if property.get("const").is_some() {
                continue;
            }
            let full = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            let target = self.resolve(&property);
            let meaning = text_of(&property, "description")
                .or_else(|| text_of(&target, "description"))
                .unwrap_or_default();
            let value = self.value_of(&property);
            let default = self.default_of(&full, variant, &property);
            writeln!(self.text, "| `{key}` | {value} | {default} | {meaning} |").unwrap();
            if target.get("properties").is_some() {
                sub_sections.push((full, target));
            } else if let Some(variants) = tagged_variants(&target) {
                for variant in variants {
                    let mut merged = self.resolve(variant);
                    if variant.get("description").is_some() {
                        merged["description"] = variant["description"].clone();
                    }
                    sub_sections.push((full.clone(), merged));
                }
            }
        }
    }

    /// Follows `$ref`, also beside other keys, and the non-null side of an optional.
    fn resolve(&self, schema: &Value) -> Value {
        let mut result = schema.clone();
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.trim_start_matches("#/$defs/");
            let target = self.schema["$defs"][name].clone();
            let own = schema["properties"].clone();
            result = target;
            if let Some(own) = own.as_object() {
                for (key, value) in own {
                    result["properties"][key] = value.clone();
                }
            }
        } else if let Some(any) = schema["anyOf"].as_array()
            && any.iter().any(is_null)
            && let Some(some) = any.iter().find(|s| !is_null(s))
        {
            result = self.resolve(some);
        }
        result
    }

    /// The value of a key in the preset `released`; `variant` is the `type` of its section.
    fn default_of(&self, full: &str, variant: Option<&str>, property: &Value) -> String {
        let find = |defaults| {
            let parent = full.rsplit_once('.').map_or("", |(parent, _)| parent);
            let section = parent
                .split('.')
                .filter(|key| !key.is_empty())
                .try_fold(defaults, serde_yaml::Value::get);
            let kind = section.and_then(|section| section.get("type")?.as_str());
            // Another `type` replaces the whole section, including the preset's values.
            if variant.is_some() && kind.is_some() && kind != variant {
                return None;
            }
            full.split('.').try_fold(defaults, serde_yaml::Value::get)
        };
        let preset = find(&self.defaults).or_else(|| match full.starts_with("backtal.") {
            true => find(&self.optional),
            false => None,
        });
        match (preset, property.get("default")) {
            (Some(serde_yaml::Value::Mapping(mapping)), _) => match mapping.get("type") {
                Some(kind) => format!("`type: {}`", yaml_text(kind)),
                None => "section".to_owned(),
            },
            (Some(value), _) => format!("`{}`", yaml_text(value)),
            (None, Some(value)) => format!("`{value}`").replace('"', ""),
            // The preset has another `type` here.
            (None, None) if full.starts_with("train.schedule.") => "–".to_owned(),
            (None, None) if has_null_type(property) || is_optional(property) => {
                match property.get(REQUIRED) {
                    Some(_) => "**required**".to_owned(),
                    None => "`null`".to_owned(),
                }
            }
            (None, None) => "**required**".to_owned(),
        }
    }

    fn value_of(&self, schema: &Value) -> String {
        let target = self.resolve(schema);
        let null = if is_optional(schema) || has_null_type(schema) {
            " or null"
        } else {
            ""
        };
        let value = if target.get("properties").is_some() || tagged_variants(&target).is_some() {
            "section".to_owned()
        } else if let Some(choices) = choices(&target) {
            choices
        } else if let Some(any) = target["anyOf"].as_array() {
            let kinds: Vec<_> = any.iter().map(|s| self.value_of(s)).collect();
            kinds.join(" or ")
        } else {
            match type_name(&target) {
                Some("integer") => "integer".to_owned(),
                Some("number") => "number".to_owned(),
                Some("boolean") => "true or false".to_owned(),
                Some("string") => "text".to_owned(),
                Some("array") => match target.get("items") {
                    Some(items) => format!("list of {}", self.value_of(items)),
                    None => "list".to_owned(),
                },
                _ => "any".to_owned(),
            }
        };
        format!("{value}{null}")
    }
}

fn preset(preset: Preset) -> serde_yaml::Value {
    serde_yaml::from_str(preset_yaml(preset)).expect("the preset is YAML")
}

/// Marks keys that must be written even if they are null.
const REQUIRED: &str = "x-required";

fn is_optional(schema: &Value) -> bool {
    schema["anyOf"]
        .as_array()
        .is_some_and(|any| any.iter().any(is_null))
}

fn is_null(schema: &Value) -> bool {
    schema["type"] == "null"
}

fn has_null_type(schema: &Value) -> bool {
    schema["type"]
        .as_array()
        .is_some_and(|types| types.iter().any(|t| t == "null"))
}

fn type_name(schema: &Value) -> Option<&str> {
    schema["type"].as_str().or_else(|| {
        schema["type"]
            .as_array()?
            .iter()
            .filter_map(Value::as_str)
            .find(|name| *name != "null")
    })
}

fn tagged_variants(schema: &Value) -> Option<&Vec<Value>> {
    let variants = schema["oneOf"].as_array()?;
    variants
        .iter()
        .all(|v| v["properties"]["type"].get("const").is_some())
        .then_some(variants)
}

/// The named choices of an enum and their meanings.
fn choices(schema: &Value) -> Option<String> {
    if let Some(names) = schema["enum"].as_array() {
        let names: Vec<_> = names
            .iter()
            .filter_map(Value::as_str)
            .map(|name| format!("`{name}`"))
            .collect();
        return Some(names.join(", "));
    }
    let names: Vec<_> = schema["oneOf"]
        .as_array()?
        .iter()
        .filter_map(|variant| {
            let name = variant["const"].as_str()?;
            Some(match text_of(variant, "description") {
                Some(meaning) => format!("`{name}`: {}", meaning.trim_end_matches('.')),
                None => format!("`{name}`"),
            })
        })
        .collect();
    Some(names.join("<br>"))
}

fn text_of(schema: &Value, key: &str) -> Option<String> {
    Some(schema[key].as_str()?.replace('\n', " ").replace('|', "\\|"))
}

/// A value on one line, as it would be written in YAML.
fn yaml_text(value: &serde_yaml::Value) -> String {
    match value {
        serde_yaml::Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        serde_yaml::Value::Sequence(items) => {
            let items: Vec<_> = items.iter().map(yaml_text).collect();
            format!("[{}]", items.join(", "))
        }
        other => serde_yaml::to_string(other)
            .expect("plain data")
            .trim_end()
            .to_owned(),
    }
}
