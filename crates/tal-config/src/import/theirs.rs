//! A file of another code during its translation.

use std::path::{Path, PathBuf};

use serde_yaml::{Mapping, Value};

use super::report::{ImportReport, Remark, Translation};
use super::{ImportError, ReleasedCode};
use crate::lines::join;
use crate::render::flow;

/// A file during its translation.
pub(super) struct Theirs {
    pub(super) origin: String,
    pub(super) code: ReleasedCode,
    pub(super) root: Option<PathBuf>,
    pub(super) file: Mapping,
    pub(super) defaults: Mapping,
    /// Keys of the file that are already in the report.
    pub(super) seen: Vec<String>,
    /// Our values so far.
    pub(super) values: Mapping,
    pub(super) report: ImportReport,
}

impl Theirs {
    /// The value of one of their keys: that of the file, or the default, or null.
    pub(super) fn get(&self, key: &str) -> Value {
        look_up(&self.file, key)
            .or_else(|| look_up(&self.defaults, key))
            .cloned()
            .unwrap_or(Value::Null)
    }

    /// Whether the file names the key.
    pub(super) fn names(&self, key: &str) -> bool {
        look_up(&self.file, key).is_some()
    }

    /// Sets one of our keys.
    pub(super) fn put(&mut self, ours: &str, value: impl Into<Value>) {
        let mut section = &mut self.values;
        let mut keys = ours.split('.').peekable();
        while let Some(key) = keys.next() {
            if keys.peek().is_none() {
                section.insert(key.into(), value.into());
                return;
            }
            let inner = section
                .entry(key.into())
                .or_insert_with(|| Mapping::new().into());
            match inner {
                Value::Mapping(inner) => section = inner,
                _ => return,
            }
        }
    }

    /// Notes that their key became `ours`.
    pub(super) fn note(&mut self, key: &str, ours: &str) {
        let value = self.get(key);
        let translation = Translation {
            theirs: key.to_owned(),
            value: flow(&value),
            ours: ours.to_owned(),
        };
        if self.names(key) {
            self.seen.push(key.to_owned());
            self.report.translated.push(translation);
        } else if look_up(&self.defaults, key).is_some() {
            self.report.defaults.push(translation);
        }
    }

    /// Takes over a value unchanged.
    pub(super) fn carry(&mut self, key: &str, ours: &str) {
        let value = self.get(key);
        self.put(ours, value);
        self.note(key, ours);
    }

    /// Takes over a value in another form.
    pub(super) fn convert(&mut self, key: &str, ours: &str, value: impl Into<Value>) {
        self.put(ours, value);
        self.note(key, ours);
    }

    /// Notes that a key of the file has no effect, or an effect that needs no key here.
    pub(super) fn ignore(&mut self, key: &str, reason: &str) {
        if let Some(remark) = self.remark(key, reason) {
            self.report.ignored.push(remark);
        }
    }

    /// Notes that a value of the file or a default cannot be expressed.
    pub(super) fn unsupported(&mut self, key: &str, reason: &str) {
        let remark = self.remark(key, reason).unwrap_or_else(|| Remark {
            key: key.to_owned(),
            value: flow(&self.get(key)),
            reason: reason.to_owned(),
        });
        self.report.unsupported.push(remark);
    }

    fn remark(&mut self, key: &str, reason: &str) -> Option<Remark> {
        let value = flow(look_up(&self.file, key)?);
        self.seen.push(key.to_owned());
        Some(Remark {
            key: key.to_owned(),
            value,
            reason: reason.to_owned(),
        })
    }

    /// Lists all keys of the file that are not in the report yet.
    pub(super) fn list_unknown(&mut self) {
        let mut leaves = Vec::new();
        collect_leaves(&self.file, "", &mut leaves);
        for (key, value) in leaves {
            if !self.seen.contains(&key) {
                self.report.unknown.push(Remark {
                    key,
                    value,
                    reason: format!("the code of {} does not read it", self.code),
                });
            }
        }
    }

    pub(super) fn number(&self, key: &str) -> Result<f64, ImportError> {
        let value = self.get(key);
        value
            .as_f64()
            .ok_or_else(|| self.wrong(key, &value, "a number"))
    }

    pub(super) fn count(&self, key: &str) -> Result<usize, ImportError> {
        let value = self.get(key);
        value
            .as_u64()
            .and_then(|count| count.try_into().ok())
            .ok_or_else(|| self.wrong(key, &value, "a whole number of at least 0"))
    }

    pub(super) fn flag(&self, key: &str) -> Result<bool, ImportError> {
        let value = self.get(key);
        match (
            &value,
            value.as_str().map(str::to_ascii_lowercase).as_deref(),
        ) {
            (Value::Bool(flag), _) => Ok(*flag),
            // YAML 1.1, which their code reads, has these too.
            (_, Some("yes" | "on")) => Ok(true),
            (_, Some("no" | "off")) => Ok(false),
            _ => Err(self.wrong(key, &value, "true or false")),
        }
    }

    pub(super) fn text(&self, key: &str) -> Result<String, ImportError> {
        let value = self.get(key);
        match value.as_str() {
            Some(text) => Ok(text.to_owned()),
            None => Err(self.wrong(key, &value, "a text")),
        }
    }

    /// A text that may be null or absent.
    pub(super) fn optional_text(&self, key: &str) -> Result<Option<String>, ImportError> {
        if self.get(key).is_null() {
            return Ok(None);
        }
        self.text(key).map(Some)
    }

    /// A path of the file system, below the root if there is one.
    pub(super) fn path(&self, text: &str) -> String {
        match &self.root {
            Some(root) if !text.starts_with('/') => {
                let text = text.strip_prefix("./").unwrap_or(text);
                Path::new(root).join(text).to_string_lossy().into_owned()
            }
            _ => text.to_owned(),
        }
    }

    pub(super) fn wrong(&self, key: &str, value: &Value, allowed: &str) -> ImportError {
        if value.is_null() && !self.names(key) {
            return ImportError::Missing {
                origin: self.origin.clone(),
                key: key.to_owned(),
                code: self.code,
            };
        }
        ImportError::Value {
            origin: self.origin.clone(),
            key: key.to_owned(),
            value: flow(value),
            allowed: allowed.to_owned(),
        }
    }
}

fn look_up<'a>(mapping: &'a Mapping, key: &str) -> Option<&'a Value> {
    let mut parts = key.split('.');
    let mut found = mapping.get(parts.next()?)?;
    for part in parts {
        found = found.as_mapping()?.get(part)?;
    }
    Some(found)
}

fn collect_leaves(mapping: &Mapping, path: &str, leaves: &mut Vec<(String, String)>) {
    for (key, value) in mapping {
        let path = join(path, &key.as_str().map_or_else(|| flow(key), str::to_owned));
        match value {
            Value::Mapping(inner) if !inner.is_empty() => collect_leaves(inner, &path, leaves),
            // An empty section sets nothing.
            Value::Mapping(_) => {}
            value => leaves.push((path, flow(value))),
        }
    }
}
