//! Configurations as YAML for people: sections in blocks, and each value on a line with its origin.

use serde_yaml::{Mapping, Value};

use tal_core::config::{Config, Preset};

use crate::Resolved;
use crate::layers::defaults;
use crate::lines::join;
use crate::source::{parse_mapping, to_yaml};

/// Column at which comments start at the latest; after longer lines they follow directly.
const LAST_COLUMN: usize = 56;

impl Resolved {
    /// The configuration as YAML, with the origin of each value in a comment; `changed` leaves out the values of the preset.
    /// [`load`](crate::load) reads both forms back to an equal configuration.
    pub fn to_annotated_yaml(&self, changed: bool) -> String {
        let mut values = to_mapping(&self.config);
        if changed {
            values = without_preset(&values, self.config.preset);
        }
        block(&values, &|path, value| {
            let origin = self.provenance.origin(path).to_string();
            let written = self.provenance.written(path);
            match written.filter(|text| Some(*text) != value.as_str()) {
                Some(text) => Some(format!("{origin} ({text})")),
                None => Some(origin),
            }
        })
    }
}

/// Plain values, read back from the text: converted directly, float32 numbers would get the digits of float64.
fn to_mapping(config: &Config) -> Mapping {
    parse_mapping(&to_yaml(config), "").expect("a configuration is a mapping")
}

/// The values that differ from the preset or are not in it. A section of another `type` stays whole.
pub(crate) fn without_preset(values: &Mapping, preset: Preset) -> Mapping {
    changed(values, &defaults(preset).expect("a preset is YAML"))
}

fn changed(values: &Mapping, defaults: &Mapping) -> Mapping {
    let mut result = Mapping::new();
    for (key, value) in values {
        match (defaults.get(key), value) {
            (Some(Value::Mapping(old)), Value::Mapping(new))
                if new.get("type") == old.get("type") =>
            {
                let inner = changed(new, old);
                if !inner.is_empty() {
                    // The `type` shows which section it is.
                    let kind = new.get("type").map(|kind| ("type".into(), kind.clone()));
                    let section = kind.into_iter().chain(inner).collect();
                    result.insert(key.clone(), Value::Mapping(section));
                }
            }
            (Some(old), new) if same(old, new) => {}
            (_, new) => {
                result.insert(key.clone(), new.clone());
            }
        }
    }
    result
}

/// Equality under which 4 equals 4.0.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Sequence(a), Value::Sequence(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        _ => a == b,
    }
}

/// Mappings as blocks and other values on one line, each followed by `comment(path, value)`. Empty lines separate sections.
pub(crate) fn block(values: &Mapping, comment: &dyn Fn(&str, &Value) -> Option<String>) -> String {
    let mut lines = Vec::new();
    collect(values, "", 0, comment, &mut lines);
    let column = lines
        .iter()
        .filter(|(_, comment)| comment.is_some())
        .map(|(text, _)| text.chars().count())
        .filter(|width| *width <= LAST_COLUMN)
        .max()
        .unwrap_or(0);
    let mut result = String::new();
    for (text, comment) in lines {
        result += &text;
        if let Some(comment) = comment {
            let gap = column.saturating_sub(text.chars().count()) + 2;
            result += &" ".repeat(gap);
            result += "# ";
            result += &comment.replace(['\n', '\r'], " ");
        }
        result.push('\n');
    }
    result
}

fn collect(
    values: &Mapping,
    path: &str,
    depth: usize,
    comment: &dyn Fn(&str, &Value) -> Option<String>,
    lines: &mut Vec<(String, Option<String>)>,
) {
    for (key, value) in values {
        let name = flow(key);
        let path = join(path, &name);
        let indent = "  ".repeat(depth);
        match value {
            Value::Mapping(inner) if !inner.is_empty() => {
                if depth == 0 && !lines.is_empty() {
                    lines.push((String::new(), None));
                }
                lines.push((format!("{indent}{name}:"), None));
                collect(inner, &path, depth + 1, comment, lines);
            }
            _ => lines.push((
                format!("{indent}{name}: {}", flow(value)),
                comment(&path, value),
            )),
        }
    }
}

/// A value on one line.
pub(crate) fn flow(value: &Value) -> String {
    match value {
        Value::Sequence(values) => {
            let all: Vec<String> = values.iter().map(flow).collect();
            format!("[{}]", all.join(", "))
        }
        Value::Mapping(values) if values.is_empty() => "{}".to_owned(),
        Value::Mapping(values) => {
            let all: Vec<String> = values
                .iter()
                .map(|(key, value)| format!("{}: {}", flow(key), flow(value)))
                .collect();
            format!("{{ {} }}", all.join(", "))
        }
        Value::String(text) if !is_plain(text) => {
            serde_json::to_string(text).expect("a text is JSON")
        }
        _ => serde_yaml::to_string(value)
            .expect("a plain value is YAML")
            .trim_end()
            .to_owned(),
    }
}

/// Whether a text needs no quotes: it has no special characters and does not read as a number, null or the like.
fn is_plain(text: &str) -> bool {
    let harmless = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    text.chars().all(harmless)
        && !text.starts_with('-')
        && serde_yaml::from_str::<Value>(text).is_ok_and(|value| value.as_str() == Some(text))
        && serde_yaml::to_string(text).is_ok_and(|written| written.trim_end() == text)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{Layers, from_yaml};

    const MAIN: &str = "
dataset:
  annotations: '${TAL_NO_SUCH_VARIABLE:-/d}/a: b.json'
  features:
    dir: /f
    format: { type: pickle, keys: ['a, b', 'null', '1', c], layout: channel_first }
    append: [{ dir: /g, suffix: .npy, format: { type: npy } }]
  train_subsets: ['yes', \"two\\nlines\"]
  num_classes: 3
  input_dim: 8
  feat_stride: 4
  num_frames: 16
  max_seq_len: 64
loss: { focal_alpha: 0.3 }
";

    fn resolved(overlay: &str) -> Resolved {
        Layers::from_yaml(MAIN, "main.yaml", Path::new("/"))
            .and_then(|layers| layers.overlay_yaml(overlay, "over.yaml", Path::new("/")))
            .and_then(|layers| layers.set("train.eps=1e-7"))
            .and_then(|layers| layers.resolve())
            .unwrap()
    }

    #[test]
    fn what_is_shown_reads_back_to_the_same() {
        for overlay in [
            "{}",
            "train: { schedule: { type: multistep, milestones: [3], gamma: 0.1 } }",
            "inference: { suppression: { voting: { iou_threshold: 0.7, weight: score } } }",
            "train: { clip_grad_l2norm: null }",
            "encoder: { mixer: { local_kernel_size: [1, 1, 3, 3, 5, 5] } }",
        ] {
            let found = resolved(overlay);
            for changed in [false, true] {
                let text = found.to_annotated_yaml(changed);
                let again = from_yaml(&text, "shown", Path::new("/else"), &[]);
                assert_eq!(again.unwrap(), found.config, "{overlay}\n{text}");
            }
        }
    }

    #[test]
    fn origins_stand_behind_the_values() {
        let text = resolved("train:\n  epochs: 3").to_annotated_yaml(false);
        let line = |key: &str| {
            let line = text.lines().find(|line| line.trim().starts_with(key));
            line.unwrap_or_else(|| panic!("no {key}:\n{text}")).trim()
        };
        assert!(line("epochs: 3").ends_with("  # over.yaml:2"));
        assert!(line("eps: 1e-7").ends_with("  # --set"));
        assert!(line("focal_alpha: 0.3").ends_with("  # main.yaml:14"));
        assert!(line("focal_gamma: 2.0").ends_with("  # preset released"));
        let annotations = line("annotations:");
        let end = "# main.yaml:3 (${TAL_NO_SUCH_VARIABLE:-/d}/a: b.json)";
        assert!(annotations.ends_with(end), "{annotations}");
        let columns: Vec<usize> = ["epochs:", "eps:", "focal_alpha:"]
            .map(|key| {
                let line = text.lines().find(|line| line.trim().starts_with(key));
                line.unwrap().find('#').unwrap()
            })
            .to_vec();
        assert!(columns.iter().all(|column| *column == columns[0]));
    }

    #[test]
    fn only_changes_are_shown_on_request() {
        let text = resolved("train: { epochs: 30, batch_size: 5 }").to_annotated_yaml(true);
        assert!(text.starts_with("preset: released"), "{text}");
        assert!(text.contains("batch_size: 5"), "{text}");
        // Named, but as in the preset.
        assert!(!text.contains("epochs"), "{text}");
        assert!(!text.contains("evaluation"), "{text}");
    }
}
